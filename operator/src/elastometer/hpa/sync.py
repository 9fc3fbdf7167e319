"""What the controller sees at one sync: the scale, the Pods and the answers of the metrics APIs.

All times are seconds on one clock that the caller chooses. Pods and samples, of which a sync may have hundreds, are
named tuples because they cost a third of a frozen dataclass to construct.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class PodInput(NamedTuple):
    """One Pod of the target's selector.

    `ready` is the Ready condition, None if there is none yet. `requests` maps resource names to milli-units of the
    whole Pod, without any resource that one of its containers does not request. `container_requests` is the same by
    container; None if it is not known, and `requests` then belongs to the only container.
    """

    name: str
    phase: str
    ready: bool | None
    ready_transition: float | None
    start: float | None
    deleting: bool
    requests: Mapping[str, int]
    container_requests: Mapping[str, Mapping[str, int]] | None = None


class Sample(NamedTuple):
    """One Pod's value of one metric, in milli-units; `window` is how many seconds it was averaged over."""

    pod: str
    value: int
    at: float
    window: float


@dataclass(frozen=True, slots=True)
class MetricInput:
    """The answer for one metric: an error, or samples per Pod (Resource, ContainerResource, Pods), or values in
    milli-units (External: every series; Object: one)."""

    samples: tuple[Sample, ...] = ()
    values: tuple[int, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SyncInput:
    """The input of one sync. `metrics[j]` is the answer for `spec.metrics[j]`. `scale_error`: the target's scale could
    not be read; `update_error`: it could not be written."""

    at: float
    spec_replicas: int
    status_replicas: int
    pods: tuple[PodInput, ...]
    metrics: tuple[MetricInput, ...]
    scale_error: str | None = None
    update_error: str | None = None

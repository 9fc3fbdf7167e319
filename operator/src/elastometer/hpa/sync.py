"""What the controller sees at one sync: the scale, the Pods, the answers of the metrics APIs.

Every time is in seconds on one clock of the caller's choice. The two types that a look holds by the hundred are
named tuples: they cost a third of a frozen dataclass to make.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class PodLook(NamedTuple):
    """One Pod of the target's selector.

    `ready` is the Ready condition, None where there is none yet; `requests` is resource name -> milli-units of the
    whole Pod, without a resource that one of its containers does not request. `container_requests` is the same by
    container, None where it is not known: then `requests` is the one container's.
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
    """One Pod's value of one metric, milli-units; `window` is how many seconds it was averaged over."""

    pod: str
    value: int
    at: float
    window: float


@dataclass(frozen=True, slots=True)
class MetricLook:
    """The answer for one metric: an error, or samples per Pod (Resource, ContainerResource, Pods), or values in
    milli-units (External: every series; Object: one)."""

    samples: tuple[Sample, ...] = ()
    values: tuple[int, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One sync. `metrics[j]` answers for `spec.metrics[j]`. `scale_error`: the target's scale could not be read;
    `update_error`: it could not be written."""

    at: float
    spec_replicas: int
    status_replicas: int
    pods: tuple[PodLook, ...]
    metrics: tuple[MetricLook, ...]
    scale_error: str | None = None
    update_error: str | None = None

"""Which Pods count, and how: as ready, not ready, without a sample, or ignored.

Follows `groupPods` in replica_calculator.go.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from elastometer.hpa.arithmetic import SAME_INSTANT
from elastometer.hpa.settings import ControllerSettings
from elastometer.hpa.sync import PodInput, Sample

CPU = "cpu"


class Groups(NamedTuple):
    """`samples` are the values that count: those of ready Pods, and those of Pods that are not in the sync's list.
    `ready` is how many Pods are ready; the other groups are names."""

    samples: dict[str, int]
    ready: int
    unready: list[str]
    missing: list[str]
    ignored: list[str]


def group(
    pods: Sequence[PodInput], samples: Sequence[Sample], resource: str | None, at: float, controller: ControllerSettings
) -> Groups:
    """Readiness matters only for the CPU metric: a Pod that is starting uses CPU that says nothing about load."""
    values = {sample.pod: sample.value for sample in samples}
    fresh = {sample.pod: sample for sample in samples} if resource == CPU else None
    ready = 0
    unready: list[str] = []
    missing: list[str] = []
    ignored: list[str] = []
    for pod in pods:
        name, phase = pod.name, pod.phase
        if pod.deleting or phase == "Failed":
            ignored.append(name)
        elif phase == "Pending":
            unready.append(name)
        elif name not in values:
            missing.append(name)
        elif fresh is not None and _is_unready(pod, fresh[name], at, controller):
            unready.append(name)
        else:
            ready += 1
    for name in unready:
        values.pop(name, None)
    for name in ignored:
        values.pop(name, None)
    return Groups(values, ready, unready, missing, ignored)


def _is_unready(pod: PodInput, sample: Sample, at: float, controller: ControllerSettings) -> bool:
    """Within the CPU initialization period, a Pod counts as unready if it is not Ready, or if its sample reaches back
    before its last transition. Later it counts as unready if it never was Ready."""
    if pod.ready is None or pod.start is None:
        return True
    transition = pod.ready_transition if pod.ready_transition is not None else float("-inf")
    if pod.start + controller.cpu_initialization_seconds > at + SAME_INSTANT:
        return not pod.ready or sample.at < transition + sample.window - SAME_INSTANT
    # The API does not say whether a Pod ever was Ready; the controller infers it: the only transition of a Pod that
    # never was lies within the initial readiness delay after its start.
    return not pod.ready and pod.start + controller.initial_readiness_delay_seconds > transition + SAME_INSTANT


def running_and_ready(pods: Sequence[PodInput]) -> int:
    """How many Pods the ratio of a total is multiplied by; Pods that are being deleted count too."""
    return sum(1 for pod in pods if pod.ready and pod.phase == "Running")

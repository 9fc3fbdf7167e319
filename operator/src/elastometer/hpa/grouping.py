"""Which Pods count how: ready, not ready, without a sample, or not at all."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from elastometer.hpa.arithmetic import SAME_INSTANT
from elastometer.hpa.settings import ControllerSettings
from elastometer.hpa.sync import PodLook, Sample

CPU = "cpu"


class Groups(NamedTuple):
    """`samples` are those that count: of ready Pods, and of Pods that the look does not know. `ready` is how many Pods
    are ready; the other groups are names."""

    samples: dict[str, int]
    ready: int
    unready: list[str]
    missing: list[str]
    ignored: list[str]


def group(
    pods: Sequence[PodLook], samples: Sequence[Sample], resource: str | None, at: float, controller: ControllerSettings
) -> Groups:
    """Readiness is looked at only for the CPU metric: a Pod that starts burns CPU that says nothing about load."""
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


def _is_unready(pod: PodLook, sample: Sample, at: float, controller: ControllerSettings) -> bool:
    """Within the initialization period: not Ready, or the sample reaches back before the last transition. Later: not
    Ready and never was, which is told from a transition soon after the start."""
    if pod.ready is None or pod.start is None:
        return True
    transition = pod.ready_transition if pod.ready_transition is not None else float("-inf")
    if pod.start + controller.cpu_initialization_seconds > at + SAME_INSTANT:
        return not pod.ready or sample.at < transition + sample.window - SAME_INSTANT
    return not pod.ready and pod.start + controller.initial_readiness_delay_seconds > transition + SAME_INSTANT


def running_and_ready(pods: Sequence[PodLook]) -> int:
    """What a total is multiplied with; Pods that are being deleted count too."""
    return sum(1 for pod in pods if pod.ready and pod.phase == "Running")

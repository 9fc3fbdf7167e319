"""The decision that ends a time at zero replicas: KEDA makes it by the value of a trigger, and no sync of the HPA."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.scaleout.segments import Milliseconds, Segment
from elastometer.model.autoscaler import Cause
from elastometer.model.measurements import Stamp
from elastometer.model.milestones import Milestone
from elastometer.model.scaleout_waterfall import POLL
from elastometer.model.wake import Wake, WakeStep


def wake_of(change: Change, wakes: Sequence[Wake]) -> Wake | None:
    """The wake that the change ended, if it ended one."""
    return next((wake for wake in wakes if wake.scale_event == change.number), None)


def stamp_of(wake: Wake, name: WakeStep | Milestone) -> Stamp | None:
    """One instant of a wake, if it is known."""
    return next((one.stamp for one in wake.instants if one.name is name), None)


def activation_segments(begin: Milliseconds, end: Milliseconds, wake: Wake) -> Iterator[Segment]:
    """From the first request to the value that activates a trigger, and from there to KEDA's decision."""
    visible, first = stamp_of(wake, WakeStep.VISIBLE), stamp_of(wake, WakeStep.FIRST_REQUEST)
    if visible is None:
        return
    at, doubt = round(1000 * visible.seconds), visible.resolution_milliseconds
    source = visible.source.value if first is None else f"{first.source.value} to {visible.source.value}"
    yield Segment(f"lost-{Cause.METRIC_DELAY.value}", begin, at, doubt, source)
    yield Segment(POLL, at, end, doubt, visible.source.value)

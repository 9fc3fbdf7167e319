"""What earlier looks recommended keeps a decision back: the lowest of one window for more, the highest of one for less.

The list of recommendations grows no longer than the windows reach: the last one that no window sees any more is
overwritten, as the controller does it.
"""
from __future__ import annotations

from elastometer.hpa.arithmetic import SAME_INSTANT
from elastometer.hpa.settings import Behavior, HpaSpec
from elastometer.hpa.state import Recommendation

_Recommendations = tuple[Recommendation, ...]


def stabilize(
    earlier: _Recommendations, spec: HpaSpec, at: float, current: int, wanted: int
) -> tuple[_Recommendations, int]:
    """The recommendations with the new one, and the stabilized number of replicas."""
    if spec.behavior is None:
        return _without_behavior(earlier, spec.controller.downscale_stabilization_seconds, at, wanted)
    return _with_behavior(earlier, spec, spec.behavior, at, current, wanted)


def _without_behavior(
    earlier: _Recommendations, window: float, at: float, wanted: int
) -> tuple[_Recommendations, int]:
    """The highest of the window, its far end included."""
    cutoff = at - window - SAME_INSTANT
    highest, stale = wanted, None
    for index, one in enumerate(earlier):
        if one.at < cutoff:
            stale = index
        elif one.replicas > highest:
            highest = one.replicas
    return _remembered(earlier, stale, Recommendation(at, wanted)), highest


def _with_behavior(
    earlier: _Recommendations, spec: HpaSpec, behavior: Behavior, at: float, current: int, wanted: int
) -> tuple[_Recommendations, int]:
    """Both windows, their far ends excluded, pull toward the current number."""
    up = at - (behavior.scale_up.stabilization_seconds or 0)
    given = behavior.scale_down.stabilization_seconds
    down = at - (int(spec.controller.downscale_stabilization_seconds) if given is None else given)
    after_up, after_down, before_both = up + SAME_INSTANT, down + SAME_INSTANT, min(up, down) - SAME_INSTANT
    lowest = highest = wanted
    stale = None
    for index, one in enumerate(earlier):
        at_once, replicas = one.at, one.replicas
        if replicas < lowest and at_once > after_up:
            lowest = replicas
        if replicas > highest and at_once > after_down:
            highest = replicas
        if at_once < before_both:
            stale = index
    return _remembered(earlier, stale, Recommendation(at, wanted)), min(max(current, lowest), highest)


def _remembered(earlier: _Recommendations, stale: int | None, new: Recommendation) -> _Recommendations:
    if stale is None:
        return (*earlier, new)
    return (*earlier[:stale], new, *earlier[stale + 1:])

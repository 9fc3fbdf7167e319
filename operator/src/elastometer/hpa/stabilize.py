"""The stabilization windows: a scale-out follows the lowest recommendation of its window, a scale-in the highest.

The list of recommendations grows no longer than the windows reach: like the controller, a new one overwrites the last
one that no window sees any more. Follows `stabilizeRecommendation` and `stabilizeRecommendationWithBehaviors` in
horizontal.go.
"""
from __future__ import annotations

from elastometer.hpa.arithmetic import SAME_INSTANT
from elastometer.hpa.settings import HpaSpec
from elastometer.hpa.state import Recommendation

_Recommendations = tuple[Recommendation, ...]


def stabilize(
    earlier: _Recommendations, spec: HpaSpec, at: float, *, current: int, wanted: int
) -> tuple[_Recommendations, int]:
    """The recommendations including the new one, and the stabilized number of replicas."""
    window, behavior = spec.controller.downscale_stabilization_seconds, spec.behavior
    if behavior is None:
        return _without_behavior(earlier, window, at, wanted)
    down = behavior.scale_down.stabilization_seconds
    # int: the controller fills an absent scaleDown window from its flag in whole seconds.
    cutoffs = at - (behavior.scale_up.stabilization_seconds or 0), at - (int(window) if down is None else down)
    return _with_behavior(earlier, cutoffs, current, Recommendation(at, wanted))


def _without_behavior(
    earlier: _Recommendations, window: float, at: float, wanted: int
) -> tuple[_Recommendations, int]:
    """The highest recommendation of the window, including its far end (the controller compares with Before)."""
    cutoff = at - window - SAME_INSTANT
    highest, stale = wanted, None
    for index, recommendation in enumerate(earlier):
        if recommendation.at < cutoff:
            stale = index
        elif recommendation.replicas > highest:
            highest = recommendation.replicas
    return _remembered(earlier, stale, Recommendation(at, wanted)), highest


def _with_behavior(
    earlier: _Recommendations, cutoffs: tuple[float, float], current: int, new: Recommendation
) -> tuple[_Recommendations, int]:
    """Both windows pull toward the current number. Their far ends are excluded (the controller compares with After).
    The cutoffs are those of scale-out and scale-in."""
    up, down = cutoffs
    after_up, after_down, before_both = up + SAME_INSTANT, down + SAME_INSTANT, min(cutoffs) - SAME_INSTANT
    lowest = highest = new.replicas
    stale = None
    for index, recommendation in enumerate(earlier):
        when, replicas = recommendation.at, recommendation.replicas
        if replicas < lowest and when > after_up:
            lowest = replicas
        if replicas > highest and when > after_down:
            highest = replicas
        if when < before_both:
            stale = index
    return _remembered(earlier, stale, new), min(max(current, lowest), highest)


def _remembered(earlier: _Recommendations, stale: int | None, new: Recommendation) -> _Recommendations:
    if stale is None:
        return (*earlier, new)
    return (*earlier[:stale], new, *earlier[stale + 1:])

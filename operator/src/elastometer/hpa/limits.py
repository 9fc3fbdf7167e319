"""How fast and how far replicas may change: scaling policies, minReplicas and maxReplicas, each with its reason.

Follows `normalizeDesiredReplicas`, `convertDesiredReplicasWithBehaviorRate` and the functions they call in
horizontal.go. The reasons are those of the condition ScalingLimited.
"""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.hpa.arithmetic import INT32_MAX, INT32_MIN, SAME_INSTANT, ceiling32, int32, truncated32
from elastometer.hpa.settings import HpaSpec, PolicyType, ScalingRules, SelectPolicy
from elastometer.hpa.state import ScaleRecord, State

IN_RANGE = "DesiredWithinRange"
SCALE_UP_LIMIT = "ScaleUpLimit"
SCALE_DOWN_LIMIT = "ScaleDownLimit"
TOO_MANY = "TooManyReplicas"
TOO_FEW = "TooFewReplicas"
# Without `behavior`, a sync may double the replicas, or go up to four if that is more (scaleUpLimitFactor and
# scaleUpLimitMinimum in horizontal.go).
_FACTOR, _ALWAYS_ALLOWED = 2.0, 4.0


def limit(state: State, spec: HpaSpec, at: float, *, current: int, wanted: int) -> tuple[int, str]:
    """The number of replicas that is allowed now, and the reason."""
    behavior = spec.behavior
    if behavior is None:
        if wanted < spec.minimum:
            return spec.minimum, TOO_FEW
        return _at_most(spec.maximum, truncated32(max(_FACTOR * current, _ALWAYS_ALLOWED)), wanted)
    # While earlier changes use up the policies, their limit may lie on the other side of `current`; the controller then
    # stays where it is, so a limit never turns the direction.
    if wanted > current:
        return _at_most(spec.maximum, max(current, _fastest_up(state, behavior.scale_up, at, current)), wanted)
    if wanted < current:
        return _at_least(spec.minimum, min(current, _fastest_down(state, behavior.scale_down, at, current)), wanted)
    return wanted, IN_RANGE


def _at_most(maximum: int, fastest: int, wanted: int) -> tuple[int, str]:
    highest, reason = (fastest, SCALE_UP_LIMIT) if maximum > fastest else (maximum, TOO_MANY)
    return (highest, reason) if wanted > highest else (wanted, IN_RANGE)


def _at_least(minimum: int, fastest: int, wanted: int) -> tuple[int, str]:
    lowest, reason = (fastest, SCALE_DOWN_LIMIT) if minimum < fastest else (minimum, TOO_FEW)
    return (lowest, reason) if wanted < lowest else (wanted, IN_RANGE)


def _fastest_up(state: State, rules: ScalingRules, at: float, current: int) -> int:
    """The most replicas that the policies allow; replicas that were added within the period count against them."""
    if rules.select is SelectPolicy.DISABLED:
        return current
    strictest = rules.select is SelectPolicy.MIN
    allowed = [INT32_MAX if strictest else INT32_MIN]
    for policy in rules.policies:
        began = _at_start_of_period(state, policy.period_seconds, at, current)
        if policy.type is PolicyType.PODS:
            allowed.append(int32(began + policy.value))
        else:
            # Rounded up, so that a percentage of one replica still allows a step.
            allowed.append(ceiling32(began * (1 + policy.value / 100)))
    return min(allowed) if strictest else max(allowed)


def _fastest_down(state: State, rules: ScalingRules, at: float, current: int) -> int:
    """The fewest replicas that the policies allow."""
    if rules.select is SelectPolicy.DISABLED:
        return current
    strictest = rules.select is SelectPolicy.MIN
    allowed = [INT32_MIN if strictest else INT32_MAX]
    for policy in rules.policies:
        began = _at_start_of_period(state, policy.period_seconds, at, current)
        if policy.type is PolicyType.PODS:
            allowed.append(int32(began - policy.value))
        else:
            # Cut, not rounded up: otherwise 10 % of a few replicas would never allow a step.
            allowed.append(truncated32(began * (1 - policy.value / 100)))
    return max(allowed) if strictest else min(allowed)


def _at_start_of_period(state: State, period: int, at: float, current: int) -> int:
    """The current replicas without those added, and with those removed, since the period began."""
    cutoff = at - period + SAME_INSTANT
    return int32(current - _changed(state.scale_ups, cutoff) + _changed(state.scale_downs, cutoff))


def _changed(records: Sequence[ScaleRecord], cutoff: float) -> int:
    return sum(record.change for record in records if record.at > cutoff)


def remember(
    records: tuple[ScaleRecord, ...], rules: ScalingRules, at: float, change: int
) -> tuple[ScaleRecord, ...]:
    """The rescales with the new one, which takes the place of the last one that no policy can see any more."""
    cutoff = at - max(policy.period_seconds for policy in rules.policies) - SAME_INSTANT
    marked = [record if record.outdated or record.at >= cutoff else ScaleRecord(record.at, record.change, True)
              for record in records]
    stale = [index for index, record in enumerate(marked) if record.outdated]
    # The controller overwrites exactly one record, the last outdated one. Which one it is matters: a record that stays
    # behind counts again if the policies' periods become longer.
    if stale:
        marked[stale[-1]] = ScaleRecord(at, change)
    else:
        marked.append(ScaleRecord(at, change))
    return tuple(marked)

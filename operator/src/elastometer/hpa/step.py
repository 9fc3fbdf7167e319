"""One look of the HorizontalPodAutoscaler controller of Kubernetes 1.35, with the gate HPAConfigurableTolerance on.

A pure function of what the controller keeps and of what it sees. That the target's scale has no selector, or one that
several HPAs share, is not part of a look.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from elastometer.hpa import limits
from elastometer.hpa.combine import Combined, combine
from elastometer.hpa.decision import Account, Condition, Constraint, Decision, Reduction
from elastometer.hpa.settings import HpaSpec
from elastometer.hpa.stabilize import stabilize
from elastometer.hpa.state import Recommendation, State
from elastometer.hpa.sync import Look

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"
_GOT_SCALE = Condition("True", "SucceededGetScale")
_RESCALED = Condition("True", "SucceededRescale")
_READY = Condition("True", "ReadyForNewScale")
_HELD_UP = Condition("True", "ScaleUpStabilized")
_HELD_DOWN = Condition("True", "ScaleDownStabilized")
_NO_SCALE = Condition("False", "FailedGetScale")
_NOT_WRITTEN = Condition("False", "FailedUpdateScale")
_DISABLED = Condition("False", "ScalingDisabled")
_VALID = Condition("True", "ValidMetricFound")
_BY_REASON = {
    limits.SCALE_UP_LIMIT: Constraint.POLICY, limits.SCALE_DOWN_LIMIT: Constraint.POLICY,
    limits.TOO_MANY: Constraint.MAXIMUM, limits.TOO_FEW: Constraint.MINIMUM,
}
_RESCALE_EVENT = "SuccessfulRescale"
_NOT_WRITTEN_EVENT = "FailedRescale"
_FAILURE_EVENT = "FailedComputeMetricsReplicas"


class _Outcome(NamedTuple):
    """A number of replicas on its way to becoming a decision; `failed` where the sync ends in an error before it."""

    desired: int
    conditions: dict[str, Condition]
    account: Account
    recommendations: tuple[Recommendation, ...]
    events: tuple[str, ...] = ()
    failed: bool = False


def step(state: State, spec: HpaSpec, look: Look) -> tuple[State, Decision]:
    """What the controller keeps afterwards, and what it decided."""
    current = look.spec_replicas
    if look.scale_error is not None:
        account = Account(current, binding=Constraint.NO_SCALE)
        unseen = {**state.conditions, ABLE: _NO_SCALE}
        return _ended(state, spec, look, _Outcome(
            current, unseen, account, state.recommendations, (_NO_SCALE.reason,), failed=True))
    before = state.recommendations or (Recommendation(look.at, current),)
    conditions = {**state.conditions, ABLE: _GOT_SCALE}
    if current == 0 and spec.minimum != 0:
        conditions[ACTIVE] = _DISABLED
        outcome = _Outcome(0, conditions, Account(current, binding=Constraint.DISABLED), before)
    elif current > spec.maximum:
        outcome = _Outcome(spec.maximum, conditions, _moved(current, spec.maximum, Constraint.MAXIMUM), before)
    elif current < spec.minimum:
        outcome = _Outcome(spec.minimum, conditions, _moved(current, spec.minimum, Constraint.MINIMUM), before)
    else:
        outcome = _by_metrics(state, spec, look, before, conditions)
    return _ended(state, spec, look, outcome)


def _moved(current: int, desired: int, constraint: Constraint) -> Account:
    return Account(current, reductions=(Reduction(constraint, current, desired),), binding=constraint)


def _by_metrics(
    state: State, spec: HpaSpec, look: Look, before: tuple[Recommendation, ...], conditions: dict[str, Condition]
) -> _Outcome:
    current, combined = look.spec_replicas, combine(spec, look)
    if combined.raw is None:
        first = next(one.error for one in combined.proposals if one.error is not None)
        conditions[ACTIVE] = Condition("False", first)
        account = _account(current, combined, combined.reductions, combined.binding)
        return _Outcome(current, conditions, account, before, (*combined.events, _FAILURE_EVENT), failed=True)
    conditions[ACTIVE] = _VALID
    recommendations, stable = stabilize(before, spec, look.at, current, combined.replicas)
    conditions[ABLE] = _stabilized(spec, current, combined.replicas, stable)
    desired, reason = limits.limit(state, spec, look.at, current, stable)
    conditions[LIMITED] = Condition("False" if desired == stable else "True", reason)
    reductions = combined.reductions
    if stable != combined.replicas:
        reductions = (*reductions, Reduction(Constraint.STABILIZATION, combined.replicas, stable))
    if desired != stable:
        reductions = (*reductions, Reduction(_BY_REASON[reason], stable, desired))
    binding = reductions[-1].constraint if reductions else Constraint.NONE
    account = _account(current, combined, reductions, binding)
    return _Outcome(desired, conditions, account, recommendations, combined.events)


def _account(current: int, combined: Combined, reductions: tuple[Reduction, ...], binding: Constraint) -> Account:
    return Account(
        current, combined.proposals, combined.metric, combined.wanted, combined.raw, reductions, binding)


def _stabilized(spec: HpaSpec, current: int, wanted: int, stable: int) -> Condition:
    if stable == wanted:
        return _READY
    return _HELD_UP if spec.behavior is not None and wanted >= current else _HELD_DOWN


def _not_written(look: Look, outcome: _Outcome) -> _Outcome:
    """The target stays as it is."""
    current, account = look.spec_replicas, outcome.account
    held = Reduction(Constraint.NO_SCALE, outcome.desired, current)
    return outcome._replace(
        desired=current, conditions={**outcome.conditions, ABLE: _NOT_WRITTEN}, failed=True,
        events=(*outcome.events, _NOT_WRITTEN_EVENT),
        account=replace(account, reductions=(*account.reductions, held), binding=Constraint.NO_SCALE))


def _ended(state: State, spec: HpaSpec, look: Look, outcome: _Outcome) -> tuple[State, Decision]:
    """Writes the scale where it changes, and the status."""
    current, desired, conditions = look.spec_replicas, outcome.desired, outcome.conditions
    if desired != current and look.update_error is not None:
        return _ended(state, spec, look, _not_written(look, outcome))
    rescaled = desired != current
    events, ups, downs = outcome.events, state.scale_ups, state.scale_downs
    if rescaled:
        conditions[ABLE] = _RESCALED
        events = (*events, _RESCALE_EVENT)
        if spec.behavior is not None and desired > current:
            ups = limits.remember(ups, spec.behavior.scale_up, look.at, desired - current)
        elif spec.behavior is not None:
            downs = limits.remember(downs, spec.behavior.scale_down, look.at, current - desired)
    status = state.desired if outcome.failed else desired
    frozen: Mapping[str, Condition] = conditions
    decision = Decision(desired, status, rescaled, frozen, tuple(sorted(events)), outcome.account)
    return State(outcome.recommendations, ups, downs, frozen, status), decision

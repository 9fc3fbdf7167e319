"""One sync of the HorizontalPodAutoscaler controller of Kubernetes 1.35, with the gate HPAConfigurableTolerance on.

A pure function of the controller's memory and of what it sees; it follows `reconcileAutoscaler` in horizontal.go. Not
modelled: a target whose scale has no selector, or a selector that several HPAs share.
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
from elastometer.hpa.sync import SyncInput

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
    """A number of replicas before it is written. `failed`: the sync ends in an error, the status keeps its number."""

    desired: int
    conditions: dict[str, Condition]
    account: Account
    recommendations: tuple[Recommendation, ...]
    events: tuple[str, ...] = ()
    failed: bool = False


def step(state: State, spec: HpaSpec, sync: SyncInput) -> tuple[State, Decision]:
    """What the controller remembers afterwards, and what it decided."""
    current = sync.spec_replicas
    if sync.scale_error is not None:
        account = Account(current, binding=Constraint.NO_SCALE)
        unseen = {**state.conditions, ABLE: _NO_SCALE}
        return _ended(state, spec, sync, _Outcome(
            current, unseen, account, state.recommendations, (_NO_SCALE.reason,), failed=True))
    # An HPA that was never synced starts with its current size as a recommendation, so that the windows hold it there.
    before = state.recommendations or (Recommendation(sync.at, current),)
    conditions = {**state.conditions, ABLE: _GOT_SCALE}
    if current == 0 and spec.minimum != 0:
        conditions[ACTIVE] = _DISABLED
        outcome = _Outcome(0, conditions, Account(current, binding=Constraint.DISABLED), before)
    # Outside of minReplicas and maxReplicas no metric is read: windows and policies do not apply to this change.
    elif current > spec.maximum:
        outcome = _Outcome(spec.maximum, conditions, _moved(current, spec.maximum, Constraint.MAXIMUM), before)
    elif current < spec.minimum:
        outcome = _Outcome(spec.minimum, conditions, _moved(current, spec.minimum, Constraint.MINIMUM), before)
    else:
        outcome = _by_metrics(state, spec, sync, before, conditions)
    return _ended(state, spec, sync, outcome)


def _moved(current: int, desired: int, constraint: Constraint) -> Account:
    return Account(current, reductions=(Reduction(constraint, current, desired),), binding=constraint)


def _by_metrics(
    state: State, spec: HpaSpec, sync: SyncInput, before: tuple[Recommendation, ...], conditions: dict[str, Condition]
) -> _Outcome:
    current, combined = sync.spec_replicas, combine(spec, sync)
    if combined.raw is None:
        first = next(proposal.error for proposal in combined.proposals if proposal.error is not None)
        conditions[ACTIVE] = Condition("False", first)
        account = _account(current, combined, combined.reductions, combined.binding)
        return _Outcome(current, conditions, account, before, (*combined.events, _FAILURE_EVENT), failed=True)
    conditions[ACTIVE] = _VALID
    recommendations, stable = stabilize(before, spec, sync.at, current=current, wanted=combined.replicas)
    conditions[ABLE] = _stabilized(spec, current, combined.replicas, stable)
    desired, reason = limits.limit(state, spec, sync.at, current=current, wanted=stable)
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


def _not_written(sync: SyncInput, outcome: _Outcome) -> _Outcome:
    """The decision could not be written: the target stays as it is, and the sync ends in an error."""
    current, account = sync.spec_replicas, outcome.account
    held = Reduction(Constraint.NO_SCALE, outcome.desired, current)
    return outcome._replace(
        desired=current, conditions={**outcome.conditions, ABLE: _NOT_WRITTEN}, failed=True,
        events=(*outcome.events, _NOT_WRITTEN_EVENT),
        account=replace(account, reductions=(*account.reductions, held), binding=Constraint.NO_SCALE))


def _ended(state: State, spec: HpaSpec, sync: SyncInput, outcome: _Outcome) -> tuple[State, Decision]:
    """Writes the scale if it changes, and the status."""
    current, desired, conditions = sync.spec_replicas, outcome.desired, outcome.conditions
    if desired != current and sync.update_error is not None:
        return _ended(state, spec, sync, _not_written(sync, outcome))
    rescaled = desired != current
    events, ups, downs = outcome.events, state.scale_ups, state.scale_downs
    if rescaled:
        conditions[ABLE] = _RESCALED
        events = (*events, _RESCALE_EVENT)
        if spec.behavior is not None and desired > current:
            ups = limits.remember(ups, spec.behavior.scale_up, sync.at, desired - current)
        elif spec.behavior is not None:
            downs = limits.remember(downs, spec.behavior.scale_down, sync.at, current - desired)
    # After an error the controller leaves desiredReplicas in the status as it was.
    status = state.desired if outcome.failed else desired
    frozen: Mapping[str, Condition] = conditions
    decision = Decision(desired, status, rescaled, frozen, tuple(sorted(events)), outcome.account)
    return State(outcome.recommendations, ups, downs, frozen, status), decision

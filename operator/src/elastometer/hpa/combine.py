"""Combines the proposals of all metrics: the highest wins, and while a metric cannot be read nothing is scaled in.

Follows `computeReplicasForMetrics` in horizontal.go.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from elastometer.hpa import per_pod, whole
from elastometer.hpa.decision import Constraint, Proposal, Reduction
from elastometer.hpa.settings import HpaSpec, Metric, MetricType
from elastometer.hpa.sync import SyncInput
from elastometer.hpa.tolerance import Tolerances, tolerances_of

_TOTALS = (MetricType.OBJECT, MetricType.EXTERNAL)
_REASONS = {kind: f"FailedGet{kind}Metric" for kind in MetricType}


class Combined(NamedTuple):
    """`raw` is None if no metric could be evaluated; `replicas` counts a negative number as zero. `events` are the
    reasons of the metrics that failed."""

    proposals: tuple[Proposal, ...]
    metric: int | None
    raw: int | None
    wanted: int | None
    events: tuple[str, ...]
    reductions: tuple[Reduction, ...]
    binding: Constraint

    @property
    def replicas(self) -> int:
        return max(0, self.raw or 0)


def combine(spec: HpaSpec, sync: SyncInput) -> Combined:
    """Evaluates every metric of the spec."""
    tolerances = tolerances_of(spec)
    proposals = tuple(_propose(index, metric, spec, sync, tolerances) for index, metric in enumerate(spec.metrics))
    failed = tuple(proposal.error for proposal in proposals if proposal.error is not None)
    winner, highest = _highest(proposals)
    if len(failed) == len(proposals):
        return Combined(proposals, None, None, None, failed, (), Constraint.NO_METRIC)
    wanted = _most_wanted(proposals)
    unclamped = max(0, wanted.unclamped or 0)
    # A failed metric might have asked for more, so its absence never allows a scale-in.
    if failed and highest < sync.spec_replicas:
        held = Reduction(Constraint.PARTIAL_METRICS, unclamped, sync.spec_replicas)
        return Combined(proposals, None, None, unclamped, failed, (held,), Constraint.PARTIAL_METRICS)
    replicas = max(0, highest)
    if replicas == unclamped:
        return Combined(proposals, winner, highest, unclamped, failed, (), Constraint.NONE)
    # If the result is lower than the unclamped one, the metric that wanted most was limited. If it is higher, another
    # metric won, and its own constraint kept it from proposing fewer.
    constraint = wanted.constraint if replicas < unclamped or winner is None else proposals[winner].constraint
    reductions = (Reduction(constraint, unclamped, replicas),)
    return Combined(proposals, winner, highest, unclamped, failed, reductions, constraint)


def _propose(index: int, metric: Metric, spec: HpaSpec, sync: SyncInput, tolerances: Tolerances) -> Proposal:
    if metric.type in _TOTALS:
        proposal = whole.propose(index, metric, sync, tolerances)
    else:
        proposal = per_pod.propose(index, metric, spec, sync, tolerances)
    return proposal or Proposal(index, metric.name, error=_REASONS[metric.type])


def _highest(proposals: Sequence[Proposal]) -> tuple[int | None, int]:
    """The index and number of the first highest proposal. As in the controller, a proposal of zero is replaced by
    whatever comes next, even if that is negative."""
    winner, highest = None, 0
    for proposal in proposals:
        if proposal.replicas is not None and (highest == 0 or proposal.replicas > highest):
            winner, highest = proposal.metric, proposal.replicas
    return winner, highest


def _most_wanted(proposals: Sequence[Proposal]) -> Proposal:
    evaluated = [proposal for proposal in proposals if proposal.unclamped is not None]
    return max(evaluated, key=lambda proposal: proposal.unclamped or 0)

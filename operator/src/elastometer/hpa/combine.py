"""The proposals of all metrics become one number: the highest counts, and nothing is scaled in on partial sight."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from elastometer.hpa import per_pod, whole
from elastometer.hpa.decision import Constraint, Proposal, Reduction
from elastometer.hpa.settings import HpaSpec, Metric, MetricType
from elastometer.hpa.sync import Look
from elastometer.hpa.tolerance import Tolerances, tolerances_of

_TOTALS = (MetricType.OBJECT, MetricType.EXTERNAL)
_REASONS = {kind: f"FailedGet{kind}Metric" for kind in MetricType}


class Combined(NamedTuple):
    """`raw` is None where nothing could be told; what is below zero counts as zero, in `replicas`. `events` are the
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


def combine(spec: HpaSpec, look: Look) -> Combined:
    """Asks every metric."""
    tolerances = tolerances_of(spec)
    proposals = tuple(_propose(index, metric, spec, look, tolerances) for index, metric in enumerate(spec.metrics))
    failed = tuple(one.error for one in proposals if one.error is not None)
    winner, highest = _highest(proposals)
    if len(failed) == len(proposals):
        return Combined(proposals, None, None, None, failed, (), Constraint.NO_METRIC)
    wanted = _most_wanted(proposals)
    bare = max(0, wanted.bare or 0)
    if failed and highest < look.spec_replicas:
        held = Reduction(Constraint.PARTIAL_METRICS, bare, look.spec_replicas)
        return Combined(proposals, None, None, bare, failed, (held,), Constraint.PARTIAL_METRICS)
    replicas = max(0, highest)
    if replicas == bare:
        return Combined(proposals, winner, highest, bare, failed, (), Constraint.NONE)
    # Below, the metric that wanted most was held back; above, another one was kept from asking for fewer.
    constraint = wanted.constraint if replicas < bare or winner is None else proposals[winner].constraint
    return Combined(proposals, winner, highest, bare, failed, (Reduction(constraint, bare, replicas),), constraint)


def _propose(index: int, metric: Metric, spec: HpaSpec, look: Look, tolerances: Tolerances) -> Proposal:
    if metric.type in _TOTALS:
        proposal = whole.propose(index, metric, look, tolerances)
    else:
        proposal = per_pod.propose(index, metric, spec, look, tolerances)
    return proposal or Proposal(index, metric.name, error=_REASONS[metric.type])


def _highest(proposals: Sequence[Proposal]) -> tuple[int | None, int]:
    """The first of the highest; after a proposal of zero, whatever comes next."""
    winner, highest = None, 0
    for one in proposals:
        if one.replicas is not None and (highest == 0 or one.replicas > highest):
            winner, highest = one.metric, one.replicas
    return winner, highest


def _most_wanted(proposals: Sequence[Proposal]) -> Proposal:
    return max((one for one in proposals if one.bare is not None), key=lambda one: one.bare or 0)

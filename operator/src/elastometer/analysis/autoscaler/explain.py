"""The decision account of a recorded autoscaler: one row per sync, and for each change where the seconds went.

Pure: recorded and replayed syncs in, the report's section out. What the replay does not reproduce it does not explain:
the seconds after such a sync stay unattributed.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from elastometer.analysis.autoscaler.fidelity import Compared, Fidelity
from elastometer.analysis.autoscaler.losses import held, scale_accounts
from elastometer.analysis.autoscaler.needs import Signals
from elastometer.analysis.autoscaler.points import Accuracy, Bounds, cause_of, holding, points, steps_of
from elastometer.hpa.decision import Constraint, Proposal
from elastometer.hpa.settings import HpaSpec, TargetType
from elastometer.hpa.sync import SyncInput
from elastometer.model.autoscaler import AutoscalerAccount, Cause, FidelitySummary, MetricReading, SyncMismatch, SyncRow


def explain(
    spec: HpaSpec, name: str, replayed: Fidelity, signals: Mapping[int, Signals], accuracy: Accuracy,
) -> AutoscalerAccount:
    """Every sync becomes a row. `signals` are by the index of their metric."""
    found, bounds = points(replayed.syncs, accuracy), Bounds(spec.minimum, spec.maximum)
    return AutoscalerAccount(
        name=name, minimum=bounds.minimum, maximum=bounds.maximum,
        rows=tuple(_row(one, holding(point, bounds), spec)
                   for one, point in zip(replayed.syncs, found, strict=True)),
        changes=scale_accounts(found, signals), held=held(found, bounds), fidelity=agreement(replayed))


def agreement(replayed: Fidelity) -> FidelitySummary:
    """The fidelity as the report holds it."""
    return FidelitySummary(
        syncs=len(replayed.syncs), seen=replayed.seen.of, seen_agreed=replayed.seen.agreed,
        inferred=replayed.inferred.of, inferred_agreed=replayed.inferred.agreed, percent=replayed.all.percent,
        misses=tuple(SyncMismatch(one.sync.input.at, one.differences, one.cause) for one in replayed.misses),
        unknowable=tuple(_unknowable(replayed)))


def _unknowable(replayed: Fidelity) -> Iterator[str]:
    """What no replay of this record could know."""
    unknown = sum(not one.known for one in replayed.syncs)
    if unknown:
        yield f"what the controller decided at {unknown} of {len(replayed.syncs)} syncs, which left no trace"
    doubts = Counter(doubt for one in replayed.syncs for doubt in one.sync.doubts)
    yield from (f"{doubt} ({count} of {len(replayed.syncs)} syncs)" for doubt, count in doubts.most_common())


def condensed(account: AutoscalerAccount) -> AutoscalerAccount:
    """The account with idle syncs folded, as the report holds it: a day of them is one row."""
    return replace(account, rows=folded(account.rows))


def folded(rows: Iterable[SyncRow]) -> tuple[SyncRow, ...]:
    """Consecutive idle rows of one state as one row with their count."""
    kept: list[SyncRow] = []
    for row in rows:
        last = kept[-1] if kept else None
        if last is not None and is_idle(row) and is_idle(last) and _state(last) == _state(row):
            kept[-1] = replace(last, count=last.count + row.count, until_seconds=row.until_seconds or row.seconds)
        else:
            kept.append(row)
    return tuple(kept)


def is_idle(row: SyncRow) -> bool:
    """Whether nothing changed and nothing else was wanted; at the minimum fewer replicas may have been."""
    stays = row.spec == row.desired == (row.desired if row.live is None else row.live)
    return stays and row.agrees is not False and (row.wanted == row.desired or row.binding is Cause.MINIMUM)


def _state(row: SyncRow) -> tuple[object, ...]:
    return row.desired, row.ready, row.raw, row.binding, [one.error for one in row.metrics]


def _row(one: Compared, binding: Cause | None, spec: HpaSpec) -> SyncRow:
    sync, account = one.sync, one.decision.account
    return SyncRow(
        seconds=round(sync.input.at, 3), seen=sync.seen, spec=sync.input.spec_replicas, ready=_ready(sync.input),
        metrics=tuple(_reading(proposal, spec) for proposal in account.proposals),
        metric=next((proposal.name for proposal in account.proposals if proposal.metric == account.metric), None),
        wanted=account.wanted, raw=account.raw, steps=steps_of(one.decision),
        desired=one.decision.desired, binding=binding, live=sync.observed.desired,
        agrees=not one.differences if one.known else None,
        difference="; ".join(filter(None, (*one.differences, one.cause))) or None)


def _ready(seen: SyncInput) -> int:
    return sum(pod.ready is True and not pod.deleting for pod in seen.pods)


def _reading(proposal: Proposal, spec: HpaSpec) -> MetricReading:
    metric = spec.metrics[proposal.metric]
    is_share = metric.target_type is TargetType.UTILIZATION
    scale = 1 if is_share else 1000
    return MetricReading(
        name=proposal.name, value=None if proposal.value is None else proposal.value / scale,
        target=metric.target / scale, unit=" %" if is_share else "", bare=proposal.unclamped,
        proposed=proposal.replicas,
        constraint=None if proposal.constraint is Constraint.NONE else cause_of(proposal.constraint),
        error=proposal.error)

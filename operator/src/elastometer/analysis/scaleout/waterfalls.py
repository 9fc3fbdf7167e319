"""Every scale-out of a run as one waterfall; the slowest of them with the rows that their bars were made from."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.scaleout import cited
from elastometer.analysis.scaleout.activation import wake_of
from elastometer.analysis.scaleout.budget import summands
from elastometer.analysis.scaleout.decision import Beginning, account_of, beginning, decision_segments
from elastometer.analysis.scaleout.path import Path, last_pod, path
from elastometer.analysis.scaleout.rise import rise_of
from elastometer.analysis.scaleout.segments import Milliseconds, Segment, bar_of, joined
from elastometer.analysis.scaleout.steady import SteadyState, looked_at, steady_state
from elastometer.analysis.starts.coldstart import Start
from elastometer.model.autoscaler import AutoscalerAccount, ScaleAccount
from elastometer.model.milestones import Milestone
from elastometer.model.scaleout_waterfall import POLL, SIGNAL, Reference, ScaleOutBegin, ScaleOutWaterfall
from elastometer.model.units import MILLISECOND, Instant, Nanoseconds
from elastometer.model.wake import Wake

# A page with the rows of every scale-out of a long run would be too large; the slowest are those that are looked up.
WITH_EVIDENCE = 6
ROWS_PER_BAR = 4
# Each takes a look at the requests of a minute, some 25 ms of a million.
WITH_STEADY_RATE = 60


def waterfalls(
    run: DerivedRun, account: AutoscalerAccount, demand: Demand, wakes: Sequence[Wake] = (),
) -> tuple[ScaleOutWaterfall, ...]:
    """One per scale-out, in order. `wakes` are the times at zero replicas, some of which a scale-out ended."""
    outs = [change for change in run.changes if change.is_out]
    starts = {change.number: [one for one in run.starts if one.change is not None and
                              one.change.number == change.number] for change in outs}
    steady = _steady_states([last for mine in starts.values() if (last := last_pod(mine)) is not None], run.evidence)
    made = [_Made(change, starts[change.number], run, _Sources(account, demand, wakes), steady) for change in outs]
    slowest = sorted(made, key=lambda one: (-one.total, one.change.number))[:WITH_EVIDENCE]
    chosen = {one.change.number for one in slowest}
    return tuple(one.waterfall(with_evidence=one.change.number in chosen) for one in made)


def _steady_states(last: Sequence[Start], evidence: Evidence) -> dict[str, SteadyState]:
    """By the name of a Pod that served."""
    served = [one for one in last if Milestone.FIRST_SERVED in one.used]
    table = evidence.table.select("pod", "first_token", "last_token", "completion_tokens")
    slowest = sorted(served, key=lambda one: (-_length(one), one.pod.name))
    found = {one.pod.name: SteadyState(None, reason=f"of {len(served)} scale-outs it is measured for the "
                                                    f"{WITH_STEADY_RATE} that took longest") for one in slowest}
    for one in slowest[:WITH_STEADY_RATE]:
        instant = one.used[Milestone.FIRST_SERVED].instant
        near, mine = looked_at(table, instant), pl.col("pod") == one.pod.name
        found[one.pod.name] = steady_state(near.filter(mine), near.filter(~mine), instant)
    return found


def _length(one: Start) -> Nanoseconds:
    """From the decision to the first token."""
    decided = one.used.get(Milestone.DECIDED)
    return 0 if decided is None else one.used[Milestone.FIRST_SERVED].instant - decided.instant


@dataclass(frozen=True, slots=True)
class _Sources:
    """What says why and when the replicas were ordered."""

    account: AutoscalerAccount
    demand: Demand
    wakes: Sequence[Wake]


class _Made:
    """One scale-out while it is put together."""

    def __init__(
        self, change: Change, starts: Sequence[Start], run: DerivedRun, sources: _Sources,
        steady: dict[str, SteadyState],
    ) -> None:
        evidence, last, wake = run.evidence, last_pod(starts), wake_of(change, sources.wakes)
        self.change, self._starts, self._run = change, starts, run
        self._mine: ScaleAccount | None = account_of(change, sources.account, evidence)
        self._path: Path = path(change, starts, None if last is None else steady.get(last.pod.name), evidence)
        self._begin: Beginning = beginning(change, self._mine, sources.demand, run, wake)
        decision = decision_segments(self._begin, change, self._mine, sources.account, evidence, wake)
        end = max(self._path.until(decision[-1].until if decision else self._begin.at), self._begin.at)
        self._segments = list(joined([*decision, *self._path.segments], self._begin.at, end, "no source shows it"))
        self.total: Milliseconds = end - self._begin.at

    def waterfall(self, *, with_evidence: bool) -> ScaleOutWaterfall:
        """As the report has it."""
        change, begin, found = self.change, self._begin, self._path
        rise = rise_of(begin, self._run.evidence) if begin.kind is ScaleOutBegin.DEMAND else None
        bars = tuple(bar_of(one, self._rows(one) if with_evidence else ()) for one in self._segments)
        plan = self._run.bundle.plan
        return ScaleOutWaterfall(
            scale_event=change.number, from_replicas=change.before, to_replicas=change.after,
            begin=begin.kind, begin_reason=begin.reason, end=found.end, end_reason=found.reason,
            start_seconds=begin.at / 1000, total_milliseconds=self.total,
            plus_minus_milliseconds=_sum(begin.plus_minus, found.end_plus_minus),
            pods=tuple(one.pod.name for one in self._starts),
            last_pod=None if found.last is None else found.last.pod.name,
            rise=None if rise is None else bar_of(rise, ()), bars=bars,
            summands=summands(bars, plan, self._mine))

    def _rows(self, one: Segment) -> tuple[Reference, ...]:
        return tuple(dict.fromkeys(self._cited(one)))[:ROWS_PER_BAR]

    def _cited(self, one: Segment) -> Iterator[Reference]:
        evidence, last = self._run.evidence, self._path.last
        since, until = self._instant(one.since), self._instant(one.until)
        if one.since == self._begin.at and self._begin.kind is ScaleOutBegin.DEMAND:
            yield from cited.of_arrival(since, f"demand passes {self.change.before} with the load that begins here",
                                        evidence)
        if one.name.startswith("lost-") or one.name in (SIGNAL, POLL):
            yield from cited.of_metric(until, evidence)
            yield from cited.of_sync(since, until, evidence)
        for seen in one.seen:
            if seen.name is Milestone.DECIDED:
                yield from cited.of_change(self.change)
            elif last is not None:
                yield from cited.of_start(seen, last, evidence)

    def _instant(self, at: Milliseconds) -> Instant:
        return self._run.evidence.origin + at * MILLISECOND


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else round(first + second, 3)


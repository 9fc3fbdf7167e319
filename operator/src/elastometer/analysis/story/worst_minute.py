"""The worst minute of a run: when it was, how long requests waited, and what replicas and autoscaler did meanwhile."""
from __future__ import annotations

from collections import Counter
from itertools import accumulate

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.run import DerivedRun
from elastometer.model.autoscaler import CAUSE_LABELS, AutoscalerAccount, Cause
from elastometer.model.report import Report
from elastometer.model.story import WorstMinute
from elastometer.model.units import MILLISECOND, SECOND

MINUTE = 60


def worst_minute(run: DerivedRun, report: Report, missed: set[int] | None) -> WorstMinute | None:
    """None without requests. `missed` are the objective-miss seconds, None without an objective on requests."""
    evidence = run.evidence
    since, waited = _waited(evidence)
    if not waited:
        return None
    start = since + _start(waited, {second - since for second in missed or ()})
    end = min(start + MINUTE, since + len(waited))
    wanted_at = pl.col("intended") - evidence.origin
    inside = evidence.table.lazy().filter((wanted_at >= start * SECOND) & (wanted_at < end * SECOND))
    waits = (pl.col("first_token") - pl.col("intended")).drop_nulls().sort()
    rank = (95 * waits.len() + 99) // 100 - 1
    count, p95 = inside.select(pl.len(), waits.get(rank, null_on_oob=True).alias("p95")).collect().row(0)
    ready = _values(run.replicas.ready, start, end)
    wanted, held_by = _autoscaler(report.autoscaler, start, end)
    return WorstMinute(
        start_seconds=float(start), end_seconds=float(end), request_count=count,
        miss_seconds=None if missed is None else sum(start <= second < end for second in missed),
        first_token_p95_milliseconds=None if p95 is None else p95 / MILLISECOND,
        ready_low=min(ready, default=None), ready_high=max(ready, default=None),
        demanded=_demanded(report, start, end),
        wanted=wanted, held_by=held_by,
    )


def _waited(evidence: Evidence) -> tuple[int, list[float]]:
    """(a second of the load, the seconds that the requests of it and of each later second waited, all together). It is
    the load's start, or lies a minute before the first request. One without a first token waited until its end."""
    until = pl.coalesce("first_token", "end", "intended")
    second = ((pl.col("intended") - evidence.origin) // SECOND).alias("second")
    rows = evidence.table.lazy().select(second, ((until - pl.col("intended")) / SECOND).alias("wait")) \
        .filter(pl.col("second") >= 0).group_by("second").agg(pl.col("wait").sum()).sort("second").collect()
    if not rows.height:
        return 0, []
    since = max(0, int(rows["second"][0]) - MINUTE)
    found = [0.0] * (int(rows["second"][-1]) + 1 - since)
    for place, wait in rows.iter_rows():
        found[place - since] = wait
    return since, found


def _start(waited: list[float], missed: set[int]) -> int:
    """The second at which the worst minute begins: most seconds missed, then longest waits, then the earliest."""
    waits = list(accumulate(waited, initial=0.0))
    misses = list(accumulate((second in missed for second in range(len(waited))), initial=0))
    last = max(0, len(waited) - MINUTE)
    return max(range(last + 1), key=lambda at: (
        misses[min(at + MINUTE, len(waited))] - misses[at],
        round(waits[min(at + MINUTE, len(waited))] - waits[at], 6), -at))


def _demanded(report: Report, start: float, end: float) -> float | None:
    """The mean demand of the interval; None where no demand is known for its beginning."""
    points = () if report.demand is None else report.demand.arrival
    steps = Steps.of((time, float(value)) for time, value in points if value is not None)
    if steps.value_at(start) is None or end <= start:
        return None
    return round(steps.integral(start, end) / (end - start), 2)


def _values(steps: Steps, start: float, end: float) -> list[int]:
    """The values of the steps within the interval."""
    first = steps.value_at(start)
    inside = [value for time, value in steps.points if start < time < end]
    return [int(value) for value in ([] if first is None else [first]) + inside]


def _autoscaler(account: AutoscalerAccount, start: float, end: float) -> tuple[int | None, str | None]:
    """(the most replicas that the metrics asked for, what kept the replicas from them at most of its syncs)."""
    rows = [row for row in account.rows
            if row.seconds < end and (row.seconds if row.until_seconds is None else row.until_seconds) >= start]
    wanted = max((row.wanted for row in rows if row.wanted is not None), default=None)
    causes = Counter[Cause](row.binding for row in rows if row.binding is not None and row.wanted is not None
                            and row.wanted > row.desired)
    return wanted, CAUSE_LABELS[causes.most_common(1)[0][0]] if causes else None

"""Findings on the servers' memory: that it grows while the load stays the same, and that it was not back afterwards."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.analysis.findings.facts import Facts
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import bound, duration
from elastometer.model.measurements import Duration
from elastometer.model.memory import MemoryLevel, MemoryRow
from elastometer.model.report import Finding
from elastometer.model.resources_used import OF_LOAD, ResourcesUsed, ResourceWindow
from elastometer.model.terms import Indicator, StageWindow
from elastometer.model.units import MEBIBYTE
from elastometer_loadgen.stages.stage import StageType

# Below both, a growth is what an allocator keeps for its next use.
LEAST_BYTES, LEAST_SHARE = 24 * MEBIBYTE, 0.02
# In these the load does not stay the same within the stage.
_CHANGING = frozenset({StageType.TRACE, StageType.SWEEP})


def memory_findings(facts: Facts) -> Iterator[Finding]:
    """No findings where no memory was measured."""
    report = facts.report
    row = None if report is None or report.memory is None else report.memory.host()
    if report is None or row is None or report.resources is None:
        return
    yield from _grows(row, report.resources, facts.evidence.stages)
    yield from _not_returned(row, _asked(facts))


def _grows(row: MemoryRow, used: ResourcesUsed, stages: Sequence[StageWindow]) -> Iterator[Finding]:
    """Slopes within parts of equal load whose interval excludes 0, where what they add up to stayed as well."""
    steady = {stage.name for stage in stages if _is_steady(stage)}
    windows = {window.name: window for window in used.windows if window.kind in OF_LOAD}
    grown = [(one, _within(one, windows[one.name])) for one in row.levels
             if one.kind in OF_LOAD and one.stage in steady and one.name in windows and _rises(one)]
    total = sum(amount for _, amount in grown)
    if total < _least(row) or (row.growth_bytes is not None and row.growth_bytes < total / 2):
        return
    shown = "; ".join(f"{one.name}: {_slope(one)}" for one, _ in sorted(grown, key=lambda pair: -pair[1])[:5])
    stayed = "" if row.growth_bytes is None else f"; {_mebibytes(row.growth_bytes)} stayed after the load"
    yield Finding(
        FindingName.MEMORY_GROWS, Severity.PROBLEM, "Memory grows while the load stays the same",
        f"{_mebibytes(total)} within parts of equal load ({row.metric}): {shown}{stayed}",
        "A server that grows with each request ends by its memory limit, however long that takes: it is the requests "
        "served that count, not the load. Compare the growth with the number of requests, look for what is kept of "
        "each (caches without a bound, histories, metrics with a label per request), and set a memory limit with a "
        "restart until it is found.")


def _is_steady(stage: StageWindow) -> bool:
    return stage.type not in _CHANGING and stage.start_rate == stage.end_rate


def _rises(level: MemoryLevel) -> bool:
    return level.slope is not None and level.slope.interval is not None and level.slope.interval.low > 0


def _within(level: MemoryLevel, window: ResourceWindow) -> float:
    return 0.0 if level.slope is None else level.slope.value * (window.end_seconds - window.start_seconds) / 60


def _slope(level: MemoryLevel) -> str:
    found = level.slope
    if found is None or found.interval is None:
        return "not known"
    low, high = found.interval.low / MEBIBYTE, found.interval.high / MEBIBYTE
    return f"{found.value / MEBIBYTE:+.1f} MiB/min ({low:+.1f} to {high:+.1f})"


def _least(row: MemoryRow) -> float:
    return max(LEAST_BYTES, LEAST_SHARE * (row.idle_bytes or 0.0))


def _asked(facts: Facts) -> int | None:
    """Within how many milliseconds an objective wants memory back, whatever stage it is about."""
    found = [one.maximum_milliseconds for one in facts.evidence.terms.objectives
             if one.indicator is Indicator.MEMORY_RETURN and one.maximum_milliseconds is not None]
    return min(found, default=None)


def _not_returned(row: MemoryRow, asked: int | None) -> Iterator[Finding]:
    """After the load, or after a level that no load follows; the latest of them. What was back later than an objective
    asks counts as well."""
    late = [one for one in _ends(row) if _is_late(one[1], one[2], asked, row)]
    if not late:
        return
    name, back, rose = max(late, key=lambda one: (one[1].milliseconds is None, one[1].milliseconds or 0.0, one[2]))
    at_least = duration(back.at_least_milliseconds or 0.0)
    what = f"was not back within {at_least}" if back.milliseconds is None else \
        f"was back only after {duration(back.milliseconds)} (± {duration(back.plus_minus_milliseconds or 0.0)})"
    wanted = f"; {bound(asked)} were asked for" if asked is not None and back.milliseconds is not None else ""
    stayed = "" if row.growth_bytes is None else f"; {_mebibytes(row.growth_bytes)} stayed at the end of the record"
    yield Finding(
        FindingName.MEMORY_NOT_RETURNED, Severity.WARNING, "Memory was not given back after the load",
        f"After {name}, in which it was {_mebibytes(rose)} over idle, memory {what}{wanted}{stayed} ({row.metric})",
        "An allocator keeps memory for its next use, and then the next load adds nothing: run the load twice. If it "
        "adds as much again, something is kept of each request or connection.")


def _ends(row: MemoryRow) -> Iterator[tuple[str, Duration, float]]:
    """(what ended, when memory was back, how much it had risen)."""
    for one in row.levels:
        if one.returned is not None and one.growth_bytes is not None:
            yield f"'{one.name}'", one.returned, one.growth_bytes
    if row.growth_bytes is not None and row.peak_bytes is not None and row.idle_bytes is not None:
        yield "the load", row.returned, row.peak_bytes - row.idle_bytes


def _is_late(back: Duration, rose: float, asked: int | None, row: MemoryRow) -> bool:
    if rose < _least(row):
        return False
    if back.milliseconds is not None:
        return asked is not None and back.milliseconds - (back.plus_minus_milliseconds or 0.0) > asked
    return back.at_least_milliseconds is not None and (row.growth_bytes or 0.0) >= _least(row)


def _mebibytes(value: float) -> str:
    return f"{value / MEBIBYTE:.0f} MiB"

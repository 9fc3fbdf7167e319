"""The section of memory: a column for each witness, a row for each part of the run."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.memory import MemoryLevel, MemoryRow
from elastometer.model.report import Report
from elastometer.model.resources_used import HARDLY_ROSE, Of, WindowKind
from elastometer.model.story import Anchor
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import numbers
from elastometer.render.wording import resources as words

_BYTES = "bytes"
# No witness of memory counts less than a page; what is below is a rest of averaging.
_LEAST_BYTES = 1024
REMARK = ("Each part has the mean, what that is over the time before the load (of the same Pods), its slope where the "
          "95 % interval of Theil and Sen excludes 0, and, where no load follows, the time until memory was back: at "
          "most idle and the greater of 15 % of the rise and 8 MiB, and it stayed so.")


def memory(report: Report) -> TableSection | None:
    """None where no witness of memory was recorded; the section of resources says why."""
    if report.memory is None or not report.memory.rows:
        return None
    found = report.memory.rows
    head = ("Part of the run", *map(_title, found))
    parts = [Row((Cell(found[0].levels[number].name), *(_level(row.levels[number]) for row in found)))
             for number in range(len(found[0].levels))]
    sums = [Row((Cell(name), *map(cell, found)), is_sum=True)
            for name, cell in (("peak", _peak), ("stayed", _stayed), ("back", _back))]
    return TableSection(
        Anchor.MEMORY, "Memory", (Table("memory-parts", head, (*sums, *parts), noun="parts"),),
        "as each witness states it", remarks=(REMARK, *_sources(found), *_missing(report)),
        curves="memory.html.j2")


def _title(row: MemoryRow) -> str:
    return row.title if row.of is Of.ALL_PODS else f"{row.title}, {words.OF_WORDS[row.of]}"


def _level(one: MemoryLevel) -> Cell:
    if one.mean_bytes is None:
        return Cell(numbers.DASH, "nothing was sampled")
    notes = []
    if one.growth_bytes is not None and one.kind is not WindowKind.IDLE:
        notes.append("as idle" if abs(one.growth_bytes) < _LEAST_BYTES
                     else f"{words.signed(one.growth_bytes, _BYTES)} over idle")
    if slope := words.slope(one.slope, _BYTES):
        notes.append(slope)
    if one.returned is not None:
        notes.append(HARDLY_ROSE if one.returned.reason == HARDLY_ROSE else f"back: {words.when_back(one.returned)}")
    return Cell(words.amount(one.mean_bytes, _BYTES), "; ".join(notes))


def _peak(row: MemoryRow) -> Cell:
    if row.peak_bytes is None:
        return Cell(numbers.DASH)
    when = "" if row.peak_seconds is None else f"at {row.peak_seconds:+,.0f} s"
    return Cell(words.amount(row.peak_bytes, _BYTES), when)


def _stayed(row: MemoryRow) -> Cell:
    if row.growth_bytes is None:
        return Cell(numbers.DASH, row.growth_reason or "")
    return Cell(words.signed(row.growth_bytes, _BYTES),
                f"{words.amount(row.idle_bytes, _BYTES)} before, {words.amount(row.after_bytes, _BYTES)} after")


def _back(row: MemoryRow) -> Cell:
    if row.returned.milliseconds is None and row.returned.at_least_milliseconds is None:
        return Cell(numbers.DASH, row.returned.reason or "")
    bound = "" if row.back_at_bytes is None else f"back is at most {words.amount(row.back_at_bytes, _BYTES)}"
    return Cell(words.when_back(row.returned), bound)


def _sources(found: tuple[MemoryRow, ...]) -> Iterator[str]:
    by_title = {row.title: row for row in found}
    for title, row in by_title.items():
        period = numbers.duration(1000 * (row.resolution_seconds or 0.0))
        yield f"{title}: {row.metric}, sampled each {period}, so that no return is known more exactly; {row.witness}"


def _missing(report: Report) -> Iterator[str]:
    for title, reason in report.memory.missing if report.memory is not None else ():
        yield f"{title}: {reason}"

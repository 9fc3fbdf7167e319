"""Whether memory grew and came back, and what was full."""
from __future__ import annotations

from elastometer.model.in_short import InShort, Question
from elastometer.model.in_words import duration, plural
from elastometer.model.memory import MemoryRow
from elastometer.model.report import Report
from elastometer.model.saturation import ABOVE_PERCENT, SaturationTable
from elastometer.model.story import Anchor
from elastometer.model.units import MEBIBYTE


def memory(report: Report) -> InShort | None:
    """None of a prediction, or where no resources were recorded."""
    if report.memory is None:
        return None
    row = report.memory.host()
    if row is None or row.growth_bytes is None:
        why = report.memory.missing[0][1] if row is None and report.memory.missing else \
            (row.growth_reason if row is not None else None)
        return InShort(Question.MEMORY, "Whether memory grows is not known", Anchor.MEMORY,
                       why or "no memory of the servers was measured")
    grown = [one.growth_bytes for one in row.levels if one.growth_bytes is not None]
    most = max([*grown, row.growth_bytes])
    text = (f"Memory was {_mebibytes(row.idle_bytes)} before the load and at most {_mebibytes(most, signed=True)} on "
            f"average in a part of it; {_end(row)}")
    return InShort(Question.MEMORY, text, Anchor.MEMORY)


def _end(row: MemoryRow) -> str:
    """What stayed, and the slowest of all returns."""
    stayed = f"{_mebibytes(row.growth_bytes, signed=True)} stayed"
    returns = [one.returned for one in row.levels if one.returned is not None] + [row.returned]
    if row.returned.milliseconds is None and row.returned.at_least_milliseconds is not None:
        return f"it was not back within {duration(row.returned.at_least_milliseconds)} after it, and {stayed}"
    known = [one for one in returns if one.milliseconds is not None]
    if not known:
        return f"after it {stayed}"
    slowest = max(known, key=lambda one: one.milliseconds or 0.0)
    when = duration(slowest.milliseconds or 0.0) if slowest.milliseconds else "at once"
    return f"it was back {when} after it (± {duration(slowest.plus_minus_milliseconds or 0.0)}), and {stayed}"


def _mebibytes(value: float | None, *, signed: bool = False) -> str:
    number = (value or 0.0) / MEBIBYTE
    return f"{number:+,.1f} MiB" if signed else f"{number:,.1f} MiB"


def saturation(report: Report) -> InShort | None:
    """What was full, and where first; None where no resource with a limit was measured."""
    found = report.saturation
    if found is None or not _has_shares(found):
        return None
    titles = {column.name: column.title for column in found.columns}
    full = [row for row in found.rows if row.full is not None]
    if not full:
        text = (f"No resource with a known limit was above {ABOVE_PERCENT:.0f} % for half of a part of the load "
                f"({plural(len(found.rows), 'part')})")
        return InShort(Question.SATURATION, text, Anchor.SATURATION)
    first = full[0]
    cell = first.cell(first.full or "")
    seconds = 0.0 if cell is None or cell.seconds_above is None else cell.seconds_above
    more = f", and in {len(full) - 1} more" if len(full) > 1 else ""
    text = (f"{titles[first.full or '']} was full in '{first.name}'{more}: above {ABOVE_PERCENT:.0f} % for "
            f"{seconds:.0f} of {first.seconds:.0f} s there")
    return InShort(Question.SATURATION, text, Anchor.SATURATION)


def _has_shares(found: SaturationTable) -> bool:
    can_be_full = {column.name for column in found.columns if column.can_be_full}
    return any(cell.share_percent is not None and cell.name in can_be_full for row in found.rows for cell in row.cells)

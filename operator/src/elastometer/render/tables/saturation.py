"""The section of saturation: what was full in each part of the load."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.report import Report
from elastometer.model.saturation import ABOVE_PERCENT, SaturationCell, SaturationColumn, SaturationRow, SaturationTable
from elastometer.model.story import Anchor
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import numbers
from elastometer.render.wording.resources import amount

NONE = "none of them"
REMARK = (f"A share is of the resource's limit, the mean of all Pods; beside it the time in which a Pod was above "
          f"{ABOVE_PERCENT:.0f} %. Full is what was so for at least half of a part, the longest first. Without a limit "
          "there is an amount and no share.")


def saturation(report: Report) -> TableSection | None:
    """None where nothing was measured."""
    found = report.saturation
    if found is None or not _shown(found):
        return None
    shown = _shown(found)
    head = ("Part of the load", *(column.title for column in shown), "Full")
    rows = tuple(_row(row, shown, found) for row in found.rows)
    table = Table("saturation-parts", head, rows, words=frozenset({len(shown) + 1}), noun="parts")
    return TableSection(Anchor.SATURATION, "Saturation", (table,), "as scraped, of all Pods",
                        remarks=(REMARK, *_never_full(shown), *_limits(shown), *_missing(found)))


def _shown(found: SaturationTable) -> list[SaturationColumn]:
    """The resources that have a value in any part."""
    return [column for column in found.columns
            if any((cell := row.cell(column.name)) is not None and cell.value is not None for row in found.rows)]


def _row(row: SaturationRow, shown: list[SaturationColumn], found: SaturationTable) -> Row:
    titles = {column.name: column.title for column in found.columns}
    full = Cell(NONE if row.full is None else titles[row.full])
    return Row((Cell(row.name), *(_cell(row.cell(column.name), column) for column in shown), full),
               is_bad=row.full is not None)


def _cell(one: SaturationCell | None, column: SaturationColumn) -> Cell:
    if one is None or one.value is None:
        return Cell(numbers.DASH, "" if one is None or one.reason is None else one.reason)
    value = amount(one.value, "requests" if column.unit in ("count", "descriptors") else column.unit)
    if one.share_percent is None:
        return Cell(value)
    above = f"{numbers.duration(1000 * one.seconds_above)} above {ABOVE_PERCENT:.0f} %" if one.seconds_above else ""
    if column.unit == "percent":
        return Cell(value, above)
    return Cell(f"{amount(one.share_percent, 'percent')}", "; ".join(filter(None, (value, above))))


def _never_full(shown: list[SaturationColumn]) -> Iterator[str]:
    """Why a share that is high all the time is not named."""
    for column in shown:
        if column.unit == "percent" and not column.can_be_full:
            yield f"{column.title} is never named as full: a server reserves most of it at its start."


def _limits(shown: list[SaturationColumn]) -> Iterator[str]:
    limits = [f"{column.title}: {column.limit}" for column in shown if column.limit and column.unit != "percent"]
    if limits:
        yield f"Limits: {'; '.join(limits)}"


def _missing(found: SaturationTable) -> Iterator[str]:
    shown = {column.name for column in _shown(found)}
    reasons: dict[str, list[str]] = {}
    for column in found.columns:
        cell = found.rows[0].cell(column.name)
        if column.name not in shown and cell is not None and cell.reason is not None:
            reasons.setdefault(cell.reason, []).append(column.title)
    for reason, titles in reasons.items():
        yield f"{', '.join(titles)}: {reason}"

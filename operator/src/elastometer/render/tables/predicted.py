"""Rows that are predicted from the run itself: what other settings, and replicas held ready, would have brought."""
from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from elastometer.model.report import Report
from elastometer.model.story import Anchor, Effect
from elastometer.model.what_if import PredictedRow
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import numbers
from elastometer.render.wording.story import objectives_met

SOURCE = "predicted from this run by its twin, except for what was measured"
REMARK = (
    "A predicted number is the median over the draws, with the lowest and the highest. ± is the twin's own error: the "
    "largest difference between a draw under the recorded settings and what was measured, or the spread of the draws "
    "themselves. A difference from the measured number that is within the ± says nothing.")
MEASURED = "measured"
# As in report.json.
_NAMES = ("missSeconds", "firstTokenP95Milliseconds", "cost")
_FIGURES = ("Objective-miss seconds", "First token p95")


def warm_spares(report: Report) -> TableSection | None:
    """None where nothing scales."""
    found = report.warm_spares
    if found is None:
        return None
    if found.reason is not None:
        return _unpredicted(Anchor.WARM_SPARES, "Warm spares", found.reason)
    head = ("Minimum of replicas", *_figures(has_gpus=found.has_gpus), "All objectives hold in")
    rows = (*_measured_row(report, found.rows), *(
        _row(one, f"{one.name} (as recorded)" if one.name == str(found.recorded_minimum) else one.name,
             found.currency, with_changes=False) for one in found.rows))
    return TableSection(Anchor.WARM_SPARES, "Warm spares", (Table("warm-spares-rows", head, rows, noun="minimums"),),
                        SOURCE, remarks=(REMARK, "A study whose variants differ in the minimum measures the same."))


def what_if(report: Report) -> TableSection | None:
    """None where the test asks for no row."""
    found = report.what_if
    if found is None:
        return None
    if found.reason is not None:
        return _unpredicted(Anchor.WHAT_IF, "What if", found.reason)
    head = ("Settings", "Changed", *_figures(has_gpus=found.has_gpus), "All objectives hold in")
    recorded = () if found.recorded is None else (found.recorded,)
    rows = (*_measured_row(report, recorded, with_changes=True), *(
        _row(one, one.name, found.currency, with_changes=True) for one in (*recorded, *found.rows)))
    table = Table("what-if-rows", head, rows, words=frozenset({1}), noun="settings")
    return TableSection(Anchor.WHAT_IF, "What if", (table,), SOURCE, remarks=(REMARK,))


def _figures(*, has_gpus: bool) -> tuple[str, ...]:
    return (*_FIGURES, "GPU-seconds" if has_gpus else "Replica-seconds", "Money")


def _unpredicted(anchor: Anchor, title: str, reason: str) -> TableSection:
    return TableSection(anchor, title, (), sentences=(f"Nothing is predicted: {reason}.",))


def _measured_row(
    report: Report, rows: tuple[PredictedRow, ...], *, with_changes: bool = False,
) -> tuple[Row, ...]:
    """What the run itself had; every row that was predicted holds it."""
    one = next((row for row in rows if row.cost is not None), None)
    if one is None:
        return ()
    cells = [Cell(MEASURED), *([Cell(numbers.DASH)] if with_changes else []),
             *(Cell(numbers.DASH if effect is None else written(effect.measured))
               for effect, written in _effects(one)), _paid(report), Cell(objectives_met(report))]
    return (Row(tuple(cells), is_sum=True),)


def _paid(report: Report) -> Cell:
    money = None if report.price is None else report.price.money
    if money is None or money.run.value is None:
        return Cell(numbers.DASH, "no price was measured" if money is None else money.run.reason or "")
    return Cell(_money(money.run.value, money.currency))


def _money(amount: str, currency: str | None) -> str:
    return f"{Decimal(amount):.2f} {currency or ''}".strip()


def _row(one: PredictedRow, name: str, currency: str | None, *, with_changes: bool) -> Row:
    changed = "; ".join(f"{change.path}: {change.before} → {change.after}" for change in one.changes)
    first = (Cell(name), *([Cell(changed or numbers.DASH)] if with_changes else []))
    if one.reason is not None:
        return Row((*first, *[Cell(numbers.DASH)] * (len(_FIGURES) + 2), Cell("not predicted", one.reason)))
    missing = dict(one.missing)
    money = Cell(numbers.DASH, missing.get("money", "")) if one.money is None else Cell(_money(one.money, currency))
    effects = (_effect(effect, written, missing.get(name, ""))
               for name, (effect, written) in zip(_NAMES, _effects(one), strict=True))
    return Row((*first, *effects, money, Cell(f"{one.held} of {one.draws} draws")))


def _effects(one: PredictedRow) -> tuple[tuple[Effect | None, Callable[[float], str]], ...]:
    return ((one.miss_seconds, lambda value: numbers.number(value, 0)),
            (one.first_token_p95_milliseconds, numbers.duration),
            (one.cost, lambda value: numbers.number(value, 0)))


def _effect(one: Effect | None, written: Callable[[float], str], why: str) -> Cell:
    if one is None:
        return Cell(numbers.DASH, why)
    return Cell(f"{written(one.predicted)} ± {written(one.plus_minus)}",
                f"{written(one.low)} to {written(one.high)}")

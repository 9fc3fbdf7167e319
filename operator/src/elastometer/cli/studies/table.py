"""The table of a comparison on a terminal: measures down and variants across, or the other way round where there are
too many variants to stand side by side."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from elastometer.cli.base.text import columns, printable, wrapped_columns
from elastometer.model.comparison import Comparison, GateState, Judgement, MeasureRow, VariantSummary
from elastometer.render.study import words

MARKS: Mapping[str, str] = {
    Judgement.BETTER: "✓", Judgement.WORSE: "✗", Judgement.WITHIN_NOISE: "≈", Judgement.CANNOT_TELL: "?",
    GateState.HELD: "✓", GateState.REGRESSED: "✗",
}
STYLES: Mapping[str, str] = {
    Judgement.BETTER: "green", Judgement.WORSE: "red", Judgement.WITHIN_NOISE: "dim", Judgement.CANNOT_TELL: "dim",
}
MOST_ABREAST = 3
COLUMN_WIDTH = 18
MOST_MEASURES_ABREAST = 5
Styled: TypeAlias = tuple[str, str]  # a text and its style on a terminal


def plain_tables(found: Comparison, rows: Sequence[MeasureRow]) -> Iterator[list[str]]:
    """As lines, each table for itself."""
    for part in _parts(found, rows):
        texts = [[text for text, _ in row] for row in _table(found, part)]
        yield columns(texts) if _is_upright(found) else \
            wrapped_columns(texts, dict.fromkeys(range(1, len(part) + 1), COLUMN_WIDTH))


def drawn_tables(found: Comparison, rows: Sequence[MeasureRow]) -> Iterator[Table]:
    """As they are drawn on a terminal."""
    return (_drawn(found, part) for part in _parts(found, rows))


def _is_upright(found: Comparison) -> bool:
    return len(found.variants) <= MOST_ABREAST


def _parts(found: Comparison, rows: Sequence[MeasureRow]) -> Iterator[Sequence[MeasureRow]]:
    """Measures that stand side by side are shown a few at a time, or their table would be wider than any page."""
    size = len(rows) if _is_upright(found) else MOST_MEASURES_ABREAST
    return (rows[first:first + size] for first in range(0, len(rows), size))


def _drawn(found: Comparison, rows: Sequence[MeasureRow]) -> Table:
    head, *body = _table(found, rows)
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for text, _ in head:
        drawn.add_column(Text(printable(text)), overflow="fold")
    for row in body:
        drawn.add_row(*(Text("\n".join(map(printable, text.split("\n"))), style) for text, style in row))
    return drawn


def _table(found: Comparison, rows: Sequence[MeasureRow]) -> list[list[Styled]]:
    """The medians of all variants, each with its difference from the baseline."""
    names: list[Styled] = [(_named(found, one), "") for one in found.variants]
    is_upright = _is_upright(found)
    cells = [_cells(found, row, "  " if is_upright else "\n") for row in rows]
    titles: list[Styled] = [(row.measure.title, "") for row in rows]
    if is_upright:
        return [[("median of the runs", ""), *names],
                *([title, *row] for title, row in zip(titles, cells, strict=True))]
    across = [list(column) for column in zip(*cells, strict=True)]
    return [[("median of the runs", ""), *titles], *([name, *row] for name, row in zip(names, across, strict=True))]


def _named(found: Comparison, one: VariantSummary) -> str:
    baseline = ", baseline" if one.name == found.baseline else ""
    return f"{one.name} ({one.compared} of {one.planned}{baseline})"


def _cells(found: Comparison, row: MeasureRow, between: str) -> list[Styled]:
    """One for each variant: `38.2 s  ✓ −12.1 s (−24 %)`; with the interval where only two stand side by side."""
    return [_cell(row, one.name, found.baseline, between, with_interval=len(found.variants) == 2)
            for one in found.variants]


def _cell(row: MeasureRow, variant: str, baseline: str, between: str, *, with_interval: bool) -> Styled:
    figure, difference = row.figure(variant), row.difference(variant, baseline)
    value = words.value(row.measure, None if figure is None else figure.median)
    if difference is None:
        return value, ""
    interval = words.change_span(row.measure, difference) if with_interval else ""
    shown = (MARKS[difference.judgement], words.change(row.measure, difference), f"[{interval}]" if interval else "")
    return f"{value}{between}{' '.join(filter(None, shown))}", STYLES[difference.judgement]

"""A comparison on a terminal: the verdict, the sentences, the measures side by side, and what was left out."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elastometer.cli.base.text import columns, printable, wrapped
from elastometer.model.comparison import Comparison, Judgement, MeasureRow
from elastometer.render.study import tables, words

STYLES = {
    Judgement.BETTER: "green", Judgement.WORSE: "red", Judgement.WITHIN_NOISE: "dim", Judgement.CANNOT_TELL: "dim",
}
LEGEND = "  ".join(f"{words.MARKS[kind]} {words.JUDGEMENTS[kind].lower()}" for kind in Judgement)
MAX_REASONS = 3  # more are read in the report


def print_comparison(found: Comparison, stream: TextIO, *, every: bool = False) -> None:
    """Prints the comparison, on a terminal with colours and a drawn table. `every` shows all known measures."""
    console = Console(file=stream, highlight=False)
    rows = rows_shown(found, every=every)
    for line in opening(found):
        print(printable(line), file=stream)
    if console.is_terminal and rows:
        console.print(_drawn(found, rows))
    else:
        print("\n".join(["", *columns(plain_table(found, rows)), ""]) if rows else "", file=stream)
    for line in closing(found, rows):
        print(printable(line), file=stream)


def in_lines(found: Comparison) -> list[str]:
    """The same as plain lines."""
    rows = rows_shown(found)
    return [printable(line) for line in (*opening(found), *columns(plain_table(found, rows)), *closing(found, rows))]


def rows_shown(found: Comparison, *, every: bool = False) -> list[MeasureRow]:
    """The leading measures, those of gates, and all that tell some variant from the baseline; or all that are known."""
    known = [row for row in found.rows if tables.is_known(row)]
    if every:
        return known
    leading = [row.measure.name for row in tables.main_rows(found)]
    gated = {gate.measure for gate in found.gates}
    rows = [row for row in known if row.measure.name in leading or row.measure.name in gated or _is_told(found, row)]
    return sorted(rows, key=lambda row: row.measure.name not in leading)


def _is_told(found: Comparison, row: MeasureRow) -> bool:
    return any(one.judgement in (Judgement.BETTER, Judgement.WORSE) for one in row.differences
               if one.baseline == found.baseline)


def opening(found: Comparison) -> Iterator[str]:
    """The verdict, what was found, and the gates."""
    yield from wrapped(f"{' / '.join(one.name for one in found.variants)}: {found.verdict} ({found.verdict_message})",
                       further="  ")
    for sentence in found.sentences:
        yield from wrapped(sentence if sentence.endswith(".") else f"{sentence}.", "  ")
    for gate in found.gates:
        yield from wrapped(f"{words.MARKS[gate.state]} {words.GATES[gate.state]}: {gate.message}", "  ", "  ")


def plain_table(found: Comparison, rows: Sequence[MeasureRow]) -> list[tuple[str, ...]]:
    """A row for each measure: its title, then the median of each variant with its difference from the baseline."""
    body = [(row.measure.title, *(text for text, _ in _cells(found, row))) for row in rows]
    return [_head(found), *body] if rows else []


def _drawn(found: Comparison, rows: Sequence[MeasureRow]) -> Table:
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in _head(found):
        drawn.add_column(Text(printable(title)), overflow="fold")
    for row in rows:
        drawn.add_row(Text(row.measure.title), *(Text(printable(text), style) for text, style in _cells(found, row)))
    return drawn


def _head(found: Comparison) -> tuple[str, ...]:
    return ("median of the runs", *(
        f"{one.name} ({one.compared} of {one.planned}{', baseline' if one.name == found.baseline else ''})"
        for one in found.variants))


def _cells(found: Comparison, row: MeasureRow) -> Iterator[tuple[str, str]]:
    """(text, style) for each variant: `38.2 s  ✓ −12.1 s (−24 %)`."""
    for cell in tables.cells(found, row, found.baseline):
        if cell.difference is None:
            yield cell.value, ""
        else:
            told = f"{cell.difference.mark} {cell.difference.change}".rstrip()
            yield f"{cell.value}  {told}", STYLES[cell.difference.kind]


def closing(found: Comparison, rows: Sequence[MeasureRow]) -> Iterator[str]:
    """What the marks mean, why nothing can be told, and what else is to know."""
    if rows:
        yield f"  {LEGEND}"
    reasons = dict.fromkeys(one.reason for row in rows for one in row.differences
                            if one.baseline == found.baseline and one.judgement is Judgement.CANNOT_TELL)
    for reason in list(reasons)[:MAX_REASONS]:
        yield from wrapped(f"cannot tell: {reason}", "  ", "  ")
    for note in found.notes:
        yield from wrapped(f"note: {note}", "  ", "  ")



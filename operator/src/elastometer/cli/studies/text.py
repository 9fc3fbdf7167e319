"""A comparison on a terminal: the verdict, the sentences, the measures side by side, and what was left out."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich.console import Console

from elastometer.cli.base.text import printable, wrapped
from elastometer.cli.studies.table import MARKS, drawn_table, plain_table
from elastometer.model.comparison import Comparison, Judgement, MeasureRow
from elastometer.render.study import tables, words

LEGEND = "  ".join(f"{MARKS[kind]} {words.JUDGEMENTS[kind].lower()}" for kind in Judgement)
MAX_REASONS = 3  # more are read in the report


def print_comparison(found: Comparison, stream: TextIO, *, every: bool = False) -> None:
    """Prints the comparison, on a terminal with colours and a drawn table. `every` shows all known measures."""
    console = Console(file=stream, highlight=False)
    rows = rows_shown(found, every=every)
    _print(opening(found), stream)
    if rows and console.is_terminal:
        console.print(drawn_table(found, rows))
    elif rows:
        _print(("", *plain_table(found, rows), ""), stream)
    _print(closing(found, rows), stream)


def _print(lines: Iterable[str], stream: TextIO) -> None:
    for line in lines:
        print(printable(line), file=stream)


def rows_shown(found: Comparison, *, every: bool = False) -> list[MeasureRow]:
    """The leading measures, those of gates, and all in which a variant differs from the baseline; or all known ones."""
    known = [row for row in found.rows if tables.is_known(row)]
    if every:
        return known
    leading = [row.measure.name for row in tables.main_rows(found)]
    gated = {gate.measure for gate in found.gates}
    rows = [row for row in known if row.measure.name in leading or row.measure.name in gated or _differs(found, row)]
    return sorted(rows, key=lambda row: row.measure.name not in leading)


def _differs(found: Comparison, row: MeasureRow) -> bool:
    return any(one.judgement in (Judgement.BETTER, Judgement.WORSE) for one in row.differences
               if one.baseline == found.baseline)


def opening(found: Comparison) -> Iterator[str]:
    """The verdict, what was found, and the gates."""
    others = ", ".join(one.name for one in found.variants if one.name != found.baseline) or "nothing"
    yield from wrapped(f"{others} against {found.baseline}: {found.verdict} ({found.verdict_message})", further="  ")
    for sentence in found.sentences:
        yield from wrapped(sentence if sentence.endswith(".") else f"{sentence}.", "  ")
    for gate in found.gates:
        yield from wrapped(f"{MARKS[gate.state]} {words.GATES[gate.state]}: {gate.message}", "  ", "  ")


def closing(found: Comparison, rows: Sequence[MeasureRow]) -> Iterator[str]:
    """What the marks mean, what keeps a difference from being judged, and what else is to know."""
    if rows:
        yield f"  {LEGEND}"
    reasons = dict.fromkeys(one.reason for row in rows for one in row.differences
                            if one.baseline == found.baseline and one.judgement is Judgement.CANNOT_TELL)
    for reason in list(reasons)[:MAX_REASONS]:
        yield from wrapped(f"cannot tell: {reason}", "  ", "  ")
    for note in found.notes:
        yield from wrapped(f"note: {note}", "  ", "  ")



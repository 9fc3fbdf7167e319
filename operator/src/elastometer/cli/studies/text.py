"""A comparison on a terminal: the verdict, the sentences, the measures side by side, and what was left out."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich.console import Console

from elastometer.cli.base.text import printable, wrapped, wrapped_columns
from elastometer.cli.studies.table import MARKS, drawn_tables, plain_tables
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
        console.print(*drawn_tables(found, rows), sep="\n")
    elif rows:
        _print(("", *(line for table in plain_tables(found, rows) for line in (*table, ""))), stream)
    _print((*closing(found, rows, every=every), *predictions(found), *patch_of_best(found)), stream)


def _print(lines: Iterable[str], stream: TextIO) -> None:
    for line in lines:
        print(printable(line), file=stream)


def rows_shown(found: Comparison, *, every: bool = False) -> list[MeasureRow]:
    """The leading measures, those of gates, and all in which a variant differs from the baseline; or all known ones."""
    if every:
        return [row for _, rows in tables.grouped(found) for row in rows]
    known = [row for row in found.rows if tables.is_known(row)]
    leading = [row.measure.name for row in tables.main_rows(found)]
    gated = {gate.measure for gate in found.gates}
    rows = [row for row in known if row.measure.name in leading or row.measure.name in gated or _differs(found, row)]
    return sorted(rows, key=lambda row: row.measure.name not in leading)


def _differs(found: Comparison, row: MeasureRow) -> bool:
    return any(one.judgement in (Judgement.BETTER, Judgement.WORSE) for one in row.differences
               if one.baseline == found.baseline)


def opening(found: Comparison) -> Iterator[str]:
    """The verdict, what was found, and the gates."""
    others = ", ".join(one.name for one in found.variants if one.name != found.baseline)
    asked = f"{others} against {found.baseline}" if others else found.baseline
    is_said_below = any(found.verdict_message.startswith(gate.message) for gate in found.gates)
    why = "" if is_said_below else f" ({found.verdict_message})"
    yield from wrapped(f"{asked}: {found.verdict}{why}", further="  ")
    for sentence in found.sentences:
        yield from wrapped(sentence if sentence.endswith(".") else f"{sentence}.", "  ")
    for gate in tables.gates(found):
        yield from wrapped(f"{MARKS[gate.state]} {words.GATES[gate.state]}: {gate.message}", "  ", "  ")


def closing(found: Comparison, rows: Sequence[MeasureRow], *, every: bool = False) -> Iterator[str]:
    """What the marks mean, what keeps a difference from being judged, and what else is to know."""
    if rows:
        yield f"  {LEGEND}"
        yield "  differences are those of the means, with their 95 % intervals"
    if every and (zeros := tables.zeros(found)):
        yield from wrapped(f"0 in every run: {', '.join(zeros)}", "  ", "  ")
    reasons = dict.fromkeys(one.reason for row in rows for one in row.differences
                            if one.baseline == found.baseline and one.judgement is Judgement.CANNOT_TELL)
    for reason in list(reasons)[:MAX_REASONS]:
        yield from wrapped(f"cannot tell: {reason}", "  ", "  ")
    for note in found.notes:
        yield from wrapped(f"note: {note}", "  ", "  ")


def predictions(found: Comparison) -> Iterator[str]:
    """What was predicted of variants, beside what their runs measured."""
    if found.predicted:
        yield from ("", "predicted beside measured")
        yield from wrapped_columns([tables.PREDICTED_HEAD, *tables.predicted_rows(found)], {})
        for line in tables.agreement_lines(found):
            yield from wrapped(line, "  ", "  ")


def patch_of_best(found: Comparison) -> Iterator[str]:
    """The settings of the best variant, to copy."""
    best = None if found.best.variant is None else found.variant(found.best.variant)
    if best is not None and best.patch and best.name != found.baseline:
        yield from ("", f"what {best.name} changes in the template:")
        yield from (f"    {line}" for line in best.patch.splitlines())

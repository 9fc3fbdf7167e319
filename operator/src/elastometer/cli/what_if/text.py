"""A what-if answer as text for a terminal."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from elastometer.cli.base.text import blocks, wrapped, wrapped_columns
from elastometer.model.in_words import plural
from elastometer.render.what_if import rows as rows
from elastometer.render.what_if.text import cliff_lines, error_rows, figures_line, headline
from elastometer.twin.search.answer.answer import Answer

# Longer tables scroll the scorecard off the screen.
MAX_FRONT_ROWS = 20
# The width at which each column wraps, by its number, so that a row fits into 120 characters.
_CALIBRATION = {0: 25, 1: 20, 2: 18}
_SCORECARD = {0: 28, 1: 18, 2: 21, 3: 21, 4: 22}
_SCORECARD_OF_FOUR = {0: 26, 1: 9, 2: 17, 3: 17, 4: 17, 5: 19}
# A supply with its remark, and misses and cost with their spans.
_SUPPLIES = {0: 24, 3: 16, 4: 22}
_FRONT = {1: 25, 2: 16, 3: 20, 4: 20}


def in_words(answer: Answer, bundle: Path, out: Path | None) -> list[str]:
    """Every line. The simulator's own prediction error comes before anything that it predicts."""
    return list(_lines(answer, bundle, out))


def _lines(answer: Answer, bundle: Path, out: Path | None) -> Iterator[str]:
    yield from wrapped(f"{bundle}: {headline(answer)}", further="  ")
    yield ""
    yield "prediction error on the recorded run itself"
    yield from wrapped_columns(error_rows(answer.prediction_error), {})
    yield ""
    yield "what the simulator is calibrated with"
    yield from wrapped_columns(rows.calibration_rows(answer.calibration), _CALIBRATION)
    yield from _paragraphs(f"note: {note}" for note in answer.calibration.notes)
    yield ""
    yield "scorecard"
    yield from _scorecard(answer)
    yield from _paragraphs([figures_line(answer)])
    yield from _search(answer)
    if answer.supplies:
        yield ""
        yield "without an autoscaler (predicted)"
        yield from wrapped_columns([rows.supply_head(answer), *rows.supply_rows(answer)], _SUPPLIES)
    yield ""
    yield "cold-start cliff (predicted)"
    yield from _paragraphs(cliff_lines(answer))
    yield from _patch(answer)
    if out is not None:
        yield f"written: {out / 'what-if.html'}"


def _scorecard(answer: Answer) -> list[str]:
    limits = _SCORECARD_OF_FOUR if len(rows.options(answer)) > 2 else _SCORECARD
    return wrapped_columns([rows.scorecard_head(answer), *rows.scorecard_rows(answer)], limits)


def _search(answer: Answer) -> Iterator[str]:
    found = answer.searched
    if found is None:
        return
    yield ""
    invalid = f", {found.refused} rejected as invalid" if found.refused else ""
    yield from wrapped(
        f"search: {found.tried} candidates that vary {len(found.fields)} fields (seed {found.seed}{invalid}), "
        f"ranked by {plural(found.draws, 'draw')} each; "
        f"{len(found.front)} that no other candidate beats, cheapest first",
        further="  ")
    shown = rows.front_rows(answer)
    yield from _front([rows.front_head(answer), *shown[:MAX_FRONT_ROWS]])
    if len(shown) > MAX_FRONT_ROWS:
        yield f"  … {len(shown) - MAX_FRONT_ROWS} more (--out or --output json has them)"
    yield from wrapped(f"chosen: {found.chosen + 1}, {found.why}", further="  ")


def _front(table: Sequence[rows.Row]) -> Iterator[str]:
    """The last cell, what was changed, gets its own lines: it is longer than all the others together."""
    for row, lines in zip(table, blocks([row[:-1] for row in table], _FRONT), strict=True):
        yield from lines
        yield from wrapped(row[-1], "        ", "  ")


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from wrapped(text, "  ", "  ")


def _patch(answer: Answer) -> Iterator[str]:
    chosen = answer.chosen
    if chosen is None:
        return
    yield ""
    if chosen.patch is None:
        yield from wrapped(f"no patch: {chosen.no_patch}", further="  ")
        return
    for line in chosen.patch.splitlines():
        yield from wrapped(line, further="# ") if line.startswith("#") else [line]

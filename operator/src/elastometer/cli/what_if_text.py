"""A what-if answer for a person at a terminal."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from elastometer.cli.text import columns
from elastometer.render import what_if_rows as rows
from elastometer.render.what_if_words import cliff_lines, error_rows, figures_line, headline
from elastometer.render.words import plural
from elastometer.twin.search.answer import Answer

_FRONT_SHOWN = 20


def in_words(answer: Answer, bundle: Path, out: Path | None) -> list[str]:
    """Every line. The error of the twin itself comes before anything that it predicts."""
    return list(_lines(answer, bundle, out))


def _lines(answer: Answer, bundle: Path, out: Path | None) -> Iterator[str]:
    yield f"{bundle}: {headline(answer)}"
    yield ""
    yield "the twin on the recorded run itself"
    yield from columns(error_rows(answer.honesty))
    yield ""
    yield "what it is calibrated by"
    yield from columns(rows.calibration_rows(answer.calibration))
    yield from (f"  note: {note}" for note in answer.calibration.notes)
    yield ""
    yield "scorecard"
    yield from columns([rows.scorecard_head(answer), *rows.scorecard_rows(answer)])
    yield f"  {figures_line(answer)}"
    yield from _search(answer)
    yield ""
    yield "cold-start cliff (predicted)"
    yield from (f"  {line}" for line in cliff_lines(answer))
    yield from _patch(answer)
    if out is not None:
        yield f"written: {out / 'what-if.html'}"


def _search(answer: Answer) -> Iterator[str]:
    found = answer.searched
    if found is None:
        return
    yield ""
    refused = f", {found.refused} refused as no valid autoscaler" if found.refused else ""
    yield (f"search: {found.tried} candidates of {len(found.fields)} fields (seed {found.seed}{refused}), "
           f"{plural(found.draws, 'draw')} each to rank by; {len(found.front)} that none beats, cheapest first")
    shown = rows.front_rows(answer)
    yield from columns([rows.front_head(answer), *shown[:_FRONT_SHOWN]])
    if len(shown) > _FRONT_SHOWN:
        yield f"  … {len(shown) - _FRONT_SHOWN} more (--out or --output json has them)"
    yield f"chosen: {found.chosen + 1}, {found.why}"


def _patch(answer: Answer) -> Iterator[str]:
    chosen = answer.chosen
    if chosen is None:
        return
    yield ""
    if chosen.patch is None:
        yield f"no patch: {chosen.no_patch}"
        return
    yield from chosen.patch.splitlines()

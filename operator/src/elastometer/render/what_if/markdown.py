"""A what-if answer as Markdown, for a pull request."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.render.what_if import rows as rows
from elastometer.render.what_if.text import cliff_lines, error_rows, figures_line, headline
from elastometer.render.wording import prices
from elastometer.render.wording.tables import prose, section
from elastometer.twin.search.answer.answer import Answer


def to_markdown(answer: Answer) -> bytes:
    """All tables and the manifest; the charts are in the HTML."""
    return ("\n".join(_lines(answer)).rstrip() + "\n").encode()


def _lines(answer: Answer) -> Iterator[str]:
    yield f"# What if: {prose(answer.run.namespace)}/{prose(answer.run.test)}"
    yield ""
    yield f"**Predicted, not measured**, except for the columns that say so. {prose(headline(answer))}."
    yield from _table("Scorecard", [rows.scorecard_head(answer), *rows.scorecard_rows(answer)])
    yield from ("", f"{prose(figures_line(answer).capitalize())}.")
    if answer.searched is not None:
        front = [rows.front_head(answer), *rows.front_rows(answer)]
        yield from _table("Candidates that no other one beats (predicted)", front)
        yield ""
        yield f"Chosen: {answer.searched.chosen + 1}, {answer.searched.why}; of {answer.searched.tried} candidates."
    if answer.supplies:
        yield from _table("Without an autoscaler (predicted)", [rows.supply_head(answer), *rows.supply_rows(answer)])
        yield from ("", prices.ORACLE_MEANING)
    yield from ("", "## Cold-start cliff (predicted)", "")
    yield from (f"- {prose(line)}" for line in cliff_lines(answer))
    yield from _table("Prediction error on the recorded run itself", error_rows(answer.prediction_error))
    yield from section("What the simulator is calibrated with", ["", "Value", "Fit", "Source"], (
        [prose(cell) for cell in row] for row in rows.calibration_rows(answer.calibration)))
    yield from ("", *(f"- {prose(note)}" for note in answer.calibration.notes))
    yield from _patch(answer)


def _table(title: str, table: list[rows.Row]) -> Iterator[str]:
    head, *body = table
    yield from section(title, [prose(cell) for cell in head], ([prose(cell) for cell in row] for row in body))


def _patch(answer: Answer) -> Iterator[str]:
    chosen = answer.chosen
    if chosen is None:
        return
    yield from ("", "## Manifest of the chosen settings", "")
    if chosen.patch is None:
        yield f"None: {prose(chosen.no_patch or '')}."
        return
    # Indented, not fenced: foreign text could end a fence.
    yield from (f"    {line}" for line in chosen.patch.splitlines())



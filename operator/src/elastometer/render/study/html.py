"""The comparison as one HTML file, in the style of the report; see `page` for what keeps it safe.

Without a script it is complete as tables. The script adds the replica curves, the values of each repetition as dots,
and the choice of another baseline and measure.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from jinja2 import Template

from elastometer.model.comparison import Comparison, MeasureRow
from elastometer.model.measures import MISS_SECONDS
from elastometer.render.many import embedded
from elastometer.render.page import environment, frame
from elastometer.render.shapes import verdict_mark
from elastometer.render.study import spares, tables, words
from elastometer.render.study.plots import plane
from elastometer.render.study.reported import ReportedTables, reported_tables
from elastometer.render.study.script_data import charts, script_data

_SCRIPTS = ("page.js", "charts.js", "study_curves.js", "study.js")
_STYLES = ("report.css", "story.css", "study.css")
# What the tables of the run that the study reports need besides.
_OF_TABLES = ("search.js",), ("load.css", "tables.css")


def to_html(comparison: Comparison, *, has_pages: bool = True) -> bytes:
    """UTF-8, the same bytes for the same comparison. `has_pages` says that the reports of the runs lie in `runs`."""
    groups = tables.grouped(comparison)
    rows = [row for _, found in groups for row in found]
    reported = reported_tables(comparison)
    scripts, styles = ((), ()) if reported is None else _OF_TABLES
    numbered = {row.measure.name: number for number, row in enumerate(rows)}
    return _template().render(
        comparison=comparison, variants=comparison.variants,
        baseline=[one.name for one in comparison.variants].index(comparison.baseline), numbered=numbered,
        chosen=numbered.get(MISS_SECONDS, 0), main=tables.main_rows(comparison), groups=groups,
        runs=tables.run_lines(comparison, has_pages),
        cells=lambda row: tables.cells(comparison, row, comparison.baseline), plane=plane(comparison),
        curves=charts(comparison), reported=reported, **({} if reported is None else reported.values),
        **frame((*_SCRIPTS, *scripts), (*_STYLES, *styles), _data(comparison, rows, reported)),
    ).encode()


def _data(
    comparison: Comparison, rows: Sequence[MeasureRow], reported: ReportedTables | None,
) -> Mapping[str, object]:
    found = script_data(comparison, rows)
    return found if reported is None else {**found, "tables": embedded(reported.searches.values())}


@lru_cache(maxsize=1)
def _template() -> Template:
    made = environment()
    made.globals.update(mark=verdict_mark, words=words, tables=tables, spares=spares)
    made.filters.update(stopped=words.stopped)
    return made.get_template("study.html.j2")

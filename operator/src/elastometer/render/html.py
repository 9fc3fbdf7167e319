"""The report as one HTML file; see `page` for what keeps it safe."""
from __future__ import annotations

import re
from functools import lru_cache

from jinja2 import Template

from elastometer.model.reasons import LoadFlaw
from elastometer.model.report import Report
from elastometer.render.autoscaler import AUTOSCALER_FILTERS, autoscaler_chart, autoscaler_values, sync_searches
from elastometer.render.charts import chart_data
from elastometer.render.many import embedded
from elastometer.render.page import environment, frame
from elastometer.render.sections import load, scale_out
from elastometer.render.sections.elasticity import elasticity_chart, elasticity_values
from elastometer.render.sections.growing import growing_values, searches
from elastometer.render.sections.price import price_values
from elastometer.render.sections.quality import quality_rows
from elastometer.render.sections.resources import resource_chart, resource_values
from elastometer.render.sections.story import story_values
from elastometer.render.shapes import bullet, tiles, verdict_mark
from elastometer.render.tables.sections import table_searches, table_sections
from elastometer.render.wording import answers, estimates, knees, numbers, wakes
from elastometer.render.wording import starts as start_words
from elastometer.render.wording.provenance import provenance_rows

_REASON = re.compile(r"\((\w+)\)$")
_SCRIPTS = ("page.js", "charts.js", "resources.js", "elasticity.js", "report.js", "search.js", "scale_out.js")
_STYLES = ("report.css", "story.css", "price.css", "elasticity.css", "resources.css", "scale_out.css", "load.css",
           "tables.css")


def to_html(report: Report) -> bytes:
    """UTF-8, the same bytes for the same report."""
    parts = table_sections(report)
    tables = {**searches(report), **sync_searches(report.autoscaler), **table_searches(parts)}
    data = {**chart_data(report), "autoscaler": autoscaler_chart(report.autoscaler, report.timeline),
            "tables": embedded(tables.values()), "resources": resource_chart(report.resources),
            "elasticity": elasticity_chart(report)}
    return _template().render(
        report=report, load_flaws=tuple(LoadFlaw), **frame(_SCRIPTS, _STYLES, data),
        tables=tables, table_sections=parts, **growing_values(report), tiles=tiles(report),
        quality=quality_rows(report.quality), provenance=provenance_rows(report),
        **autoscaler_values(report.autoscaler), **story_values(report, parts), **price_values(report.price),
        **resource_values(), **scale_out.scale_out_values(report.scale_outs), **elasticity_values(),
        basis=None if report.predicted is None else numbers.basis_rows(report.predicted),
    ).encode()


@lru_cache(maxsize=1)
def _template() -> Template:
    made = environment()
    made.filters.update(reasons=reasons, **AUTOSCALER_FILTERS)
    made.globals.update(bullet=bullet, mark=verdict_mark, verdict=numbers.verdict, words=numbers, answer=answers,
                        knee=knees, wake=wakes, begun=start_words, out=scale_out,
                        load=load, load_source=estimates.SOURCE)
    return made.get_template("report.html.j2")


def reasons(conditions: tuple[str, ...]) -> str:
    """The reason of each condition, which is what differs from sync to sync."""
    found = (_REASON.search(one) for one in conditions)
    return ", ".join(match.group(1) for match in found if match is not None)

"""The report as one HTML file: style, script, chart library and data inside, nothing from the network.

A content security policy forbids everything that is not in the file, and every script by its hash; text of others
goes through the template's escaping, and data for the script as JSON that cannot end its element.
"""
from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from elastometer.model.report import Report
from elastometer.render import words
from elastometer.render.autoscaler import AUTOSCALER_FILTERS, autoscaler_chart, autoscaler_values
from elastometer.render.charts import chart_data
from elastometer.render.markdown import quality_rows
from elastometer.render.strips import bullet, strips, tiles, verdict_mark

HERE = Path(__file__).parent
_REASON = re.compile(r"\((\w+)\)$")
_QUOTED = re.compile(r"`([^`]+)`")


def to_html(report: Report) -> bytes:
    """UTF-8, the same bytes for the same report."""
    library, script = _asset("vendor/uPlot.js"), _asset("templates/report.js")
    data = _embedded({**chart_data(report), "autoscaler": autoscaler_chart(report.autoscaler, report.timeline)})
    return _template().render(
        report=report, style=Markup(_asset("vendor/uPlot.css") + _asset("templates/report.css")),
        library=Markup(library), script=Markup(script), data=Markup(data),
        hashes=Markup(" ".join(f"'sha256-{_digest(text)}'" for text in (library, script))),
        strips=strips(report.cold_starts), tiles=tiles(report), quality=quality_rows(report.quality),
        **autoscaler_values(report.autoscaler),
        basis=None if report.predicted is None else words.basis_rows(report.predicted),
    ).encode()


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(data: object) -> str:
    """ASCII JSON without the three characters that mean something to an HTML parser."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    environment.filters.update(
        duration=words.duration, figure=words.figure, stamp=words.stamp, instant=words.instant,
        number=words.number, counts=words.counts, quoted=quoted, sentence=sentence, reasons=reasons,
        **AUTOSCALER_FILTERS,
    )
    environment.globals.update(bullet=bullet, mark=verdict_mark, dash=words.DASH, verdict=words.verdict)
    return environment.get_template("report.html.j2")


def quoted(text: str) -> Markup:
    """Escaped text in which words between backticks are set as code."""
    return Markup(_QUOTED.sub(r"<code>\1</code>", str(escape(text))))


def reasons(conditions: tuple[str, ...]) -> str:
    """The reason of each condition, which is what differs from sync to sync."""
    found = (_REASON.search(one) for one in conditions)
    return ", ".join(match.group(1) for match in found if match is not None)


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")



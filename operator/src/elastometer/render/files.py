"""All files of a report, in memory."""
from __future__ import annotations

from elastometer.model.report import Report
from elastometer.render.html import to_html
from elastometer.render.json_report import to_json
from elastometer.render.junit import to_junit
from elastometer.render.markdown import to_markdown


def render_all(report: Report) -> dict[str, bytes]:
    """File name -> content, as `seal` of the bundle writer takes it."""
    return {
        "report.json": to_json(report), "report.md": to_markdown(report),
        "report.html": to_html(report), "junit.xml": to_junit(report),
    }

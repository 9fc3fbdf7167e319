"""All files of a report, in memory."""
from __future__ import annotations

from elastometer.model.bundle_files import JUNIT, REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN
from elastometer.model.report import Report
from elastometer.render.html import to_html
from elastometer.render.json_report import to_json
from elastometer.render.junit import to_junit
from elastometer.render.markdown import to_markdown


def render_all(report: Report) -> dict[str, bytes]:
    """File name -> content, as `seal` of the bundle writer takes it."""
    return {
        REPORT_JSON: to_json(report), REPORT_MARKDOWN: to_markdown(report),
        REPORT_HTML: to_html(report), JUNIT: to_junit(report),
    }

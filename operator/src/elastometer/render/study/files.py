"""All files of a study's report, in memory."""
from __future__ import annotations

from elastometer.model.bundle_files import JUNIT, REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN
from elastometer.model.comparison import Comparison
from elastometer.render.json_report import document_bytes
from elastometer.render.study.html import to_html
from elastometer.render.study.junit import to_junit
from elastometer.render.study.markdown import to_markdown
from elastometer.render.study.reported import reported_fields


def to_json(comparison: Comparison) -> bytes:
    """The comparison with the tables of the run that the study reports; the same bytes for the same comparison."""
    return document_bytes(comparison, reported_fields(comparison))


def render_study(comparison: Comparison, *, has_pages: bool = True) -> dict[str, bytes]:
    """File name -> content; the same bytes for the same comparison. `has_pages` says that the page of each run lies
    beside these files, as in the bundle of a study, so that the study's page links to it."""
    return {
        REPORT_JSON: to_json(comparison), REPORT_MARKDOWN: to_markdown(comparison),
        REPORT_HTML: to_html(comparison, has_pages=has_pages), JUNIT: to_junit(comparison),
    }

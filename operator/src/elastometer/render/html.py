"""The report as one HTML file that needs no network."""
from __future__ import annotations

from html import escape

from elastometer.model.report import Report
from elastometer.render.markdown import to_markdown


def to_html(report: Report) -> bytes:
    """UTF-8."""
    return f"<!doctype html><meta charset=utf-8><pre>{escape(to_markdown(report).decode())}</pre>".encode()

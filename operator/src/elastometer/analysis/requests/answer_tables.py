"""The tables of a report that are about its answers."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.answer_ends import answer_end_rows
from elastometer.analysis.requests.isolation import isolation_rows
from elastometer.analysis.requests.recall import recall_of
from elastometer.analysis.requests.structured import structured_rows
from elastometer.model.report import Report


def with_answer_tables(evidence: Evidence, report: Report) -> Report:
    """Of a run that took place: a predicted one has no texts. The report has its load and its searches."""
    return replace(
        report, isolation=isolation_rows(evidence, report.knees), answer_ends=answer_end_rows(evidence),
        structured=structured_rows(evidence, report.load), recall=recall_of(evidence))

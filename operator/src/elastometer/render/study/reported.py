"""The tables of the run that a study reports but does not compare: they open its report, and stand in its JSON under
the names that they have in the report of the run."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from elastometer.model.comparison import Comparison, ReportedRun
from elastometer.model.report import Report
from elastometer.render.many import Search
from elastometer.render.sections.story import story_values
from elastometer.render.tables.sections import table_searches, table_sections
from elastometer.render.tables.table import TableSection

# What the JSON of a study has of its own, and what only the report of the run has: its curves and its whole accounts.
_NOT_HERE = frozenset({
    "test", "namespace", "uid", "model", "load_start", "verdict", "verdict_reason", "verdict_message", "summary",
    "stages", "timeline", "scale_ins", "price", "quality", "provenance", "autoscaler", "wakes", "predicted", "demand",
    "elasticity", "calibration", "resources", "story", "scale_outs", "schema_version",
})
FIELDS = tuple(item.name for item in fields(Report) if item.name not in _NOT_HERE)


@dataclass(frozen=True, slots=True)
class ReportedTables:
    """What the page shows of the run, and what its templates need for it."""

    reported: ReportedRun
    sections: tuple[TableSection, ...]
    searches: Mapping[str, Search]
    values: Mapping[str, object]


def reported_fields(comparison: Comparison) -> Mapping[str, object]:
    """The fields of the JSON; each null where the study reports no run."""
    report = None if comparison.reported is None else comparison.reported.report
    return {name: None if report is None else getattr(report, name) for name in FIELDS}


def reported_tables(comparison: Comparison) -> ReportedTables | None:
    """None where the study reports no run."""
    reported = comparison.reported
    if reported is None:
        return None
    if reported.report is None:
        return ReportedTables(reported, (), {}, {})
    sections = table_sections(reported.report)
    return ReportedTables(reported, sections, table_searches(sections), story_values(reported.report, sections))

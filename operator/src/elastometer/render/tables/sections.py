"""The sections of tables, in the order of the page."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from elastometer.model.report import Report
from elastometer.render.many import Search
from elastometer.render.tables import answers, predicted, scaling
from elastometer.render.tables.by_input import by_input
from elastometer.render.tables.errors_in_time import errors_in_time
from elastometer.render.tables.health import health
from elastometer.render.tables.levels import levels
from elastometer.render.tables.memory import memory
from elastometer.render.tables.saturation import saturation
from elastometer.render.tables.table import TableSection
from elastometer.render.tables.under_test import under_test

Made: TypeAlias = Callable[[Report], TableSection | None]
# In short stands above them. Levels with the recommended limit, By input, Errors in time, Memory, Saturation,
# Isolation, How answers ended, Structured answers, Recall, Health, What each scale-out brought, First and later
# starts, Warm spares, Under test: each where the report has its rows.
SECTIONS: tuple[Made, ...] = (
    levels, by_input, errors_in_time, memory, saturation,
    answers.isolation, answers.answer_ends, answers.structured, answers.recall,
    health, scaling.scale_out_gains, scaling.first_starts, predicted.warm_spares, predicted.what_if, under_test,
)


def table_sections(report: Report) -> tuple[TableSection, ...]:
    """Those that this report has."""
    return tuple(found for made in SECTIONS if (found := made(report)) is not None)


def table_searches(sections: tuple[TableSection, ...]) -> Mapping[str, Search]:
    """The searches of tables that are not shown whole, by their ids."""
    found = (table.search for section in sections for table in section.tables)
    return {one.id: one for one in found if one is not None}

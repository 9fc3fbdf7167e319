"""The tables that answer a team's questions: each is made of the run and of the report before it, in one call."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.by_input.by_input import by_input
from elastometer.analysis.levels.levels import level_rows
from elastometer.analysis.levels.limit import recommended_limits
from elastometer.analysis.requests.answer_tables import with_answer_tables
from elastometer.analysis.requests.errors_in_time import error_kinds
from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.analysis.resources_used.memory import memory_table
from elastometer.analysis.resources_used.saturation import saturation_table
from elastometer.analysis.resources_used.used import resources_used
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.scaling.tables import with_scaling
from elastometer.model.report import Report


def with_tables(run: DerivedRun, report: Report, measured: Measurements) -> Report:
    """The report with its tables. It has all but findings and story; each step sees the tables of those before it."""
    if run.bundle.predicted is None:
        resources = resources_used(run, measured)
        report = replace(report, resources=resources, memory=memory_table(resources),
                         saturation=saturation_table(run, measured))
        report = with_answer_tables(run.evidence, report)
    levels, (inputs, lines) = level_rows(run, measured), by_input(run.evidence)
    report = replace(report, levels=levels, recommended_limit=recommended_limits(levels),
                     errors_in_time=error_kinds(run.evidence), by_input=inputs,
                     input_lines=lines)
    return with_scaling(run, report, measured)

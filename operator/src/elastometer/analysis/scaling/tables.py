"""The tables about scaling, as one step of the tables of a report."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.scaling.first_starts import first_starts
from elastometer.analysis.scaling.gains import scale_out_gains
from elastometer.analysis.scaling.health import health_rows
from elastometer.analysis.scaling.under_test import under_test
from elastometer.model.report import Report


def with_scaling(run: DerivedRun, report: Report, measured: Measurements) -> Report:
    """Health and gains of predictions too; starts and what was under test only where something ran."""
    report = replace(report, health=health_rows(run.evidence, report.objectives),
                     scale_out_gains=scale_out_gains(run, measured))
    if run.bundle.predicted is not None:
        return report
    return replace(report, first_starts=first_starts(report.cold_starts), under_test=under_test(run))

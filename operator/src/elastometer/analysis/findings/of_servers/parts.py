"""In which part of the run an instant lies, as findings name it."""
from __future__ import annotations

from elastometer.analysis.findings.facts import Facts
from elastometer.model.resources_used import ResourceWindow, WindowKind

_RANK = {WindowKind.STEP: 0, WindowKind.STAGE: 1, WindowKind.QUIET: 2}


def part_at(facts: Facts, seconds: float) -> ResourceWindow | None:
    """The step of a Knee, else the stage; None outside of the load or of a stage that left no trace."""
    used = None if facts.report is None else facts.report.resources
    if used is not None and used.windows:
        windows = [one for one in used.windows if one.kind in _RANK]
    else:
        windows = [ResourceWindow(stage.name, WindowKind.STAGE, stage.start_seconds, stage.end_seconds, stage.name)
                   for stage in facts.evidence.stages
                   if stage.start_seconds is not None and stage.end_seconds is not None]
    around = [one for one in windows if one.start_seconds <= seconds < one.end_seconds]
    return min(around, key=lambda one: _RANK[one.kind], default=None)

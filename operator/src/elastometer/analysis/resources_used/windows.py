"""The parts of a run that its resources are compared over: idle, each stage of the load, and what follows it."""
from __future__ import annotations

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.model.resources_used import ResourceWindow, WindowKind
from elastometer.model.units import to_seconds

IDLE, AFTER = "idle", "after"


def windows_of(run: DerivedRun) -> tuple[ResourceWindow, ...]:
    """In order of time; a stage that left no trace has none, and there is no idle part without a Ready replica."""
    evidence = run.evidence
    load_end = evidence.seconds(evidence.load_end)
    ready = next((time for time, count in run.replicas.ready.points if count > 0), None)
    found = [ResourceWindow(IDLE, WindowKind.IDLE, ready, 0.0)] if ready is not None and ready < 0 else []
    found += [ResourceWindow(stage.name, WindowKind.STAGE, stage.start_seconds, stage.end_seconds)
              for stage in evidence.stages if stage.start_seconds is not None and stage.end_seconds is not None]
    last = _record_end(evidence)
    if last is not None and last > load_end:
        found.append(ResourceWindow(AFTER, WindowKind.AFTER, load_end, last))
    return tuple(found)


def _record_end(evidence: Evidence) -> float | None:
    return None if evidence.last_seen is None else to_seconds(evidence.last_seen - evidence.origin)

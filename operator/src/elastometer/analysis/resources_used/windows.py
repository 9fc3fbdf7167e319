"""The parts of a run that its resources are compared over: idle, each stage of the load, and what follows it."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.knees import searches
from elastometer.analysis.run import DerivedRun
from elastometer.model.knee import KneeSeen
from elastometer.model.resources_used import ResourceWindow, WindowKind, step_name
from elastometer.model.units import to_seconds
from elastometer_loadgen.stages.stage import StageRole

IDLE, AFTER = "idle", "after"
_UNLOADED = frozenset({WindowKind.IDLE, WindowKind.QUIET, WindowKind.AFTER})
# Two windows follow each other if no more lies between them.
_APART_SECONDS = 1.0


def windows_of(run: DerivedRun) -> tuple[ResourceWindow, ...]:
    """In order of time; the steps of a Knee follow their stage. A stage that left no trace has none, and there is no
    idle part without a Ready replica."""
    evidence = run.evidence
    load_end = evidence.seconds(evidence.load_end)
    ready = next((time for time, count in run.replicas.ready.points if count > 0), None)
    found = [ResourceWindow(IDLE, WindowKind.IDLE, ready, 0.0)] if ready is not None and ready < 0 else []
    steps = {search.stage: search for search in searches(evidence)}
    for stage in evidence.stages:
        if stage.start_seconds is None or stage.end_seconds is None:
            continue
        kind = WindowKind.QUIET if stage.role is StageRole.QUIET else WindowKind.STAGE
        found.append(ResourceWindow(stage.name, kind, stage.start_seconds, stage.end_seconds, stage.name))
        if stage.name in steps:
            found += _steps(stage.name, evidence, steps[stage.name])
    last = _record_end(evidence)
    if last is not None and last > load_end:
        found.append(ResourceWindow(AFTER, WindowKind.AFTER, load_end, last))
    return tuple(found)


def edges_of(windows: Sequence[ResourceWindow]) -> tuple[ResourceWindow, ResourceWindow] | None:
    """(before, after) the load: what lies before the first stage that has any, and behind the last one; None where one
    of the two is missing. Where the load begins with Quiet stages, these are what is before it: in the seconds after
    the first Ready a server still grows."""
    loaded = [one for one in windows if one.kind not in _UNLOADED]
    before = [one for one in windows if one.kind in _UNLOADED and loaded and one.end_seconds <= loaded[0].start_seconds]
    after = [one for one in windows if one.kind in _UNLOADED and loaded
             and one.start_seconds >= max(load.end_seconds for load in loaded)]
    before = [one for one in before if one.kind is WindowKind.QUIET] or before
    if not before or not after:
        return None
    return (ResourceWindow(IDLE, before[0].kind, before[0].start_seconds, before[-1].end_seconds),
            ResourceWindow(AFTER, WindowKind.AFTER, after[0].start_seconds, after[-1].end_seconds))


def rest_after(windows: Sequence[ResourceWindow], number: int) -> ResourceWindow | None:
    """The part without load that follows the window of that number at once; None where load follows."""
    end = windows[number].end_seconds
    if windows[number].kind in _UNLOADED:
        return None
    resting = [one for one in windows if one.kind in _UNLOADED and abs(one.start_seconds - end) <= _APART_SECONDS]
    if not resting:
        return None
    last = resting[-1]
    for before, after in pairwise(windows[windows.index(last):]):
        if after.kind not in _UNLOADED or after.start_seconds - before.end_seconds > _APART_SECONDS:
            break
        last = after
    return ResourceWindow(last.name, last.kind, resting[0].start_seconds, last.end_seconds)


def levels_among(windows: Sequence[ResourceWindow]) -> list[int]:
    """The numbers of the windows that are levels: of a stage with steps, those in its place."""
    return [number for number, window in enumerate(windows) if window.kind is not WindowKind.STAGE or not any(
        step.kind is WindowKind.STEP and window.start_seconds <= step.start_seconds < window.end_seconds
        for step in windows[number + 1:])]


def _steps(stage: str, evidence: Evidence, search: KneeSeen) -> Iterator[ResourceWindow]:
    for one in search.steps:
        yield ResourceWindow(step_name(stage, one.value), WindowKind.STEP, evidence.seconds(one.start),
                             evidence.seconds(one.end), stage)
    if (soak := search.soak) is not None:
        yield ResourceWindow(step_name(stage, soak.value, is_soak=True), WindowKind.STEP,
                             evidence.seconds(soak.start), evidence.seconds(soak.end), stage)


def _record_end(evidence: Evidence) -> float | None:
    return None if evidence.last_seen is None else to_seconds(evidence.last_seen - evidence.origin)

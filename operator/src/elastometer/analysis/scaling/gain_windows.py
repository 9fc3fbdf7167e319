"""The two parts of a run that a scale-out lies between, and what else changed from the one to the other."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.starts.coldstart import Start
from elastometer.model.milestones import Milestone
from elastometer.model.units import Instant, to_seconds

WINDOW_SECONDS = 30.0
# A shorter part holds too few seconds for an interval of its rate.
FEWEST_SECONDS = 20.0
NO_PODS = "the records name no Pods, so that the later window begins when the last new Pod was Ready"


@dataclass(frozen=True, slots=True)
class Windows:
    """(start, end) of both, in seconds from the start of the load. `load_rose` and `load_changed` say what the load did
    in between: a Knee goes one step up, another stage may be anything."""

    before: tuple[float, float]
    after: tuple[float, float]
    notes: tuple[str, ...] = ()
    load_rose: bool = False
    load_changed: bool = False


def windows_of(climb: Sequence[Change], run: DerivedRun) -> Windows | str:
    """The windows around one scale-out, or around several that follow each other; or why there are none."""
    evidence, last = run.evidence, climb[-1]
    decided = evidence.seconds(climb[0].decided.instant)
    served = _all_served(last, run)
    if isinstance(served, str):
        return served
    start, note = served
    end = min(start + WINDOW_SECONDS, evidence.seconds(evidence.load_end))
    later = [one for one in run.changes if one.number > last.number]
    cut = min((at for one in later if (at := evidence.seconds(one.decided.instant)) > start), default=end)
    if cut - start >= FEWEST_SECONDS:
        end = min(end, cut)
    before = (max(0.0, decided - WINDOW_SECONDS), decided)
    for (left, right), where in ((before, "before the decision"), ((start, end), "after the last new Pod served")):
        if right - left < FEWEST_SECONDS:
            return f"only {max(0.0, right - left):.0f} s of load lie {where}, fewer than {FEWEST_SECONDS:.0f}"
    steps, stages = _edges(evidence, before[0], end)
    notes = [*([note] if note else []), *_notes(climb, run, before[0], end), *_of_load(steps, stages)]
    return Windows(before, (start, end), tuple(notes), bool(steps), bool(stages))


def _all_served(change: Change, run: DerivedRun) -> tuple[float, str | None] | str:
    """(when the last new Pod had served its first request, a note), or why that is not known."""
    evidence = run.evidence
    mine = [one for one in run.starts if one.change is not None and one.change.number == change.number]
    missing = change.after - change.before - len(mine)
    if missing > 0:
        return f"{missing} of {change.after - change.before} added Pods were never seen"
    names_pods = bool(evidence.first_ends)
    found = [evidence.first_ends.get(one.pod.name) if names_pods else _ready(one) for one in mine]
    without = [one.pod.name for one, at in zip(mine, found, strict=True) if at is None]
    if without:
        return f"{without[0]} {'served no request' if names_pods else 'was never Ready'}"
    last = max(at for at in found if at is not None)
    return evidence.seconds(last), None if names_pods else NO_PODS


def _ready(start: Start) -> Instant | None:
    seen = start.used.get(Milestone.READY)
    return None if seen is None else seen.instant


def _notes(climb: Sequence[Change], run: DerivedRun, start: float, end: float) -> Iterator[str]:
    mine = {one.number for one in climb}
    for one in run.changes:
        if one.number not in mine and start < run.evidence.seconds(one.decided.instant) < end:
            yield f"the change from {one.before} to {one.after} replicas was decided within the windows too"


def _edges(evidence: Evidence, start: float, end: float) -> tuple[list[float], list[str]]:
    """(steps of a Knee that begin in between, the stages and soaks that do)."""
    searches = [search for one in evidence.generators for search in one.knees]
    steps = [to_seconds(step.start - evidence.origin) for search in searches for step in search.steps]
    stages = [(one.start_seconds, f"stage '{one.name}'") for one in evidence.stages if one.start_seconds is not None]
    soaks = [(to_seconds(search.soak.start - evidence.origin), f"the soak of '{search.stage}'")
             for search in searches if search.soak is not None]
    return ([at for at in steps if start < at < end],
            [name for at, name in sorted([*stages, *soaks]) if start < at < end])


def _of_load(steps: Sequence[float], stages: Sequence[str]) -> Iterator[str]:
    if stages:
        yield f"the load changed in between, to {stages[-1]}"
    elif steps:
        yield "the load went a step up in between"

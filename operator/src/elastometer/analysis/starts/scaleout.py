"""How long a scale-out took: from the decision to the Ready of the last Pod that it added."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.starts.coldstart import Start, between
from elastometer.model.measurements import Duration, Origin
from elastometer.model.milestones import Milestone
from elastometer.model.units import to_milliseconds


def scale_out_lag(change: Change, starts: Sequence[Start], evidence: Evidence) -> Duration:
    """The figure of the slowest of its Pods; what one Pod lacks, the whole event lacks."""
    figures = [between(start, Milestone.DECIDED, Milestone.READY, evidence) for start in starts]
    flawed = next((one for one in figures if one.reason is not None), None)
    if flawed is not None:
        return flawed
    missing = change.after - change.before - len(figures)
    if missing > 0:
        waited = max(0, (evidence.last_seen or change.decided.instant) - change.decided.instant)
        return Duration(at_least_milliseconds=to_milliseconds(waited),
                      reason=f"{missing} of {change.after - change.before} added Pods were never seen")
    return slowest(figures)


def slowest(figures: Sequence[Duration]) -> Duration:
    """The largest of measured durations. What is largest within their ± may be another of them: the ± covers it."""
    largest = max(figures, key=lambda one: one.milliseconds or 0.0)
    value = largest.milliseconds or 0.0
    above = max((one.milliseconds or 0.0) + (one.plus_minus_milliseconds or 0.0) for one in figures) - value
    below = value - max((one.milliseconds or 0.0) - (one.plus_minus_milliseconds or 0.0) for one in figures)
    notes = dict.fromkeys(one.note for one in figures if one.note is not None)
    return replace(largest, plus_minus_milliseconds=round(max(above, below), 3), note="; ".join(notes) or None)


def added_pod_figures(changes: Sequence[Change], starts: Sequence[Start], evidence: Evidence) -> list[Duration]:
    """The cold start of every Pod that was added, and a hole for each that should be there and was not seen."""
    added = [start for start in starts if start.origin != Origin.INITIAL]
    figures = [between(start, Milestone.CREATED, Milestone.READY, evidence) for start in added]
    wanted = sum(change.after - change.before for change in changes if change.is_out)
    seen = sum(start.change is not None for start in starts)
    holes = [Duration(reason="an added Pod was never seen")] * max(0, wanted - seen)
    return figures + holes

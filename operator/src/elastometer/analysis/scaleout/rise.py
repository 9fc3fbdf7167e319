"""How long the load rose before demand passed supply, by the schedule."""
from __future__ import annotations

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.scaleout.decision import Beginning
from elastometer.analysis.scaleout.segments import Segment
from elastometer.model.scaleout_waterfall import RISE
from elastometer.model.terms import StageWindow


def rise_of(begin: Beginning, evidence: Evidence) -> Segment | None:
    """The unbroken rise of the planned rate up to the beginning; None where the schedule does not rise there, or plans
    no rate."""
    at = begin.at / 1000
    start = at
    for stage in reversed(evidence.stages):
        if stage.start_seconds is None or stage.start_seconds >= at:
            continue
        if not _rises(stage):
            # A step up to a constant rate: the load rose at once, when the stage began.
            break
        start = stage.start_seconds
    if start >= at:
        return None
    return Segment(RISE, round(1000 * start), begin.at, begin.plus_minus, f"schedule to {begin.source}")


def _rises(stage: StageWindow) -> bool:
    return stage.start_rate is not None and stage.end_rate is not None and stage.end_rate > stage.start_rate

"""From the decision to the last added Pod at its full speed: the bars of that Pod's start, and what follows them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.scaleout.segments import Milliseconds, Segment, joined, since_origin
from elastometer.analysis.scaleout.steady import SteadyState
from elastometer.analysis.starts.coldstart import Start
from elastometer.analysis.starts.waterfall import Bar, bars, phase_of
from elastometer.model.milestones import Milestone
from elastometer.model.observation import Sighting
from elastometer.model.scaleout_waterfall import STEADY, ScaleOutEnd
from elastometer.model.units import MILLISECOND, SECOND, Instant

# The furthest that a Pod was seen to come, the best first.
_ENDS = ((Milestone.FIRST_SERVED, ScaleOutEnd.FIRST_SERVED), (Milestone.IN_ENDPOINTS, ScaleOutEnd.IN_ENDPOINTS),
         (Milestone.READY, ScaleOutEnd.READY))


@dataclass(frozen=True, slots=True)
class Path:
    """The bars after the decision, and how far they lead."""

    last: Start | None
    segments: tuple[Segment, ...]
    end: ScaleOutEnd
    reason: str | None
    end_plus_minus: float | None

    def until(self, otherwise: Milliseconds) -> Milliseconds:
        """Where the bars end."""
        return self.segments[-1].until if self.segments else otherwise


def last_pod(starts: Sequence[Start]) -> Start | None:
    """The Pod that came last, or never."""
    return max(starts, key=lambda one: (_reached(one) is None, _reached(one) or 0, one.pod.name), default=None)


def _reached(start: Start) -> Instant | None:
    return next((start.used[name].instant for name, _ in _ENDS if name in start.used), None)


def path(change: Change, starts: Sequence[Start], steady: SteadyState | None, evidence: Evidence) -> Path:
    """The path of the Pod that was last. `steady` is of that Pod, if it served."""
    last, missing = last_pod(starts), change.after - change.before - len(starts)
    if last is None:
        return Path(None, (), ScaleOutEnd.UNFINISHED, "no Pod that it added was seen", None)
    decided = since_origin(change.decided.instant, evidence.origin)
    found = [_segment(bar, evidence) for bar in bars(last.used, last.marks)]
    name, end = next(((name, end) for name, end in _ENDS if name in last.used), (None, ScaleOutEnd.UNFINISHED))
    until = max((one.until for one in found), default=decided)
    reason = f"{missing} of {change.after - change.before} added Pods were never seen" if missing > 0 else None
    if name is None:
        why = "the Pod was gone before it was Ready" if last.pod.last.sighting is Sighting.DELETED else \
            "the Pod was not Ready before the record ended"
        until = max(until, since_origin(_last_sight(last, evidence), evidence.origin))
        return Path(last, tuple(joined(found, decided, until, why)), end, reason or why, None)
    doubt = last.used[name].resolution / MILLISECOND
    if name is not Milestone.FIRST_SERVED:
        reason = reason or "it served no request"
    elif steady is not None and steady.instant is not None:
        after = max(until, since_origin(steady.instant, evidence.origin))
        found.append(Segment(STEADY, until, after, doubt + SECOND / MILLISECOND, "Request",
                             f"{steady.rate:.1f} output tokens/s later"))
        end, until, doubt = ScaleOutEnd.STEADY, after, SECOND / MILLISECOND
    elif steady is not None:
        reason = reason or f"when it was steady is not known: {steady.reason}"
    return Path(last, tuple(joined(found, decided, until, "no source shows it")), end, reason, doubt)


def _last_sight(start: Start, evidence: Evidence) -> Instant:
    gone = start.pod.last.sighting is Sighting.DELETED
    return start.pod.last.received if gone else evidence.last_seen or start.pod.last.received


def _segment(bar: Bar, evidence: Evidence) -> Segment:
    phase = phase_of(bar, evidence)
    return Segment(
        phase.name, since_origin(bar.since, evidence.origin), since_origin(bar.until, evidence.origin),
        phase.plus_minus_milliseconds, phase.source, phase.note, phase.label, (bar.start, bar.end))

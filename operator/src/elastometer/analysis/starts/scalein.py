"""Scale-in: which Pods were removed, how long they drained, and which of their requests were lost."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from elastometer.analysis.evidence.evidence import (
    API_RESOLUTION,
    WATCH_RESOLUTION,
    Evidence,
    PodHistory,
)
from elastometer.analysis.evidence.gaps import unwatched
from elastometer.analysis.evidence.pods import Seen, best, bounded, in_window
from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.starts.coldstart import gap_note
from elastometer.model.document import instant_at, whole_at
from elastometer.model.measurements import Duration, ScaleIn, Source
from elastometer.model.milestones import Milestone
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.request import RecordedRequest
from elastometer.model.units import MILLISECOND, SECOND, Instant, to_milliseconds
from elastometer_loadgen.base.record import Outcome

# A Pod that is deleted within this of a scale-in, and not before it, was deleted because of it.
ATTRIBUTION_WINDOW = 60 * SECOND
# Two watches race: the line of the Pod may come a little before the line of the decision.
RACE_ALLOWANCE = SECOND


def scale_ins(evidence: Evidence, changes: Sequence[Change]) -> tuple[ScaleIn, ...]:
    """Every server Pod that was deleted while its Deployment existed, in order of deletion."""
    end = _torn_down(evidence)
    found = [(pod, moment) for pod in evidence.pods if (moment := _deletion(pod, evidence)) is not None]
    found = [(pod, moment) for pod, moment in found if end is None or moment.instant < end]
    found.sort(key=lambda pair: (pair[1].instant, pair[0].name))
    room = {change.number: change.before - change.after for change in changes if not change.is_out}
    result = []
    for pod, moment in found:
        change = _cause(moment, changes, room)
        if change is not None:
            room[change.number] -= 1
        result.append(_scale_in(pod, moment, change, evidence))
    return tuple(result)


def _torn_down(evidence: Evidence) -> Instant | None:
    """When the Deployment itself was deleted. Pods deleted after that belong to the end of the test, not a scale-in."""
    gone = (
        seen.received for seen in evidence.deployments
        if seen.sighting is Sighting.DELETED or instant_at(seen.object, "metadata", "deletionTimestamp") is not None
    )
    return min(gone, default=None)


def _deletion(pod: PodHistory, evidence: Evidence) -> Seen | None:
    """The deletion request; the API's deletionTimestamp lies one grace period after it."""
    before: ObjectSeen | None = None
    for seen in pod.sightings:
        end = instant_at(seen.object, "metadata", "deletionTimestamp")
        if end is None and seen.sighting is not Sighting.DELETED:
            before = seen
            continue
        watched = Seen(Milestone.DELETED, seen.received, Source.WATCH, WATCH_RESOLUTION)
        grace = whole_at(seen.object, "metadata", "deletionGracePeriodSeconds")
        stated = None if end is None or grace is None else end - grace * SECOND
        window = unwatched(seen, before, "pods", evidence)
        if window is not None:
            return next(iter(in_window(Milestone.DELETED, stated, window)), watched)
        api = [] if stated is None else [Seen(Milestone.DELETED, stated, Source.API, API_RESOLUTION)]
        return best([*api, watched]) or watched
    return None


def _cause(moment: Seen, changes: Sequence[Change], room: dict[int, int]) -> Change | None:
    possible = [
        change for change in changes
        if room.get(change.number, 0) > 0
        and -RACE_ALLOWANCE <= moment.instant - change.decided.instant <= ATTRIBUTION_WINDOW
    ]
    # The latest: a Pod is usually deleted within a second of the decision.
    return possible[-1] if possible else None


def _gone(pod: PodHistory, evidence: Evidence) -> Seen | None:
    """When the Pod ceased to exist, of which the API keeps no time."""
    if pod.last.sighting is not Sighting.DELETED:
        return None
    window = unwatched(pod.last, pod.sightings[-2] if len(pod.sightings) > 1 else None, "pods", evidence)
    watched = Seen(Milestone.GONE, pod.last.received, Source.WATCH, WATCH_RESOLUTION)
    found = [] if window is None else bounded(Milestone.GONE, window, Source.WATCH)
    return found[0] if found else watched


def _scale_in(pod: PodHistory, moment: Seen, change: Change | None, evidence: Evidence) -> ScaleIn:
    end = _gone(pod, evidence)
    theirs = evidence.requests_of.get(pod.name, ())
    flying = [record for record in theirs if _in_flight(record, moment.instant)]
    later = [record for record in theirs if record.send is not None and record.send > moment.instant]
    lost = Counter(
        record.outcome.value for record in (*flying, *later) if record.outcome is not Outcome.SUCCESS
    )
    return ScaleIn(
        pod=pod.name, scale_event=None if change is None else change.number,
        deleted=evidence.stamp(moment.instant, moment.source, moment.resolution),
        gone=None if end is None else evidence.stamp(end.instant, end.source, end.resolution),
        drain=_drain(moment, end, evidence), in_flight=len(flying), sent_after_deletion=len(later),
        lost={outcome.value: lost[outcome.value] for outcome in Outcome if lost[outcome.value]},
    )


def _in_flight(record: RecordedRequest, instant: Instant) -> bool:
    return record.send is not None and record.send <= instant and (record.end is None or record.end > instant)


def _drain(moment: Seen, end: Seen | None, evidence: Evidence) -> Duration:
    if end is None:
        waited = max(0, (evidence.last_seen or moment.instant) - moment.instant)
        return Duration(at_least_milliseconds=to_milliseconds(waited),
                      reason="the Pod still existed when the record ended")
    return Duration(milliseconds=to_milliseconds(end.instant - moment.instant),
                    plus_minus_milliseconds=(moment.resolution + end.resolution) / MILLISECOND,
                    note=gap_note(moment, end))

"""Scale-in: which Pods were removed, how long they drained, and which of their requests were lost."""
from __future__ import annotations

from collections.abc import Sequence

import polars as pl

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
    theirs = _requests_by_pod(evidence) if found else {}
    result = []
    for pod, moment in found:
        change = _cause(moment, changes, room)
        if change is not None:
            room[change.number] -= 1
        result.append(_scale_in(pod, moment, change, theirs.get(pod.name), evidence))
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
    watched = Seen(Milestone.REMOVED, pod.last.received, Source.WATCH, WATCH_RESOLUTION)
    found = [] if window is None else bounded(Milestone.REMOVED, window, Source.WATCH)
    return found[0] if found else watched


def _requests_by_pod(evidence: Evidence) -> dict[str, pl.DataFrame]:
    known = evidence.table.select("pod", "send", "end", "outcome").drop_nulls(["pod", "send"])
    return {str(pod): part for (pod,), part in known.partition_by("pod", as_dict=True).items()}


def _scale_in(
    pod: PodHistory, moment: Seen, change: Change | None, requests: pl.DataFrame | None, evidence: Evidence,
) -> ScaleIn:
    end = _gone(pod, evidence)
    in_flight, later, lost = (0, 0, {}) if requests is None else _met(requests, moment.instant)
    return ScaleIn(
        pod=pod.name, scale_event=None if change is None else change.number,
        deleted=evidence.stamp(moment.instant, moment.source, moment.resolution),
        gone=None if end is None else evidence.stamp(end.instant, end.source, end.resolution),
        drain=_drain(moment, end, evidence), in_flight=in_flight, sent_after_deletion=later,
        lost={outcome.value: lost[outcome.value] for outcome in Outcome if outcome.value in lost},
    )


def _met(requests: pl.DataFrame, instant: Instant) -> tuple[int, int, dict[str, int]]:
    """(requests in flight at the instant, requests sent later, those of both that were lost, by outcome)."""
    later = pl.col("send") > instant
    flying = ~later & (pl.col("end").is_null() | (pl.col("end") > instant))
    hit = requests.select("outcome", flying.alias("flying"), later.alias("later")).filter(
        pl.col("flying") | pl.col("later"))
    lost = hit.filter(pl.col("outcome") != Outcome.SUCCESS.value)["outcome"].value_counts()
    return int(hit["flying"].sum()), int(hit["later"].sum()), dict(lost.iter_rows())


def _drain(moment: Seen, end: Seen | None, evidence: Evidence) -> Duration:
    if end is None:
        waited = max(0, (evidence.last_seen or moment.instant) - moment.instant)
        return Duration(at_least_milliseconds=to_milliseconds(waited),
                      reason="the Pod still existed when the record ended")
    return Duration(milliseconds=to_milliseconds(end.instant - moment.instant),
                    plus_minus_milliseconds=(moment.resolution + end.resolution) / MILLISECOND,
                    note=gap_note(moment, end))

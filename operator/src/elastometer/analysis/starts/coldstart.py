"""Cold starts: one per server Pod, measured twice: from what the watch saw, and from what Prometheus scraped."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence, PodHistory
from elastometer.analysis.evidence.gaps import gap_words
from elastometer.analysis.evidence.pods import ImagePull, Seen, best, image_pull, pod_instants
from elastometer.analysis.evidence.readiness import readiness
from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.starts.causes import narrowed, ready_by_effect
from elastometer.analysis.starts.enginelog import engine_marks
from elastometer.analysis.starts.enginemark import ORDER, EngineMark
from elastometer.analysis.starts.restarts import last_restart
from elastometer.analysis.starts.scraped import process_start, scraped_start
from elastometer.analysis.starts.startclass import Traces, classify, is_older_than_its_pod
from elastometer.analysis.starts.waterfall import phases
from elastometer.model.document import text_at
from elastometer.model.measurements import ColdStart, Duration, Origin, PodInstant, Source
from elastometer.model.milestones import Milestone
from elastometer.model.observation import LogSeen, Sighting
from elastometer.model.units import MILLISECOND, SECOND, Instant, Nanoseconds, to_milliseconds

# Two watches race: the line of a Pod may come a little before the line of the decision that created it.
RACE_ALLOWANCE = SECOND


@dataclass(frozen=True, slots=True)
class Start:
    """The instants of one Pod: all that were `seen`, and the one of each milestone that is `used` for durations.
    `marks` are those of the server's log, and `lines` are the log of the start that they belong to. `process` is the
    start that the process exports; it is not used if it lies before the Pod."""

    pod: PodHistory
    seen: tuple[Seen, ...]
    used: Mapping[Milestone, Seen]
    marks: tuple[EngineMark, ...]
    lines: tuple[LogSeen, ...]
    process: Seen | None
    change: Change | None
    origin: Origin


def starts(evidence: Evidence, changes: Sequence[Change]) -> list[Start]:
    """One per Pod, in order of creation; each added Pod belongs to the latest scale-out that still lacks one."""
    first_token = _first_tokens(evidence)
    found = [_instants(pod, evidence, first_token.get(pod.name)) for pod in evidence.pods]
    found.sort(key=lambda start: (_created(start) or 0, start.pod.name))
    return _attributed(found, changes)


def _instants(pod: PodHistory, evidence: Evidence, first_token: Instant | None) -> Start:
    seen = [*pod_instants(pod, evidence), *readiness(pod, evidence)]
    ready = _used([one for one in seen if one.name is Milestone.READY]).get(Milestone.READY)
    restart = last_restart(pod, None if ready is None else ready.instant)
    since = None if restart is None else restart.instant
    lines = [line for line in evidence.logs.get(pod.name, ()) if since is None or line.time >= since]
    marks = engine_marks(lines, None if ready is None else ready.instant)
    process = process_start(pod.name, evidence, since)
    first = None if first_token is None else Seen(Milestone.FIRST_SERVED, first_token, Source.REQUEST, MILLISECOND)
    seen += [one for one in (restart, process, first) if one is not None]
    seen = narrowed([*seen, *_logged(marks)])
    seen += ready_by_effect(pod, seen)
    used = _used(seen)
    if is_older_than_its_pod(process, used.get(Milestone.CREATED)):
        del used[Milestone.PROCESS_STARTED]
    return Start(pod, tuple(seen), used, tuple(marks), tuple(_of_start(lines, marks)), process, None, Origin.INITIAL)


def _used(seen: Sequence[Seen]) -> dict[Milestone, Seen]:
    """Of each milestone the instant that durations are computed from."""
    grouped: dict[Milestone, list[Seen]] = defaultdict(list)
    for one in seen:
        grouped[one.name].append(one)
    return {name: chosen for name, group in grouped.items() if (chosen := best(group)) is not None}


def _logged(marks: Sequence[EngineMark]) -> list[Seen]:
    """Of a milestone that came several times the first and the last."""
    grouped: dict[Milestone, list[Seen]] = defaultdict(list)
    for mark in marks:
        grouped[mark.milestone].append(Seen(mark.milestone, mark.instant, Source.LOG, mark.resolution))
    return [one for group in grouped.values() for one in dict.fromkeys((group[0], group[-1]))]


def _of_start(lines: Sequence[LogSeen], marks: Sequence[EngineMark]) -> list[LogSeen]:
    restart = next((mark.instant for mark in marks if mark.milestone is Milestone.RESTARTED), None)
    up = next((mark.instant for mark in marks if mark.milestone is Milestone.HTTP_UP), None)
    return [line for line in lines if (restart is None or line.time >= restart) and (up is None or line.time <= up)]


def _first_tokens(evidence: Evidence) -> dict[str, Instant]:
    first = evidence.table.lazy().filter(pl.col("pod") != "").drop_nulls("first_token").group_by("pod").agg(
        pl.col("first_token").min())
    return dict(first.collect().iter_rows())


def _created(start: Start) -> Instant | None:
    created = start.used.get(Milestone.CREATED)
    return None if created is None else created.instant


def _attributed(found: list[Start], changes: Sequence[Change]) -> list[Start]:
    room = {change.number: change.after - change.before for change in changes if change.is_out}
    outs = [change for change in changes if change.is_out]
    result: list[Start] = []
    # Pods name their ReplicaSet, not the decision. The latest decision that still lacks a Pod is the nearest in time; a
    # Pod beyond what was asked for replaces one that was lost.
    for start in found:
        created = start.used.get(Milestone.CREATED)
        before = [] if created is None else [
            change for change in outs
            if change.decided.instant <= created.instant + max(RACE_ALLOWANCE, created.resolution, _doubt(change))
        ]
        change = next((one for one in reversed(before) if room[one.number] > 0), None)
        if change is not None:
            room[change.number] -= 1
        origin = Origin.SCALE_OUT if change else Origin.REPLACEMENT if before else Origin.INITIAL
        used = dict(start.used) if change is None else {**start.used, Milestone.DECIDED: change.decided}
        seen = start.seen if change is None else (change.decided, *start.seen)
        result.append(replace(start, seen=seen, used=used, change=change, origin=origin))
    return result


def _doubt(change: Change) -> Nanoseconds:
    """How much earlier than its instant a decision may have been that fell into a watch gap."""
    return change.decided.resolution if change.window is not None else 0


def cold_start(start: Start, evidence: Evidence) -> ColdStart:
    """The report's view of one start."""
    pull = image_pull(start.pod, evidence)
    return ColdStart(
        pod=start.pod.name, node=text_at(start.pod.last.object, "spec", "nodeName"), origin=start.origin,
        scale_event=start.change.number if start.change else None,
        image=_image(pull),
        instants=tuple(
            PodInstant(one.name, evidence.stamp(one.instant, one.source, one.resolution),
                       start.used.get(one.name) == one)
            for one in sorted(start.seen, key=lambda one: (ORDER.get(one.name, 99), one.source.value, one.instant))
        ),
        phases=phases(start.used, start.marks, evidence),
        cold_start=between(start, Milestone.CREATED, Milestone.READY, evidence),
        scale_out=between(start, Milestone.DECIDED, Milestone.READY, evidence) if start.change else None,
        first_token=between(start, Milestone.READY, Milestone.FIRST_SERVED, evidence),
        scraped=scraped_start(start.pod.name, start.used, start.process, evidence),
        start_class=classify(Traces(start.used, start.marks, start.lines, pull, start.process, start.pod.last.object)),
    )


def _image(pull: ImagePull | None) -> str | None:
    if pull is None:
        return None
    return f"pulled in {pull.took}" if pull.took else "already present" if pull.was_present else pull.message


def between(start: Start, first: Milestone, last: Milestone, evidence: Evidence) -> Duration:
    """The time between two instants of one Pod, or why there is none."""
    begin, end = start.used.get(first), start.used.get(last)
    if begin is None:
        return Duration(reason=f"'{first}' was not seen")
    if end is None:
        return _unfinished(start, begin, last, evidence)
    return Duration(
        milliseconds=to_milliseconds(end.instant - begin.instant),
        plus_minus_milliseconds=(begin.resolution + end.resolution) / MILLISECOND,
        note=gap_note(begin, end),
    )


def gap_note(*ends: Seen) -> str | None:
    """Why a duration is less exact than its sources: an end of it fell into a watch gap."""
    notes = (f"'{one.name}' fell into a watch gap: {gap_words(one.gap)}" for one in ends if one.gap is not None)
    return "; ".join(notes) or None


def _unfinished(start: Start, begin: Seen, last: Milestone, evidence: Evidence) -> Duration:
    """A lower bound, not a number: it took at least as long as the Pod existed without it."""
    gone = start.pod.last.sighting is Sighting.DELETED
    end = start.pod.last.received if gone else evidence.last_seen or begin.instant
    reason = f"the Pod was gone before '{last}'" if gone else f"'{last}' was not seen before the record ended"
    return Duration(at_least_milliseconds=to_milliseconds(max(0, end - begin.instant)), reason=reason)

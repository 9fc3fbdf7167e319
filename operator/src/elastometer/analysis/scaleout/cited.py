"""The rows of the record that show an instant: what a reader looks up to check a bar."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.pods import Seen, condition, events_about_server, server_statuses
from elastometer.analysis.evidence.scaling import Change, metric_lines
from elastometer.analysis.starts.coldstart import Start
from elastometer.model.bundle import SeriesName
from elastometer.model.document import Document, instant_at, text_at, whole_at
from elastometer.model.measurements import Source
from elastometer.model.milestones import Milestone
from elastometer.model.observation import ObjectSeen
from elastometer.model.scaleout_waterfall import Reference
from elastometer.model.units import MILLISECOND, SECOND, Instant, format_instant, from_unix_seconds

TEXT_LENGTH = 160
# The autoscaler writes its status at the end of the sync that decided.
AFTER_SYNC = 2 * SECOND
_CONDITIONS: Mapping[Milestone, str] = {
    Milestone.SCHEDULED: "PodScheduled", Milestone.SANDBOX: "PodReadyToStartContainers", Milestone.READY: "Ready"}
_EVENTS: Mapping[Milestone, str] = {Milestone.PULLED: "Pulled", Milestone.STARTED: "Started"}


def of_start(seen: Seen, start: Start, evidence: Evidence) -> Iterator[Reference]:
    """The rows that show an instant of a Pod, by the source that it was taken from."""
    match seen.source:
        case Source.LOG:
            yield from _log(seen, start)
        case Source.REQUEST:
            yield from _request(start, evidence)
        case Source.PROMETHEUS:
            yield from _process(start, evidence)
        case Source.EVENT:
            yield from _event(seen, start, evidence)
        case _ if seen.name is Milestone.PULLED:
            yield from _event(seen, start, evidence)
        case _ if seen.name is Milestone.IN_ENDPOINTS:
            line = evidence.first_listing.get(start.pod.name)
            if line is not None:
                yield of_line(line, f"lists {start.pod.name} as ready")
        case _:
            yield from _pod(seen, start)


def of_line(line: ObjectSeen, text: str) -> Reference:
    """A watch line, found by its receipt."""
    return Reference("observations", line.kind.value, line.name, "receivedTime", format_instant(line.received, 6),
                     _short(f"{line.sighting.value}: {text}"))


def of_change(change: Change) -> Iterator[Reference]:
    """The line that shows the new size, with its writer."""
    by = f", by {change.writer}" if change.writer else ""
    why = f"; {change.reason}" if change.reason else ""
    yield of_line(change.seen, f"spec.replicas {change.before} → {change.after}{by}{why}")


def of_sync(since: Instant, until: Instant, evidence: Evidence) -> Iterator[Reference]:
    """The autoscaler's status after the last sync of an interval."""
    lines = [line for line in evidence.autoscalers if since <= line.received <= until + AFTER_SYNC]
    for line in lines[-1:]:
        limits = ", ".join(f"{kind} {condition(line.object, kind).get('reason')}"
                           for kind in ("AbleToScale", "ScalingLimited") if condition(line.object, kind))
        desired = whole_at(line.object, "status", "desiredReplicas")
        yield of_line(line, f"desiredReplicas {desired}; {'; '.join(metric_lines(line))}; {limits}")


def of_metric(until: Instant, evidence: Evidence) -> Iterator[Reference]:
    """The newest samples of the servers' queue and batch at an instant, summed over the replicas."""
    for name in (SeriesName.WAITING, SeriesName.RUNNING):
        result = evidence.samples(name)
        times = [time for one in (result.series if result else ()) for time, _ in one.samples if time <= until]
        if result is not None and times:
            latest = max(times)
            values = [value for one in result.series for time, value in one.samples if time == latest]
            text = f"{name.value} {sum(values):g}, the sum of {len(values)} series"
            yield Reference("series", name.value, "all replicas", "time", format_instant(latest, 3), text)


def of_arrival(at: Instant, text: str, evidence: Evidence) -> Iterator[Reference]:
    """The first request at or after an instant."""
    row = evidence.table.select("id", "worker", "intended").filter(pl.col("intended") >= at).head(1)
    for number, worker, intended in row.iter_rows():
        yield Reference("requests", "Request", f"worker {worker}, id {number}", "intendedTime",
                        format_instant(intended, 6), _short(text))


def _log(seen: Seen, start: Start) -> Iterator[Reference]:
    """The line at that time; for what only a duration shows, the first line after it."""
    line = next((one for one in start.lines if one.time >= seen.instant), None)
    if line is not None and line.time - seen.instant < 3600 * SECOND:
        said = "" if line.time == seen.instant else "(a duration in it shows the instant) "
        yield Reference("observations", "Log", line.pod, "time", format_instant(line.time, 9), _short(said + line.line))


def _request(start: Start, evidence: Evidence) -> Iterator[Reference]:
    row = evidence.table.select("id", "worker", "first_token", "intended", "stage", "pod") \
        .filter((pl.col("pod") == start.pod.name) & pl.col("first_token").is_not_null()) \
        .sort("first_token", maintain_order=True).head(1).drop("pod")
    for number, worker, token, intended, stage in row.iter_rows():
        text = f"first token {(token - intended) / MILLISECOND:.0f} ms after it was due, stage {stage}"
        yield Reference("requests", "Request", f"worker {worker}, id {number}", "firstTokenTime",
                        format_instant(token, 6), _short(text))


def _process(start: Start, evidence: Evidence) -> Iterator[Reference]:
    for one in evidence.samples_of(SeriesName.PROCESS_START, start.pod.name):
        for time, value in one.samples[:1]:
            text = f"the process began at {format_instant(from_unix_seconds(value), 2)}"
            yield Reference("series", SeriesName.PROCESS_START.value, start.pod.name, "time",
                            format_instant(time, 3), text)


def _event(seen: Seen, start: Start, evidence: Evidence) -> Iterator[Reference]:
    reason = _EVENTS.get(seen.name, "")
    event = next(events_about_server(start.pod, evidence, reason), None)
    if event is not None:
        yield of_line(event, f"{reason}: {text_at(event.object, 'message') or ''}")


def _pod(seen: Seen, start: Start) -> Iterator[Reference]:
    """The first line that shows it."""
    shows = _SHOWS.get(seen.name)
    if shows is not None:
        for line in start.pod.sightings:
            if (text := shows(line.object)) is not None:
                yield of_line(line, text)
                return


def _condition(name: Milestone) -> Callable[[Document], str | None]:
    kind = _CONDITIONS[name]

    def shown(pod: Document) -> str | None:
        found = condition(pod, kind)
        return f"{kind} True since {text_at(found, 'lastTransitionTime') or 'a time that it does not state'}" \
            if found.get("status") == "True" else None
    return shown


def _container(pod: Document) -> str | None:
    for status in server_statuses(pod):
        if instant_at(status, "state", "running", "startedAt") is not None:
            return (f"container started at {text_at(status, 'state', 'running', 'startedAt')}, "
                    f"{whole_at(status, 'restartCount') or 0} restarts")
    return None


_SHOWS: Mapping[Milestone, Callable[[Document], str | None]] = {
    Milestone.CREATED: lambda pod: f"created at {text_at(pod, 'metadata', 'creationTimestamp') or 'an unstated time'}",
    Milestone.STARTED: _container, Milestone.RESTARTED: _container,
    **{name: _condition(name) for name in _CONDITIONS},
}


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= TEXT_LENGTH else one_line[:TEXT_LENGTH - 1] + "…"

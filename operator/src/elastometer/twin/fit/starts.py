"""Cold starts, drains and the durations within them, from the Pods' recorded milestones."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.starts.coldstart import Start
from elastometer.analysis.starts.scalein import scale_ins
from elastometer.model.capacity import Fitted
from elastometer.model.document import Document, document_at, spec_of, whole_at
from elastometer.model.errors import SpecError
from elastometer.model.measurements import Origin
from elastometer.model.milestones import Milestone
from elastometer.model.observation import Sighting
from elastometer.model.server_flags import SHUTDOWN_TIMEOUT, container_overlay, flags_of_test
from elastometer.model.units import SECOND
from elastometer.twin.reading.hooks import hook_seconds

# Without --shutdown-timeout, vLLM aborts the requests in flight at once.
NO_SHUTDOWN_TIMEOUT = 0.0


@dataclass(frozen=True, slots=True)
class ReplicaTimings:
    """Durations in seconds. `recorded` are the cold starts of the run's scale-outs in order of time, `cold_starts` the
    same in ascending order. `process` is from the start of the server process to Ready, `serves` from its first
    metrics to Ready; None if neither the log nor the process shows it."""

    cold_starts: tuple[float, ...]
    recorded: tuple[float, ...]
    pending: float
    process: float | None
    serves: float | None
    drain: float
    grace: float


def fit_replica_timings(run: DerivedRun) -> tuple[ReplicaTimings, list[Fitted], list[str]]:
    """The timings with their sources and notes. Raises SpecError if no start of a replica was seen from its beginning.

    Scale-outs are preferred, since only they show the time from the change of spec.replicas to serving."""
    evidence, every = run.evidence, run.starts
    added = [start for start in every if start.origin == Origin.SCALE_OUT]
    first = [start for start in every
             if Milestone.CREATED in start.used and start.pod.sightings[0].sighting is Sighting.ADDED]
    chosen = added or first
    measured = [(_length(start, evidence), Milestone.READY in start.used) for start in chosen]
    if not measured:
        raise SpecError("coldStarts: at least one must have been seen from the creation of its Pod on, none was. "
                        "Record a run from before its first replica, or one that adds a replica")
    recorded = tuple(length for length, _ in measured)
    whose = "scale-outs: from spec.replicas to serving" if added else "the first replicas: from creation to serving"
    notes = [f"{sum(not done for _, done in measured)} of {len(measured)} added replicas never became Ready; their "
             "cold starts are assumed to last as long as they existed"] if not all(done for _, done in measured) else []
    drain, about_drain = _drain(run)
    grace = grace_seconds(evidence.spec)
    since = Milestone.DECIDED if added else Milestone.CREATED
    timings = ReplicaTimings(
        tuple(sorted(recorded)), recorded if added else (),
        _median([_between(start, since, Milestone.STARTED) for start in chosen]) or 0.0,
        _median([_between(start, Milestone.PROCESS_STARTED, Milestone.READY) for start in every]),
        _median([_between(start, Milestone.HTTP_UP, Milestone.READY) for start in every]), drain, grace,
    )
    middle = median(recorded)
    spread = 100 * median(abs(length - middle) for length in recorded) / middle if middle else 0.0
    return timings, [
        Fitted("cold start", middle, "s", whose, round(spread, 2), len(recorded)),
        Fitted("pending", timings.pending, "s", "from spec.replicas to the container's start"),
        about_drain,
        Fitted("grace", grace, "s", "preStop sleep + --shutdown-timeout, at most the termination grace period"),
    ], notes


def _length(start: Start, evidence: Evidence) -> float:
    """Seconds until the Pod is in the endpoints; for a Pod that was never Ready, as long as it was seen."""
    begin = start.used.get(Milestone.DECIDED) or start.used[Milestone.CREATED]
    end = start.used.get(Milestone.IN_ENDPOINTS) or start.used.get(Milestone.READY)
    if end is not None:
        return (end.instant - begin.instant) / SECOND
    gone = start.pod.last.sighting is Sighting.DELETED
    last = start.pod.last.received if gone else evidence.last_seen or begin.instant
    return max(0.0, (last - begin.instant) / SECOND)


def _between(start: Start, first: Milestone, last: Milestone) -> float | None:
    begin, end = start.used.get(first), start.used.get(last)
    return None if begin is None or end is None else (end.instant - begin.instant) / SECOND


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _drain(run: DerivedRun) -> tuple[float, Fitted]:
    drains = [scale_in.drain.milliseconds / 1000 for scale_in in scale_ins(run.evidence, run.changes)
              if scale_in.drain.milliseconds is not None]
    # The shortest: longer drains contain the requests that were running, which the twin simulates itself.
    if drains:
        return min(drains), Fitted("drain", min(drains), "s", "the shortest of the run's scale-ins", None, len(drains))
    stated = _pre_stop(run.evidence.spec)
    return stated, Fitted("drain", stated, "s", "the preStop sleep: no scale-in was seen")


def _target(spec: Document) -> Document:
    return document_at(spec_of(spec), "target")


def _pre_stop(spec: Document) -> float:
    _, container = container_overlay(_target(spec))
    return hook_seconds(container) or 0.0


def grace_seconds(spec: Document) -> float:
    """How long a deleted replica of this test, or of this spec, may take to finish its requests."""
    stated = flags_of_test(spec).number(SHUTDOWN_TIMEOUT)
    wanted = _pre_stop(spec) + (NO_SHUTDOWN_TIMEOUT if stated is None else stated)
    server = document_at(_target(spec), "server")
    overlaid = whole_at(server, "podTemplate", "spec", "terminationGracePeriodSeconds")
    return min(wanted, float(overlaid or whole_at(server, "terminationGracePeriodSeconds") or 30))

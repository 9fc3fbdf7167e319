"""How many replicas were desired, ordered, created, Ready and serving, as steps on one clock."""
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

from elastometer.analysis.evidence.evidence import Evidence, PodHistory
from elastometer.analysis.evidence.pods import is_ready
from elastometer.analysis.evidence.steps import Steps
from elastometer.model.document import text_at, whole_at
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.units import Instant

Span: TypeAlias = tuple[Instant, Instant]


@dataclass(frozen=True, slots=True)
class ReplicaCurves:
    """Steps in seconds from the start of the load, each at the receipt of the line that shows it.

    `desired` is status.desiredReplicas of the autoscaler, `ordered` spec.replicas of the scale target; the others count
    server Pods: those that exist, those that are Ready and not being deleted, those that hold their resources (bound to
    a node and not yet gone), and those that an EndpointSlice lists as ready.

    `ready_spans` has, by the name of each Pod, the times (from, to) in which it was Ready and not being deleted, up to
    the end of the record. A time in which no Pod was watched is left out of them: nothing is known of it. `ready_moves`
    has, for each Pod of the evidence, the receipts at which it became Ready (1) and ceased to be (-1), in turns.
    """

    desired: Steps
    ordered: Steps
    created: Steps
    ready: Steps
    held: Steps
    serving: Steps
    ready_spans: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    ready_moves: Sequence[Sequence[tuple[Instant, int]]] = ()


def replica_curves(evidence: Evidence) -> ReplicaCurves:
    """All curves of a run. A curve of which nothing was seen has no steps."""
    ready = [list(_moves(pod, lambda seen: is_ready(seen.object))) for pod in evidence.pods]
    return ReplicaCurves(
        desired=_values(
            evidence, evidence.autoscalers, lambda seen: whole_at(seen.object, "status", "desiredReplicas")),
        ordered=_values(evidence, evidence.deployments, lambda seen: whole_at(seen.object, "spec", "replicas")),
        created=_counts(evidence, (_moves(pod, lambda _: True) for pod in evidence.pods)),
        ready=_counts(evidence, ready),
        held=_counts(evidence, (_moves(pod, lambda seen: text_at(seen.object, "spec", "nodeName") is not None)
                                for pod in evidence.pods)),
        serving=_serving(evidence), ready_spans=_ready_spans(evidence, ready), ready_moves=ready,
    )


def _serving(evidence: Evidence) -> Steps:
    """Deleted slices list nobody; a Pod that several slices list counts once. Only what a line changes is counted,
    so that the work grows with the lines and not with the Pods that other slices list meanwhile."""
    current: dict[str, frozenset[str]] = {}
    listing: Counter[str] = Counter()
    points: list[tuple[float, float]] = []
    known, serving = {pod.name for pod in evidence.pods}, 0
    for seen, listed in zip(evidence.slices, evidence.listed, strict=True):
        before, now = current.get(seen.name, frozenset()), listed & known
        current[seen.name] = now
        for name in now - before:
            listing[name] += 1
            serving += listing[name] == 1
        for name in before - now:
            listing[name] -= 1
            serving -= listing[name] == 0
        points.append((evidence.seconds(seen.received), float(serving)))
    return Steps.of(points)


def _values(
    evidence: Evidence, sightings: Iterable[ObjectSeen], value: Callable[[ObjectSeen], int | None],
) -> Steps:
    alive = (seen for seen in sightings if seen.sighting is not Sighting.DELETED)
    found = ((evidence.seconds(seen.received), value(seen)) for seen in alive)
    return Steps.of((time, float(number)) for time, number in found if number is not None)


def _counts(evidence: Evidence, of_pods: Iterable[Iterable[tuple[Instant, int]]]) -> Steps:
    """A count over all Pods. It starts at 0 with the first line of any object that was watched."""
    moves: dict[Instant, int] = defaultdict(int)
    for instant, move in chain.from_iterable(of_pods):
        moves[instant] += move
    total = 0
    points: list[tuple[float, float]] = []
    # Before the watches began there is no count; from then on a Pod that was not seen did not exist, unless the record
    # does not say which Pods are the server's.
    starts = [seen.received for seen in (*evidence.deployments, *evidence.autoscalers)[:1]
              if evidence.terms.test or evidence.pods]
    if starts and (not moves or starts[0] < min(moves)):
        points.append((evidence.seconds(starts[0]), 0.0))
    for instant in sorted(moves):
        total += moves[instant]
        points.append((evidence.seconds(instant), float(total)))
    return Steps.of(points)


def _moves(pod: PodHistory, counted: Callable[[ObjectSeen], bool]) -> Iterator[tuple[Instant, int]]:
    before = False
    for seen in pod.sightings:
        now = seen.sighting is not Sighting.DELETED and counted(seen)
        if now != before:
            yield seen.received, 1 if now else -1
        before = now


def _ready_spans(evidence: Evidence, moves: Sequence[Sequence[tuple[Instant, int]]]) -> dict[str, list[Span]]:
    end, found = evidence.last_seen or evidence.origin, defaultdict[str, list[Span]](list)
    gaps = [(gap.start, gap.end) for gap in evidence.gaps if gap.resource in ("*", "pods")]
    for pod, of_pod in zip(evidence.pods, moves, strict=True):
        edges = [instant for instant, _ in of_pod] + [end] * (len(of_pod) % 2)
        found[pod.name] += _without(zip(edges[::2], edges[1::2], strict=True), gaps)
    return found


def _without(spans: Iterable[Span], gaps: Iterable[Span]) -> list[Span]:
    left = list(spans)
    for start, end in gaps:
        parts = [part for low, high in left for part in ((low, min(high, start)), (max(low, end), high))]
        left = [(low, high) for low, high in parts if low < high]
    return left

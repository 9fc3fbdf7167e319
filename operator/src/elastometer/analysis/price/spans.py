"""What state each server Pod was in, and when: from its creation until it is gone, without a hole or an overlap."""
from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from elastometer.analysis.evidence.evidence import Evidence, PodHistory, is_state_only
from elastometer.analysis.evidence.pods import is_ready
from elastometer.analysis.price.whole import Stretch, joined, milliseconds, overlap
from elastometer.model.document import Document, instant_at, text_at
from elastometer.model.observation import Sighting
from elastometer.model.price import Part

# A Pod that has ended keeps its object, but its node has taken its resources back.
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Span:
    """A Pod in one state. Each state lasts from the receipt of the line that shows it to that of the next one."""

    pod: str
    uid: str
    part: Part
    start: int
    end: int

    @property
    def stretch(self) -> Stretch:
        """From and to, in milliseconds."""
        return self.start, self.end


def part_of(pod: Document) -> Part | None:
    """The state of a Pod as its object shows it; None if it has ended."""
    if text_at(pod, "status", "phase") in _ENDED:
        return None
    if not _is_on_node(pod):
        return Part.PENDING
    if text_at(pod, "metadata", "deletionTimestamp") is not None:
        return Part.DRAINING
    return Part.READY if is_ready(pod) else Part.STARTING


def _is_on_node(pod: Document) -> bool:
    """Whether a node has taken the Pod: by its name, or by what only a node's kubelet reports, where the record of the
    object lacks the name."""
    return text_at(pod, "spec", "nodeName") is not None or text_at(pod, "status", "startTime") is not None \
        or is_ready(pod)


def spans(evidence: Evidence, end: int) -> tuple[Span, ...]:
    """Of all Pods up to `end`. A Pod that was not seen to go is there until then."""
    return tuple(span for pod in evidence.pods for span in _spans_of(pod, evidence, end))


def _spans_of(pod: PodHistory, evidence: Evidence, end: int) -> Iterator[Span]:
    begun: int | None = None
    before: Part | None = None
    for at, part in _states(pod, evidence):
        if part is before:
            continue
        if before is not None and begun is not None and at > begun:
            yield Span(pod.name, pod.uid, before, begun, at)
        begun, before = at, part
    if before is not None and begun is not None and end > begun:
        yield Span(pod.name, pod.uid, before, begun, end)


def _states(pod: PodHistory, evidence: Evidence) -> Iterator[tuple[int, Part | None]]:
    for seen in pod.sightings:
        part = None if seen.sighting is Sighting.DELETED else part_of(seen.object)
        yield milliseconds(evidence.seconds(seen.received)), part


def unwatched(evidence: Evidence, start: int, end: int) -> int:
    """Replica-milliseconds within watch gaps across which the state of a Pod changed, or in which it was created: what
    was first seen after a gap is dated with its end, and may have happened at any time within it."""
    gaps = sorted((milliseconds(evidence.seconds(gap.start)), milliseconds(evidence.seconds(gap.end)))
                  for gap in evidence.gaps if gap.resource in ("*", "pods"))
    if not gaps:
        return 0
    unwatched = joined(gaps)
    return sum(_within(unwatched, before, after, start, end) for pod in evidence.pods
               for before, after in _changes(pod, evidence))


def _changes(pod: PodHistory, evidence: Evidence) -> Iterator[Stretch]:
    """(last line in one state, first line in the next); of a Pod that a list showed first, from its creation."""
    first = pod.sightings[0]
    created = instant_at(first.object, "metadata", "creationTimestamp")
    if is_state_only(first) and created is not None:
        yield milliseconds(evidence.seconds(created)), milliseconds(evidence.seconds(first.received))
    for (before, old), (after, new) in pairwise(_states(pod, evidence)):
        if old is not new:
            yield before, after


def _within(gaps: Sequence[Stretch], before: int, after: int, start: int, end: int) -> int:
    """How much of the time between two lines lies in the gap that the second one is dated with; the watch shows what
    happens outside of a gap."""
    place = bisect_left(gaps, after, key=lambda gap: gap[0]) - 1
    if place < 0 or gaps[place][1] < after:
        return 0
    return overlap((max(before, gaps[place][0]), after), start, end)

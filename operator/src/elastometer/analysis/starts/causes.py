"""Bounds that a cause sets for its effect: they narrow the instants of a Pod that fell into a watch gap.

A server answers HTTP before its Pod is Ready, and a Pod is Ready before it is in an EndpointSlice and serves a request.
The stamps of logs and requests are of other clocks, so each bound is loosened by a second: as finely as the API's own
times, no two clocks of a run are compared.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from elastometer.analysis.evidence.evidence import API_RESOLUTION, PodHistory, is_state_only
from elastometer.analysis.evidence.gaps import Window
from elastometer.analysis.evidence.pods import Seen, bounded
from elastometer.model.measurements import Source
from elastometer.model.milestones import Milestone
from elastometer.model.units import Instant

# What is narrowed, with its causes and its effects.
_AROUND = {
    Milestone.READY: ((Milestone.HTTP_UP,), (Milestone.FIRST_SERVED,)),
    Milestone.IN_ENDPOINTS: ((Milestone.HTTP_UP, Milestone.READY), (Milestone.FIRST_SERVED,)),
}


def narrowed(seen: Sequence[Seen]) -> list[Seen]:
    """The instants, those that fell into a gap within the bounds that their causes and effects leave."""
    return [_narrow(one, seen) if one.gap is not None and one.name in _AROUND else one for one in seen]


def _narrow(one: Seen, seen: Sequence[Seen]) -> Seen:
    if one.source is Source.API and one.latest - one.earliest <= API_RESOLUTION:
        return one  # its own second is known, by the clock that decides
    before, after = _AROUND[one.name]
    lowest = max((other.earliest - API_RESOLUTION for other in _of(before, seen)), default=one.earliest)
    highest = min((other.latest + API_RESOLUTION for other in _of(after, seen)), default=one.latest)
    return _between(one, max(one.earliest, lowest), min(one.latest, highest))


def ready_by_effect(pod: PodHistory, seen: Sequence[Seen]) -> list[Seen]:
    """When a Pod was Ready that no line shows to be so, although it served: after the last line that shows it not to
    be, and before its first token."""
    served = next(iter(_of([Milestone.FIRST_SERVED], seen)), None)
    if served is None or _of([Milestone.READY], seen):
        return []
    before = [line.received for line in pod.sightings if line.received <= served.instant and not is_state_only(line)]
    before += [one.earliest for one in _of([Milestone.HTTP_UP], seen)]
    earliest = max((one - API_RESOLUTION for one in before), default=None)
    return bounded(Milestone.READY, Window(earliest, served.latest + API_RESOLUTION), Source.REQUEST)


def _of(names: Iterable[Milestone], seen: Sequence[Seen]) -> list[Seen]:
    return [one for one in seen if one.name in names]


def _between(one: Seen, earliest: Instant, latest: Instant) -> Seen:
    """Unchanged where the bounds contradict each other: then a clock was set."""
    half = (latest - earliest + 1) // 2
    return one if half < 0 else replace(one, instant=earliest + half, resolution=half)

"""From instants to bars: each bar is a row of (name, from, to), and what no source explains becomes a separate bar.

The phases and their labels are the table CHAIN in model/milestones.py; a new one needs no change here. The instants of
the server's log come in the order of their times, some of them several times; all others in the order of the table.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.pods import Seen
from elastometer.analysis.starts.enginemark import ORDER, EngineMark
from elastometer.model.measurements import UNATTRIBUTED, Phase, Source
from elastometer.model.milestones import CHAIN, Link, Milestone
from elastometer.model.units import MILLISECOND, Instant, to_milliseconds

_AFTER_LOG = ORDER[Milestone.READY]


def phases(used: Mapping[Milestone, Seen], marks: Sequence[EngineMark], evidence: Evidence) -> tuple[Phase, ...]:
    """The bars between neighbouring instants. `marks` are those of the server's own log."""
    return tuple(phase_of(bar, evidence) for bar in bars(used, marks))


def bars(used: Mapping[Milestone, Seen], marks: Sequence[EngineMark]) -> list[Bar]:
    """The same before they are put into words; each begins where the one before it ends."""
    points = _points(used, marks)
    moments = _causal([point.seen for point in points])
    found = [
        _bar(before, after, since, until)
        for before, after, since, until in zip(points, points[1:], moments, moments[1:], strict=False)
    ]
    known = frozenset(point.seen.name for point in points)
    return [replace(bar, known=known) for bar in _joined(found)]


@dataclass(frozen=True, slots=True)
class _Point:
    seen: Seen
    model: str | None = None

    @property
    def link(self) -> Link:
        return CHAIN[ORDER[self.seen.name]]


@dataclass(frozen=True, slots=True)
class Bar:
    """From `since` to `until`; `start` and `end` are the instants as their sources had them. `known` are all milestones
    of the start that were seen."""

    first: Link
    last: Link
    model: str | None
    start: Seen
    end: Seen
    since: Instant
    until: Instant
    known: frozenset[Milestone] = frozenset()


def _points(used: Mapping[Milestone, Seen], marks: Sequence[EngineMark]) -> list[_Point]:
    logged = {mark.milestone for mark in marks}
    rest = [_Point(used[link.name]) for link in CHAIN if link.name in used and link.name not in logged]
    before = [point for point in rest if ORDER[point.seen.name] < _AFTER_LOG]
    after = [point for point in rest if ORDER[point.seen.name] >= _AFTER_LOG]
    own = [_Point(Seen(mark.milestone, mark.instant, Source.LOG, mark.resolution), mark.model) for mark in marks]
    return before + own + after


def _causal(chain: Sequence[Seen]) -> list[Instant]:
    """The instants, moved as far as needed for no cause to be later than its effect.

    A receipt means "at the latest": one that came after its successor is moved back to it. A whole second of the API
    means "at the earliest": it is moved forward to its predecessor, but never out of its second. What fell into a watch
    gap is the middle of its bounds, and is moved within them.
    """
    # Backwards first for the upper bounds, then forwards: each instant is the earliest that its bounds allow.
    latest = [one.latest if _is_within(one) else one.instant for one in chain]
    for index in range(len(latest) - 2, -1, -1):
        latest[index] = min(latest[index], latest[index + 1])
    moments: list[Instant] = []
    for one, bound in zip(chain, latest, strict=True):
        earliest = max(one.instant, *moments[-1:]) if moments else one.instant
        moments.append(min(earliest, bound) if _is_within(one) else bound)
    return moments


def _is_within(one: Seen) -> bool:
    """Whether the instant may be later than its stamp: by a whole second of the API, or by half of a watch gap."""
    return one.source is Source.API or one.gap is not None


def _bar(before: _Point, after: _Point, since: Instant, until: Instant) -> Bar:
    return Bar(before.link, after.link, after.model, before.seen, after.seen, since, until)


def _joined(bars: Sequence[Bar]) -> Iterator[Bar]:
    """Neighbouring bars of one phase as one bar; without what the log passed in no time."""
    last: Bar | None = None
    for bar in bars:
        if bar.since == bar.until and bar.start.source is bar.end.source is Source.LOG:
            continue
        if last is not None and (last.last.phase, last.model) == (bar.last.phase, bar.model):
            last = replace(last, last=bar.last, end=bar.end, until=bar.until)
            continue
        if last is not None:
            yield last
        last = bar
    if last is not None:
        yield last


def phase_of(bar: Bar, evidence: Evidence) -> Phase:
    """The bar with its label, its ± and what is missing within it."""
    between = CHAIN[CHAIN.index(bar.first) + 1:CHAIN.index(bar.last)]
    missing = [step.label for step in between if step.expected and step.name not in bar.known]
    name, label, note = bar.last.phase, bar.last.label, _late(bar)
    if missing and _only_waited(bar):
        note, missing = f"it begins with the API routes, since no source showed: {', '.join(missing)}", []
    elif missing:
        name = label = UNATTRIBUTED
        note = f"no source showed: {', '.join(missing)}"
    sources = [bar.start.source.value, bar.end.source.value]
    return Phase(
        name=name, label=label, start_seconds=evidence.seconds(bar.since),
        milliseconds=to_milliseconds(bar.until - bar.since), plus_minus_milliseconds=_uncertainty(bar),
        source=" to ".join(dict.fromkeys(sources)), note=note, model=None if missing else bar.model,
    )


def _only_waited(bar: Bar) -> bool:
    """A server whose HTTP library does not log answers a moment after its routes are ready; the rest is the probe's."""
    return bar.first.name is Milestone.ROUTES_READY and bar.last.name is Milestone.READY


def _late(bar: Bar) -> str | None:
    late = bar.end.instant - bar.until
    if late <= bar.end.resolution:
        return None
    return f"its end was seen {to_milliseconds(late):.0f} ms after the milestone that follows it"


def _uncertainty(bar: Bar) -> float:
    """Both resolutions; an end that was seen late may lie anywhere within its bar."""
    coarse = (bar.start.resolution + bar.end.resolution) / MILLISECOND
    return coarse if _late(bar) is None else max(coarse, to_milliseconds(bar.until - bar.since))

"""From instants to bars: each bar is a row of (name, from, to), and what no source explains becomes a separate bar.

The phases and their labels are the table CHAIN in model/milestones.py; a new one needs no change here.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.pods import Seen
from elastometer.model.measurements import UNATTRIBUTED, Phase, Source
from elastometer.model.milestones import CHAIN, Link, Milestone
from elastometer.model.units import MILLISECOND, SECOND, Instant, Nanoseconds, to_milliseconds

# A duration in a log line is rounded, and the line is written a little after the work that it reports.
STATED_ALLOWANCE = SECOND // 4


def phases(
    used: Mapping[Milestone, Seen], stated: Mapping[Milestone, Nanoseconds], evidence: Evidence,
) -> tuple[Phase, ...]:
    """The bars between neighbouring instants that are known. `stated` are durations given by the server's own log."""
    known = [link for link in CHAIN if link.name in used]
    moments = _causal([used[link.name] for link in known])
    bars: list[Phase] = []
    for index in range(1, len(known)):
        before, after = known[index - 1], known[index]
        bar = _Bar(used[before.name], used[after.name], moments[index - 1], moments[index])
        bars += _bars(before, after, bar, stated.get(after.name), evidence)
    return tuple(bars)


@dataclass(frozen=True, slots=True)
class _Bar:
    start: Seen
    end: Seen
    since: Instant
    until: Instant


def _causal(chain: Sequence[Seen]) -> list[Instant]:
    """The instants, moved as far as needed for no cause to be later than its effect.

    A receipt means "at the latest": one that came after its successor is moved back to it. A whole second of the API
    means "at the earliest": it is moved forward to its predecessor, but never out of its second.
    """
    # Backwards first for the upper bounds, then forwards: each instant is the earliest that its bounds allow.
    latest = [one.instant + (one.resolution if one.source is Source.API else 0) for one in chain]
    for index in range(len(latest) - 2, -1, -1):
        latest[index] = min(latest[index], latest[index + 1])
    moments: list[Instant] = []
    for one, bound in zip(chain, latest, strict=True):
        earliest = max(one.instant, *moments[-1:]) if moments else one.instant
        moments.append(min(earliest, bound) if one.source is Source.API else bound)
    return moments


def _bars(before: Link, after: Link, bar: _Bar, stated: Nanoseconds | None,
          evidence: Evidence) -> list[Phase]:
    length = bar.until - bar.since
    missing = [step.label for step in CHAIN[CHAIN.index(before) + 1:CHAIN.index(after)] if step.expected]
    if missing:
        return [_phase(UNATTRIBUTED, UNATTRIBUTED, bar, evidence, f"no source showed: {', '.join(missing)}")]
    if stated is not None and length - stated > STATED_ALLOWANCE:
        split = bar.until - stated
        note = f"the log states {to_milliseconds(stated) / 1000:.1f} s for {after.label} and does not explain the rest"
        return [
            _phase(UNATTRIBUTED, UNATTRIBUTED, _Bar(bar.start, bar.end, bar.since, split), evidence, note),
            _phase(after.phase, after.label, _Bar(bar.start, bar.end, split, bar.until), evidence, None),
        ]
    return [_phase(after.phase, after.label, bar, evidence, _late(bar))]


def _late(bar: _Bar) -> str | None:
    late = bar.end.instant - bar.until
    if late <= bar.end.resolution:
        return None
    return f"its end was seen {to_milliseconds(late):.0f} ms after the milestone that follows it"


def _uncertainty(bar: _Bar) -> float:
    """Both resolutions; an end that was seen late may lie anywhere within its bar."""
    coarse = (bar.start.resolution + bar.end.resolution) / MILLISECOND
    return coarse if _late(bar) is None else max(coarse, to_milliseconds(bar.until - bar.since))


def _phase(name: str, label: str, bar: _Bar, evidence: Evidence, note: str | None) -> Phase:
    sources = [bar.start.source.value, bar.end.source.value]
    return Phase(
        name=name, label=label, start_seconds=evidence.seconds(bar.since),
        milliseconds=to_milliseconds(bar.until - bar.since), plus_minus_milliseconds=_uncertainty(bar),
        source=" to ".join(dict.fromkeys(sources)), note=note,
    )

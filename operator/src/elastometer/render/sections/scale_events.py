"""The scale events: every one, or of many those that stand out."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elastometer.model.measurements import Direction, ScaleEvent
from elastometer.render.many import MANY, SHOWN, SPREAD_HEAD, Search, spread, spread_cells, standing_out
from elastometer.render.wording import numbers
from elastometer.render.wording.tables import code, prose, section

_HEAD = ("#", "Replicas", "Seen", "API", "By", "Why", "Metrics", "Lag to Ready")


@dataclass(frozen=True, slots=True)
class Events:
    """`shown` are the events to list. Where they are not all, `sentence` says what they are and `search` has all."""

    shown: tuple[ScaleEvent, ...]
    sentence: str = ""
    spread: tuple[str, ...] = ()
    search: Search | None = None


def events_shown(events: Sequence[ScaleEvent]) -> Events:
    """Of many, those with the longest lags, with no end or with a doubt, and the largest scale-ins, in order."""
    if len(events) <= MANY:
        return Events(tuple(events))
    outs = [one for one in events if one.direction is Direction.OUT]
    kinds = standing_out(outs, lambda one: one.lag, "never all Ready")
    ins = sorted((one for one in events if one.direction is not Direction.OUT), key=_size)[:SHOWN]
    numbers_shown = {outs[at].number for kind in kinds for at in kind.at} | {one.number for one in ins}
    lag = spread("whole", "Lag to Ready", [one.lag.milliseconds for one in outs if one.lag is not None])
    return Events(
        tuple(one for one in events if one.number in numbers_shown), _sentence(events, len(outs), len(numbers_shown)),
        () if lag is None else tuple(spread_cells(lag)), _search(events))


def _size(one: ScaleEvent) -> tuple[int, int]:
    return one.to_replicas - one.from_replicas, one.number


def _sentence(events: Sequence[ScaleEvent], outs: int, shown: int) -> str:
    return (f"{len(events):,} scale events: {outs:,} out, {len(events) - outs:,} in. Listed are {shown}: the "
            "scale-outs with the longest lags, those that ended in doubt or not at all, and the largest scale-ins.")


def _search(events: Sequence[ScaleEvent]) -> Search:
    return Search("events", "scale events", _HEAD, tuple(
        (str(one.number), f"{one.from_replicas} → {one.to_replicas}", numbers.instant(one.seen.seconds),
         one.written.time[11:19] if one.written else numbers.DASH, one.writer or numbers.DASH,
         one.reason or numbers.DASH, "; ".join(map(numbers.metric, one.metrics)) or numbers.DASH,
         numbers.figure(one.lag)) for one in events))


def markdown(events: Sequence[ScaleEvent]) -> Iterator[str]:
    """The section."""
    found = events_shown(events)
    yield from section("Scale events", _HEAD, (
        [str(one.number), f"{one.from_replicas} → {one.to_replicas}", numbers.stamp(one.seen),
         one.written.time if one.written else numbers.DASH, code(one.writer or numbers.DASH),
         code(one.reason or numbers.DASH), code("; ".join(map(numbers.metric, one.metrics)) or numbers.DASH),
         prose(numbers.figure(one.lag)) + (f"; {prose(one.note)}" if one.note else "")]
        for one in found.shown))
    if found.sentence:
        yield from ("", f"{found.sentence} All are in report.json.")
        yield from section("Scale-out lag", SPREAD_HEAD, [found.spread] if found.spread else [])

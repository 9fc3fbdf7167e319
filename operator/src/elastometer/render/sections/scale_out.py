"""Scale-outs as one waterfall each: the bars on one axis, what was planned, and what the bars were made from."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elastometer.model.scaleout_waterfall import (
    BAR_LABELS,
    RISE,
    ScaleOutBar,
    ScaleOutBegin,
    ScaleOutEnd,
    ScaleOutWaterfall,
    Summand,
)
from elastometer.render.shapes import Bar, fits, ticks
from elastometer.render.wording import numbers
from elastometer.render.wording.tables import code, prose, section

# Of many scale-outs those that took longest are drawn and tabled; report.json has them all.
SHOWN = 8
# The rise of the load may be far longer than what it led to: it is drawn up to this share of the longest total.
RISE_SHARE = 0.2
BEGIN_WORDS = {
    ScaleOutBegin.DEMAND: "demand passed supply", ScaleOutBegin.SIGNAL: "the autoscaler's signal asked for more",
    ScaleOutBegin.DECISION: "the decision",
}
END_WORDS = {
    ScaleOutEnd.STEADY: "its last Pod served at its steady rate", ScaleOutEnd.FIRST_SERVED: "its last Pod first served",
    ScaleOutEnd.IN_ENDPOINTS: "its last Pod was in the EndpointSlice", ScaleOutEnd.READY: "its last Pod was Ready",
    ScaleOutEnd.UNFINISHED: "nothing more was seen of its last Pod",
}
HEAD = ("Scale-out", "From", "At", "Total", "To", "Last Pod", "Note")


@dataclass(frozen=True, slots=True)
class LinkedBar:
    """A bar, and the row of the page that says what it was made from; None for a planned one."""

    bar: Bar
    target: str | None


@dataclass(frozen=True, slots=True)
class Lane:
    """One scale-out on the common axis, or what was planned for all of them."""

    title: str
    caption: str
    total: str
    bars: tuple[LinkedBar, ...]


def scale_out_values(found: Sequence[ScaleOutWaterfall]) -> dict[str, object]:
    """What the section's template needs in addition to the report."""
    shown = slowest(found)
    lead, length = _axis(shown)
    seen = {bar.name for one in shown for bar in (*one.bars, *((one.rise,) if one.rise else ()))
            if bar.milliseconds / 1000 > (lead + length) / 200}
    return {
        "waterfalls": shown,
        "lanes": [*_planned_lane(shown, lead, length), *(_lane(one, lead, length) for one in shown)],
        "axis": [(round(100 * (lead + left * length / 100) / (lead + length), 3), text) for left, text in ticks(length)]
        if length else [],
        "keys": [(name, label) for name, label in BAR_LABELS.items() if name in seen],
    }


def slowest(found: Sequence[ScaleOutWaterfall]) -> list[ScaleOutWaterfall]:
    """All, or of many those that took longest, in order."""
    longest = sorted(found, key=lambda one: (-one.total_milliseconds, one.scale_event))[:SHOWN]
    return sorted(longest, key=lambda one: one.scale_event)


def _axis(shown: Sequence[ScaleOutWaterfall]) -> tuple[float, float]:
    """Seconds before and after the beginning of each."""
    length = max((one.total_milliseconds for one in shown), default=0) / 1000
    rise = max((one.rise.milliseconds for one in shown if one.rise), default=0) / 1000
    return min(rise, RISE_SHARE * length), length


def _lane(one: ScaleOutWaterfall, lead: float, length: float) -> Lane:
    bars = [LinkedBar(_bar(bar, one.start_seconds, lead, length), target(one, number))
            for number, bar in enumerate(one.bars)]
    if one.rise is not None and lead:
        shown = min(lead, one.rise.milliseconds / 1000)
        rise = _shape(one.rise.name, one.rise.label, lead - shown, shown, lead + length, _tip(one.rise))
        bars.insert(0, LinkedBar(rise, f"so-{one.scale_event}"))
    return Lane(title(one), f"{BEGIN_WORDS[one.begin]}, {numbers.instant(one.start_seconds)}",
                numbers.duration(one.total_milliseconds), tuple(bars))


def _planned_lane(shown: Sequence[ScaleOutWaterfall], lead: float, length: float) -> list[Lane]:
    """The longest waits that the plan allows for, one after the other; the same for each scale-out."""
    planned = [(name, value) for name, value in planned_of(shown) if value]
    total = sum(value for _, value in planned) / 1000
    if not planned or not length:
        return []
    bars, at = [], 0.0
    for name, value in planned:
        width = min(value / 1000, max(0.0, length - at))
        tip = f"planned: {BAR_LABELS[name]} up to {numbers.duration(value)}"
        bars.append(LinkedBar(_shape(name, BAR_LABELS[name], lead + at, width, lead + length, tip), None))
        at += value / 1000
    return [Lane("planned", "the longest waits by the settings", numbers.duration(1000 * total), tuple(bars))]


def planned_of(shown: Sequence[ScaleOutWaterfall]) -> list[tuple[str, int]]:
    """(name, milliseconds) of the planned summands, in the order in which they act; one may be planned with 0."""
    found = {one.name: one.planned_milliseconds for waterfall in shown for one in waterfall.summands
             if one.planned_milliseconds is not None}
    return [(name, found[name]) for name in BAR_LABELS if name in found]


def _bar(bar: ScaleOutBar, start: float, lead: float, length: float) -> Bar:
    return _shape(bar.name, bar.label, lead + bar.start_seconds - start, bar.milliseconds / 1000, lead + length,
                  _tip(bar))


def _shape(name: str, label: str, left: float, seconds: float, whole: float, tip: str) -> Bar:
    return Bar(name, label, round(100 * left / whole, 3), round(100 * seconds / whole, 3), fits(label, seconds / whole),
               tip)


def _tip(bar: ScaleOutBar) -> str:
    lines = [f"{bar.label}: {took(bar)}", f"from {numbers.instant(bar.start_seconds)}"]
    lines += [f"source: {bar.source}"] if bar.source else []
    return "\n".join([*lines, bar.note] if bar.note else lines)


def took(bar: ScaleOutBar | Summand) -> str:
    """The time with its ±."""
    if bar.milliseconds is None:
        return "not known"
    return numbers.spread(bar.milliseconds, bar.plus_minus_milliseconds)


def target(one: ScaleOutWaterfall, number: int) -> str:
    """The id of the row of a bar."""
    return f"so-{one.scale_event}-{number}"


def title(one: ScaleOutWaterfall) -> str:
    """#2: 1 → 3."""
    return f"#{one.scale_event}: {one.from_replicas} → {one.to_replicas}"


def felt(one: ScaleOutWaterfall) -> str:
    """The total in words."""
    total = numbers.spread(one.total_milliseconds, one.plus_minus_milliseconds)
    words = f"{total} from when {BEGIN_WORDS[one.begin]} until {END_WORDS[one.end]}"
    if one.begin is ScaleOutBegin.DECISION:
        words = f"{total} from the decision until {END_WORDS[one.end]}"
    reasons = "; ".join(filter(None, (one.begin_reason, one.end_reason)))
    return f"{words} ({reasons})" if reasons else words


def rows_of(one: ScaleOutWaterfall) -> list[tuple[str, ScaleOutBar]]:
    """(id, bar) of every bar."""
    return [(target(one, number), bar) for number, bar in enumerate(one.bars)]


def markdown(found: Sequence[ScaleOutWaterfall]) -> Iterator[str]:
    """A row for each scale-out, then what was planned and seen, summand by summand."""
    shown = slowest(found)
    more = "" if len(shown) == len(found) else f" (the {len(shown)} slowest of {len(found)})"
    yield from section(f"Scale-out{more}", HEAD, (
        [title(one), BEGIN_WORDS[one.begin], numbers.instant(one.start_seconds),
         numbers.spread(one.total_milliseconds, one.plus_minus_milliseconds), END_WORDS[one.end],
         code(one.last_pod) if one.last_pod else numbers.DASH,
         prose("; ".join(filter(None, (one.begin_reason, one.end_reason))))] for one in shown))
    yield from section("Scale-out: planned and seen", ["Summand", "Planned", *(title(one) for one in shown)],
                       summand_rows(shown))


def summand_rows(shown: Sequence[ScaleOutWaterfall]) -> list[list[str]]:
    """The label, what was planned, and what was seen in each; the last row is the total."""
    planned_at_most = dict(planned_of(shown))
    names = [name for name in BAR_LABELS if any(one.name == name for each in shown for one in each.summands)]
    rows = [[BAR_LABELS[name], numbers.duration(planned_at_most.get(name)),
             *(_seen(name, one) for one in shown)] for name in names if name != RISE]
    total = ["total", numbers.DASH, *(numbers.duration(one.total_milliseconds) for one in shown)]
    return [*rows, total] if rows else []


def _seen(name: str, one: ScaleOutWaterfall) -> str:
    mine = next((summand for summand in one.summands if summand.name == name), None)
    return numbers.DASH if mine is None else took(mine)

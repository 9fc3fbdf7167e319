"""Cold starts and scale-outs of a report as trees of spans: one span for each bar that the report draws."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from elastometer.model.measurements import ColdStart, Direction, Duration, Phase, ScaleEvent
from elastometer.model.report import Report
from elastometer.model.scaleout_waterfall import STEADY, ScaleOutBar, ScaleOutWaterfall
from elastometer.model.units import MILLISECOND, SECOND, Instant, parse_instant

Attribute: TypeAlias = str | float | int | bool


class NoOriginError(Exception):
    """The instants of a report are not known, since the record lacks the start of the load."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time with a name; `start` and `end` are instants. What is not known has no attribute."""

    name: str
    start: Instant
    end: Instant
    attributes: Mapping[str, Attribute]
    children: tuple[Span, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace: its root span, and a key that is the same whenever the same run is exported again."""

    key: str
    root: Span


@dataclass(slots=True)
class _Clock:
    """Turns seconds from the start of the load into instants."""

    origin: Instant
    cold_starts: Mapping[int | None, list[ColdStart]] = field(default_factory=dict)

    def at(self, seconds: float) -> Instant:
        return self.origin + round(seconds * SECOND)


def traces(report: Report) -> list[Trace]:
    """One trace for each scale-out and one for each cold start, in the order of the report. Raises NoOriginError."""
    if report.load_start is None:
        raise NoOriginError("start.json: must hold the start of the load for spans to have a time; it is missing")
    by_event: dict[int | None, list[ColdStart]] = {}
    for start in report.cold_starts:
        by_event.setdefault(start.scale_event, []).append(start)
    clock = _Clock(parse_instant(report.load_start), by_event)
    waterfalls = {one.scale_event: one for one in report.scale_outs}
    out = [event for event in report.scale_events if event.direction is Direction.OUT]
    return [
        *(Trace(f"scaleOut/{event.number}", _scale_out(event, waterfalls.get(event.number), clock)) for event in out),
        *(Trace(f"coldStart/{start.pod}", root) for start in report.cold_starts
          if (root := _cold_start(start, clock)) is not None),
    ]


def _scale_out(event: ScaleEvent, waterfall: ScaleOutWaterfall | None, clock: _Clock) -> Span:
    """The bars of its waterfall up to the decision, the starts of its Pods, and the bars that follow them."""
    decided = clock.at(event.seen.seconds)
    outside = [] if waterfall is None else _outside_starts(waterfall, event.seen.seconds)
    bars = [_bar(bar, clock) for bar in outside]
    pods = tuple(root for start in clock.cold_starts.get(event.number, ())
                 if (root := _cold_start(start, clock)) is not None)
    children = (*(bar for bar in bars if bar.start < decided), *pods, *(bar for bar in bars if bar.start >= decided))
    attributes = _known({
        "elastometer.replicas.from": event.from_replicas, "elastometer.replicas.to": event.to_replicas,
        "elastometer.writer": event.writer, "elastometer.reason": event.reason,
        "elastometer.source": event.seen.source.value,
        "elastometer.resolution_ms": event.seen.resolution_milliseconds, "elastometer.note": event.note,
        **_figure("elastometer.lag", event.lag), **_total(waterfall),
    })
    return Span(
        f"scale-out {event.from_replicas} → {event.to_replicas}",
        min((decided, *(child.start for child in children))), max((decided, *(child.end for child in children))),
        attributes, children)


def _outside_starts(waterfall: ScaleOutWaterfall, decided: float) -> list[ScaleOutBar]:
    """The bars that are no part of a Pod's start, which has a span of its own."""
    return [bar for bar in waterfall.bars if bar.start_seconds < decided or bar.name == STEADY]


def _bar(bar: ScaleOutBar, clock: _Clock) -> Span:
    begin = clock.at(bar.start_seconds)
    return Span(bar.label, begin, begin + bar.milliseconds * MILLISECOND, _known({
        "elastometer.bar": bar.name, "elastometer.source": bar.source or None,
        "elastometer.plus_minus_ms": bar.plus_minus_milliseconds, "elastometer.note": bar.note}))


def _total(waterfall: ScaleOutWaterfall | None) -> dict[str, Attribute | None]:
    if waterfall is None:
        return {}
    return {"elastometer.total_ms": waterfall.total_milliseconds, "elastometer.total.begin": waterfall.begin.value,
            "elastometer.total.end": waterfall.end.value,
            "elastometer.total.plus_minus_ms": waterfall.plus_minus_milliseconds}


def _cold_start(start: ColdStart, clock: _Clock) -> Span | None:
    """None for a Pod of which no two instants are known."""
    bars = tuple(_phase(phase, clock) for phase in start.phases)
    if not bars:
        return None
    attributes = _known({
        "k8s.pod.name": start.pod, "k8s.node.name": start.node, "elastometer.origin": start.origin.value,
        "elastometer.start_class": start.start_class.name.value if start.start_class.facts else None,
        "elastometer.image": start.image, "elastometer.scale_event": start.scale_event,
        **_figure("elastometer.cold_start", start.cold_start),
        **_figure("elastometer.first_token", start.first_token),
    })
    failed = start.cold_start.reason if start.cold_start.milliseconds is None else None
    return Span(f"cold start {start.pod}", bars[0].start, bars[-1].end, attributes, bars, failed)


def _phase(phase: Phase, clock: _Clock) -> Span:
    begin = clock.at(phase.start_seconds)
    return Span(phase.label, begin, begin + round(phase.milliseconds * MILLISECOND), _known({
        "elastometer.phase": phase.name, "elastometer.source": phase.source,
        "elastometer.plus_minus_ms": phase.plus_minus_milliseconds, "elastometer.note": phase.note,
        "elastometer.model": phase.model}))


def _figure(name: str, found: Duration | None) -> dict[str, Attribute | None]:
    if found is None:
        return {}
    return {f"{name}_ms": found.milliseconds, f"{name}.plus_minus_ms": found.plus_minus_milliseconds,
            f"{name}.at_least_ms": found.at_least_milliseconds, f"{name}.missing_because": found.reason}


def _known(values: Mapping[str, Attribute | None]) -> dict[str, Attribute]:
    return {name: value for name, value in values.items() if value is not None}


def with_run(trace: Trace, report: Report) -> Trace:
    """The trace with what says which run it belongs to on its root span."""
    about = _known({"elastometer.test": report.test, "k8s.namespace.name": report.namespace,
                    "elastometer.verdict": report.verdict.value,
                    "elastometer.predicted": True if report.predicted is not None else None})
    return replace(trace, root=replace(trace.root, attributes={**about, **trace.root.attributes}))

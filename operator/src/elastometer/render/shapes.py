"""Shapes that the template draws without a script: waterfall bars, bullet bars, tiles. All lengths are in percent."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from elastometer.model.in_words import bound
from elastometer.model.measurements import PHASE_LABELS, ColdStart, Phase
from elastometer.model.milestones import PHASE_ENDED_BY, Milestone
from elastometer.model.prediction_basis import DrawnFigure
from elastometer.model.report import ObjectiveResult, Report, Verdict
from elastometer.model.start_class import CLASS_LABELS, Ingredient, Presence
from elastometer.render.wording import numbers, prices
from elastometer.render.wording.starts import phase_words

# Not part of the cold start: the first token comes when the load sends a request, not when the Pod is able to serve.
_AFTER = PHASE_ENDED_BY[Milestone.FIRST_SERVED]
_LANE_PIXELS, _LETTER_PIXELS = 740, 6.6
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)


@dataclass(frozen=True, slots=True)
class Bar:
    """One phase on the strip of its Pod."""

    name: str
    label: str
    left: float
    width: float
    fits: bool
    tip: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One Pod's start from its first instant; `after` says when it first served."""

    pod: str
    caption: str
    total: str
    doubt: str
    bars: tuple[Bar, ...]
    after: str


@dataclass(frozen=True, slots=True)
class Strips:
    """All Pods on one scale."""

    rows: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]
    legend: tuple[tuple[str, str], ...]


def strips(starts: Sequence[ColdStart]) -> Strips:
    """Bars of every Pod, aligned at the decision, or at the creation for Pods that no decision created."""
    kept = [(start, _shown(start)) for start in starts]
    longest = max((_length(phases) for _, phases in kept), default=0.0)
    if longest <= 0:
        return Strips((), (), ())
    seen = {phase.name for _, phases in kept for phase in phases if phase.milliseconds / 1000 > longest / 200}
    legend = {name: label for name, label in PHASE_LABELS.items() if name in seen}
    return Strips(
        tuple(_strip(start, phases, longest) for start, phases in kept),
        ticks(longest), tuple(legend.items()))


def _shown(start: ColdStart) -> list[Phase]:
    return [phase for phase in start.phases if phase.name != _AFTER]


def _length(phases: Sequence[Phase]) -> float:
    return phases[-1].start_seconds + phases[-1].milliseconds / 1000 - phases[0].start_seconds if phases else 0.0


def _strip(start: ColdStart, phases: Sequence[Phase], longest: float) -> Strip:
    zero = phases[0].start_seconds if phases else 0.0
    bars = tuple(
        Bar(name=phase.name, label=phase_words(phase),
            left=round(100 * (phase.start_seconds - zero) / longest, 3),
            width=round(phase.milliseconds / 10 / longest, 3),
            fits=fits(phase_words(phase), phase.milliseconds / 1000 / longest), tip=_tip(phase))
        for phase in phases if phase.milliseconds > 0
    )
    whole = start.scale_out if start.scale_out and start.scale_out.milliseconds is not None else start.cold_start
    first = start.first_token.milliseconds
    return Strip(
        start.pod, _caption(start),
        numbers.duration(whole.milliseconds) + (" ?" if whole.reason else ""), whole.reason or "", bars,
        numbers.DASH if first is None else f"+{numbers.duration(first)}")


def _caption(start: ColdStart) -> str:
    """Why the Pod was created, the class of its start, and how its image came unless the class implies that."""
    words = [f"scale-out {start.scale_event}" if start.scale_event else start.origin.lower()]
    if start.start_class.facts:
        words.append(CLASS_LABELS[start.start_class.name])
    is_implied = any(fact.ingredient is Ingredient.IMAGE and fact.presence is Presence.PRESENT
                     for fact in start.start_class.facts)
    if start.image is not None and not is_implied:
        words.append(f"image {start.image}")
    return ", ".join(words)


def fits(label: str, share: float) -> bool:
    """Whether the label fits on its share of a lane of usual width; a label that is cut off says less than none."""
    return share * _LANE_PIXELS > len(label) * _LETTER_PIXELS + 12


def _tip(phase: Phase) -> str:
    lines = [f"{phase_words(phase)}: {numbers.spread(phase.milliseconds, phase.plus_minus_milliseconds)}",
             f"from {numbers.instant(phase.start_seconds)}", f"source: {phase.source}"]
    return "\n".join([*lines, phase.note] if phase.note else lines)


def ticks(longest: float) -> tuple[tuple[float, str], ...]:
    """(per cent, label) of a scale that is `longest` seconds long, at most nine of them."""
    step = next((one for one in _TICKS if longest / one <= 8), ceil(longest / 8))
    count = int(longest / step)
    return tuple((round(100 * index * step / longest, 3), f"{index * step:g} s") for index in range(count + 1))


@dataclass(frozen=True, slots=True)
class Bullet:
    """A measured value against its bound, on one track."""

    fill: float
    tick: float
    measured: str
    bound: str


def bullet(result: ObjectiveResult) -> Bullet | None:
    """None if there is nothing to draw. Percentages are drawn from a little below the lower of the two up to 100 %."""
    if result.measured is None or result.bound is None:
        return None
    if result.unit == "%":
        low = max(0.0, min(result.measured, result.bound) - 5)
        scale = 100 - low or 1.0
        return Bullet(100 * (result.measured - low) / scale, 100 * (result.bound - low) / scale,
                      f"{result.measured:.2f} %", f"≥ {result.bound:g} %")
    scale = max(result.bound * 1.25, result.measured * 1.05) or 1.0
    return Bullet(100 * result.measured / scale, 100 * result.bound / scale,
                  numbers.duration(result.measured), f"≤ {bound(result.bound)}")


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that answers one question, with a note that puts it in proportion."""

    name: str
    value: str
    note: str


def tiles(report: Report) -> list[Tile]:
    """In the order of the questions: how fast, how long, how well, what was lost, and at what price."""
    summary = report.summary
    failed, requests = summary.failed_request_count, summary.request_count
    wrong, judged = summary.failed_answer_count, summary.judged_answer_count
    answers = "" if judged is None else f"; {numbers.number(wrong)} of {judged:,} answers failed a check"
    of = numbers.DASH if requests is None else f"of {requests:,} requests{answers}"
    return [
        Tile("Scale-out lag", numbers.duration(summary.scale_out_lag_milliseconds),
             _note(report, DrawnFigure.SCALE_OUT_LAG, f"median of {summary.scale_out_count or 0}, decision to Ready")),
        Tile("Cold start", numbers.duration(summary.cold_start_milliseconds),
             _note(report, DrawnFigure.COLD_START, "median of added Pods, created to Ready")),
        Tile("First token, p95", numbers.duration(summary.time_to_first_token_p95_milliseconds),
             _note(report, DrawnFigure.FIRST_TOKEN, "whole load, from the intended time")),
        *_wake_tiles(report),
        Tile("Not served", numbers.number(failed), _note(report, DrawnFigure.NOT_SERVED, of)),
        Tile("Peak Ready", numbers.number(summary.peak_ready_replicas),
             _note(report, DrawnFigure.PEAK_READY,
                   f"{numbers.number(summary.scale_out_count)} out, {numbers.number(summary.scale_in_count)} in")),
        _price_tile(report),
    ]


def _note(report: Report, figure: DrawnFigure, text: str) -> str:
    """The note of a tile; before it the range of a predicted figure over the draws."""
    span = numbers.over_draws(report.predicted, figure)
    return f"{span}; {text}" if span else text


def _wake_tiles(report: Report) -> list[Tile]:
    """Only where the target was at zero replicas."""
    requests, lost = report.summary.wake_request_count, report.summary.wake_failed_request_count
    if requests is None:
        return []
    return [Tile("Wake from 0", numbers.duration(report.summary.wake_milliseconds),
                 f"first request to first token; {numbers.number(lost)} of {requests:,} requests not served before it")]


def _price_tile(report: Report) -> Tile:
    price = report.price
    if price is None:
        return Tile("Replica-seconds", numbers.DASH, "no Pod was seen")
    figure = DrawnFigure.GPU_SECONDS if price.gpus_per_replica else DrawnFigure.REPLICA_SECONDS
    return Tile(prices.unit(price), prices.area(price, price.paid_replica_milliseconds),
                _note(report, figure, prices.note(price)))


def verdict_mark(verdict: Verdict) -> str:
    """A shape next to the word, so that colour is never the only sign."""
    return {Verdict.PASS: "✓", Verdict.FAIL: "✕", Verdict.INCONCLUSIVE: "?", Verdict.NOT_JUDGED: "–"}[verdict]

"""The tables of a what-if answer as text: one place for the terminal, Markdown and HTML."""
from __future__ import annotations

from collections.abc import Callable

from elastometer.model.capacity import Fitted
from elastometer.model.in_words import bound
from elastometer.model.terms import Indicator
from elastometer.render.wording import numbers, prices
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.search.answer.answer import Answer, Option
from elastometer.twin.search.score.held_out import Interval, span_of
from elastometer.twin.search.score.scorecard import ObjectiveScore, Scorecard

Row = tuple[str, ...]
_INDICATOR_NAMES = {
    Indicator.TIME_TO_FIRST_TOKEN: "TTFT", Indicator.TIME_PER_OUTPUT_TOKEN: "TPOT",
    Indicator.REQUEST_LATENCY: "latency", Indicator.SCALE_OUT_LAG: "scale-out lag",
    Indicator.COLD_START: "cold start", Indicator.REQUEST_SUCCESS: "served",
    Indicator.ANSWER_CHECK: "answers", Indicator.STEADY_RATE: "steady rate",
    Indicator.MEMORY_GROWTH: "memory growth", Indicator.MEMORY_RETURN: "memory return",
}


def objective(one: ObjectiveScore) -> str:
    """The verdict with the measured value, as in the report."""
    if one.measured is None:
        return one.verdict.value
    if one.unit == "%":
        return f"{one.verdict.value} {one.measured:.2f} %"
    return f"{one.verdict.value} {numbers.duration(one.measured)}"


def rule(one: ObjectiveScore) -> str:
    """Name, indicator, bound, task and stage: `first-token: TTFT p95 ≤ 2 s, chat, crowd`."""
    where = "".join(f", {name}" for name in (one.task, one.stage) if name)
    what = _INDICATOR_NAMES[Indicator(one.indicator)] + ("" if one.statistic is None else f" {one.statistic}")
    bound = "" if one.bound is None else f" {'≥' if one.unit == '%' else '≤'} {_bound(one)}"
    return f"{one.name}: {what}{bound}{where}"


def _bound(one: ObjectiveScore) -> str:
    return f"{one.bound:g} %" if one.unit == "%" else bound(one.bound or 0.0)


def cost_name(answer: Answer) -> str:
    """The unit in which cost is counted."""
    return "GPU-seconds" if answer.run.gpus_per_replica else "Replica-seconds"


def cost(card: Scorecard) -> float | None:
    """The cost in the unit of cost_name."""
    return card.replica_seconds if card.gpu_seconds is None else card.gpu_seconds


_NUMBERS: tuple[tuple[str, Callable[[Scorecard], float | None], int], ...] = (
    ("Objective-miss seconds", lambda card: card.miss_seconds, 0),
    ("", cost, 0),
    ("Scale-outs", lambda card: card.scale_outs, 0),
    ("Scale-ins", lambda card: card.scale_ins, 0),
    ("Peak Ready replicas", lambda card: card.peak_ready, 0),
    ("Scale-out lag, median, s", lambda card: card.scale_out_lag_seconds, 1),
    ("Requests not served", lambda card: card.not_served, 0),
)


def options(answer: Answer) -> list[tuple[str, Option]]:
    """The predicted columns of the scorecard, the recorded settings first."""
    found = [("recorded, predicted", answer.recorded)]
    if answer.variant is not None:
        found.append(("with --set, predicted", answer.variant))
    if answer.searched is not None:
        found.append(("chosen, predicted", answer.searched.front[answer.searched.chosen]))
    return found


def scorecard_head(answer: Answer) -> Row:
    """The columns, and the last one's difference from the recorded settings as predicted."""
    return ("", "recorded, measured", *(name for name, _ in options(answer)),
            *(["difference"] if answer.chosen is not None else []))


def scorecard_rows(answer: Answer) -> list[Row]:
    """Objectives first, then numbers, each predicted one with its span over the draws. The difference compares two
    predictions draw by draw, never one with the measurement."""
    shown, chosen, before = [one for _, one in options(answer)], answer.chosen, answer.recorded
    rows = [(rule(first), objective(answer.measured.objectives[number]),
             *(objective(one.card.objectives[number]) + objective_span(one, number) for one in shown),
             *([_turned(before, chosen, number)] if chosen else []))
            for number, first in enumerate(before.card.objectives)]
    return rows + [
        (name or cost_name(answer), numbers.number(value(answer.measured), digits),
         *(numbers.number(value(one.card), digits) + span(span_of(list(map(value, one.draws))), digits)
           for one in shown),
         *([_difference(before, chosen, value, digits)] if chosen else []))
        for name, value, digits in _NUMBERS]


def objective_span(one: Option, number: int) -> str:
    """What the objective of this number reached over the draws; nothing where it reached nothing."""
    found, unit = one.interval.objectives[number], one.card.objectives[number].unit
    if found is None:
        return ""
    low, high = (f"{value:.2f} %" if unit == "%" else numbers.duration(value) for value in found)
    # One unit is enough where both have the same.
    return f" ({low.removesuffix(' ' + high.rpartition(' ')[2])}–{high})"


def _turned(before: Option, after: Option, number: int) -> str:
    """From one verdict to another; with the same verdict, the difference and its span over the draws."""
    first, last = before.card.objectives[number], after.card.objectives[number]
    if first.verdict is not last.verdict:
        return f"{first.verdict.value} → {last.verdict.value}"
    steps = _steps(before, after, lambda card: card.objectives[number].measured)
    if first.measured is None or last.measured is None or not steps:
        return numbers.DASH
    step, low, high = (_stepped(value, last.unit)
                       for value in (last.measured - first.measured, min(steps), max(steps)))
    return f"{step} ({low} to {high})"


def _stepped(step: float, unit: str) -> str:
    if round(step, 2 if unit == "%" else 0) == 0:
        return "0"
    sign = "+" if step >= 0 else "−"
    return sign + (f"{abs(step):.2f} %" if unit == "%" else numbers.duration(abs(step)))


def _steps(before: Option, after: Option, value: Callable[[Scorecard], float | None]) -> list[float]:
    """The difference in each draw that has the figure with both."""
    both = [(value(one), value(other)) for one, other in zip(before.draws, after.draws, strict=True)]
    return [later - earlier for earlier, later in both if earlier is not None and later is not None]


def _difference(before: Option, after: Option, value: Callable[[Scorecard], float | None], digits: int) -> str:
    """Of the medians, with its share of the first, and the span of the differences in each draw."""
    first, last = value(before.card), value(after.card)
    steps = _steps(before, after, value)
    if first is None or last is None or not steps:
        return numbers.DASH
    step = round(last - first, digits)
    share = f"{100 * step / first:+.0f} %, " if first and step else ""
    limits = " to ".join(_signed(limit, digits) for limit in (min(steps), max(steps)))
    return f"{_signed(step, digits)} ({share}{limits})".replace("-", "−")


def _signed(step: float, digits: int) -> str:
    rounded = round(step, digits)
    return f"{rounded:+,.{digits}f}" if rounded else "0"


def calibration_rows(calibration: Calibration) -> list[Row]:
    """(what, value, how well it fits, where it comes from); the last row says what the fit is."""
    found: list[Row] = [(one.name, _fitted(one), _fit(one), one.source) for one in calibration.fitted]
    if any(one.error_percent is not None for one in calibration.fitted):
        found.append(("", "", "± …, n=…", "± is the median deviation of the n observations from the fit"))
    return found


def _fitted(one: Fitted) -> str:
    value = one.value if isinstance(one.value, str) else f"{one.value:.6g}"
    return f"{value} {one.unit}".strip()


def _fit(one: Fitted) -> str:
    parts = [] if one.error_percent is None else [f"± {one.error_percent:g} %"]
    return ", ".join([*parts, *([] if one.count is None else [f"n={one.count}"])])


def front_head(answer: Answer) -> Row:
    """Of the front's table."""
    return ("#", "Objectives", "Objective-miss seconds", cost_name(answer), "Scale-out lag", "Holds in", "Changed")


def front_rows(answer: Answer) -> list[Row]:
    """One row per candidate of the front, the least expensive first; intervals over the draws in brackets."""
    if answer.searched is None:
        return []
    return [(f"{number}{' ◀' if number - 1 == answer.searched.chosen else ''}", *option_cells(one))
            for number, one in enumerate(answer.searched.front, 1)]


def option_cells(one: Option) -> Row:
    """What is predicted of one set of settings."""
    card, spread = one.card, one.interval
    held = len(card.objectives) - card.failed
    missed = f" (missed: {', '.join(card.missed)})" if card.missed else ""
    return (f"{held}/{len(card.objectives)}{missed}",
            numbers.number(card.miss_seconds) + span(spread.miss_seconds),
            numbers.number(cost(card)) + span(spread.cost),
            numbers.number(card.scale_out_lag_seconds, 1, " s") + span(spread.scale_out_lag_seconds, 1),
            draws(spread), "; ".join(map(str, one.settings)) or "nothing (recorded settings)")


def supply_head(answer: Answer) -> Row:
    """Of the table of supplies that need no autoscaler."""
    return ("Supply", "Replicas", "Objectives", "Objective-miss seconds", cost_name(answer), "Holds in")


def supply_rows(answer: Answer) -> list[Row]:
    """One row for each, the recorded settings first."""
    rows = [("recorded settings", "varying", *_supply_cells(answer.recorded.card, answer.recorded.interval))]
    for one in answer.supplies:
        replicas = "varying" if one.replicas is None else str(one.replicas)
        over = f" (for {one.overloaded_seconds:.0f} s the maximum is not enough)" if one.overloaded_seconds else ""
        rows.append((prices.ALTERNATIVES[one.name] + over, replicas, *_supply_cells(one.card, one.interval)))
    return rows


def _supply_cells(card: Scorecard, spread: Interval) -> Row:
    held = len(card.objectives) - card.failed
    return (f"{held}/{len(card.objectives)}", numbers.number(card.miss_seconds) + span(spread.miss_seconds),
            numbers.number(cost(card)) + span(spread.cost), draws(spread))


def span(limits: tuple[float, float] | None, digits: int = 0) -> str:
    """` (80–92)`; nothing where there is no spread."""
    return "" if limits is None else f" ({limits[0]:,.{digits}f}–{limits[1]:,.{digits}f})"


def draws(spread: Interval) -> str:
    """In how many draws all objectives hold."""
    return f"{spread.held} of {spread.draws} draws"


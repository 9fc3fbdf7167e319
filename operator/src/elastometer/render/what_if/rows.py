"""The tables of a what-if answer as text: one place for the terminal, Markdown and HTML."""
from __future__ import annotations

from collections.abc import Callable

from elastometer.model.capacity import Fitted
from elastometer.model.terms import Indicator
from elastometer.render.wording import numbers, prices
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.search.answer.answer import Answer, Option
from elastometer.twin.search.score.held_out import Interval
from elastometer.twin.search.score.scorecard import ObjectiveScore, Scorecard

Row = tuple[str, ...]
_INDICATOR_NAMES = {
    Indicator.TIME_TO_FIRST_TOKEN: "TTFT", Indicator.TIME_PER_OUTPUT_TOKEN: "TPOT",
    Indicator.REQUEST_LATENCY: "latency", Indicator.SCALE_OUT_LAG: "scale-out lag",
    Indicator.COLD_START: "cold start", Indicator.REQUEST_SUCCESS: "served",
    Indicator.ANSWER_CHECK: "answers",
}


def objective(one: ObjectiveScore) -> str:
    """The verdict with the measured value, as in the report."""
    if one.measured is None:
        return one.verdict.value
    if one.unit == "%":
        return f"{one.verdict.value} {one.measured:.2f} %"
    return f"{one.verdict.value} {numbers.duration(one.measured)}"


def rule(one: ObjectiveScore) -> str:
    """Name, indicator, bound: `first-token: TTFT p95 ≤ 2 s`."""
    where = f", {one.stage}" if one.stage else ""
    what = _INDICATOR_NAMES[Indicator(one.indicator)] + ("" if one.percentile is None else f" p{one.percentile}")
    bound = "" if one.bound is None else f" {'≥' if one.unit == '%' else '≤'} {_bound(one)}"
    return f"{one.name}: {what}{bound}{where}"


def _bound(one: ObjectiveScore) -> str:
    return f"{one.bound:g} %" if one.unit == "%" else numbers.bound(one.bound or 0.0)


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


def columns(answer: Answer) -> list[tuple[str, Scorecard]]:
    """The columns: measured, predicted, and what is compared with them."""
    found = [("recorded, measured", answer.measured), ("recorded, predicted", answer.recorded.card)]
    if answer.variant is not None:
        found.append(("with --set, predicted", answer.variant.card))
    if answer.searched is not None:
        found.append(("chosen, predicted", answer.searched.front[answer.searched.chosen].card))
    return found


def scorecard_head(answer: Answer) -> Row:
    """The columns, and the last one's difference from the recorded settings as predicted."""
    return ("", *(name for name, _ in columns(answer)), *(["difference"] if answer.chosen is not None else []))


def scorecard_rows(answer: Answer) -> list[Row]:
    """Objectives first, then numbers; the difference compares two predictions, never one with the measurement."""
    cards = [card for _, card in columns(answer)]
    with_difference = answer.chosen is not None
    rows = [(rule(first), *(objective(card.objectives[number]) for card in cards),
             *([_turned(cards[1].objectives[number], cards[-1].objectives[number])] if with_difference else []))
            for number, first in enumerate(answer.recorded.card.objectives)]
    for name, value, digits in _NUMBERS:
        values = [value(card) for card in cards]
        rows.append((name or cost_name(answer), *(numbers.number(one, digits) for one in values),
                     *([_difference(values[1], values[-1], digits)] if with_difference else [])))
    return rows


def _turned(before: ObjectiveScore, after: ObjectiveScore) -> str:
    if before.verdict is not after.verdict:
        return f"{before.verdict.value} → {after.verdict.value}"
    if before.measured is None or after.measured is None:
        return numbers.DASH
    step = after.measured - before.measured
    if round(step, 2 if after.unit == "%" else 0) == 0:
        return "0"
    if after.unit == "%":
        return f"{step:+.2f} %"
    return ("+" if step >= 0 else "−") + numbers.duration(abs(step))


def _difference(before: float | None, after: float | None, digits: int) -> str:
    if before is None or after is None:
        return numbers.DASH
    step = round(after - before, digits)
    if step == 0:
        return "0"
    share = f" ({100 * step / before:+.0f} %)" if before else ""
    return f"{step:+,.{digits}f}{share}".replace("-", "−")


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


"""Figures, intervals and differences of a comparison in words; for the page, Markdown and JUnit alike."""
from __future__ import annotations

from collections.abc import Callable

from elastometer.model.comparison import GateState, Judgement, Speedup, VariantDifference
from elastometer.model.estimates import Interval
from elastometer.model.measure import Better, Measure
from elastometer.model.measures import MONEY
from elastometer.render.wording import numbers
from elastometer.study.compare.wording import number

MILLISECONDS, PERCENT, BYTES = "ms", "%", "bytes"
# Of a difference of percentages: in percent, it would be read as a share of the baseline.
POINTS = "points"
# Units that a number cannot be read without; counts and areas are named by the title of their measure.
_BEHIND = frozenset({MILLISECONDS, PERCENT, BYTES, "s", "tokens/s"})
JUDGEMENTS = {
    Judgement.BETTER: "Better", Judgement.WORSE: "Worse", Judgement.WITHIN_NOISE: "Within noise",
    Judgement.CANNOT_TELL: "Cannot tell",
}
GATES = {GateState.HELD: "Held", GateState.REGRESSED: "Regressed", GateState.CANNOT_TELL: "Cannot tell"}
DIRECTIONS = {Better.LOWER: "lower is better", Better.HIGHER: "higher is better"}


def unit(measure: Measure) -> str:
    """The unit as it stands behind a number; empty where the measure's title says it. That of money is its currency."""
    return measure.unit if measure.name == MONEY or measure.unit in _BEHIND else ""


def value(measure: Measure, figure: float | None) -> str:
    """One figure with its unit; a dash where it is not known."""
    return numbers.DASH if figure is None else _shown(unit(measure))(figure)


def span(measure: Measure, interval: Interval | None) -> str:
    """`12.1 to 15.3 s`; nothing without an interval."""
    if interval is None:
        return ""
    shown = _shown(unit(measure))
    return _from_to(*(shown(one) if one >= 0 else _signed(shown, one) for one in (interval.low, interval.high)))


def change(measure: Measure, one: VariantDifference) -> str:
    """`−38.2 s (−62 %)`; nothing where it is not known."""
    if one.absolute is None:
        return ""
    has_percent = one.percent is not None and unit(measure) != PERCENT
    percent = f" ({_signed(_percent, one.percent or 0.0)})" if has_percent else ""
    return _signed(_difference(measure), one.absolute) + percent


def change_span(measure: Measure, one: VariantDifference) -> str:
    """The interval of a difference, `−47.1 to −29.3 s`; that within two single runs says so; nothing without one."""
    found, shown = one.interval or one.within_runs, _difference(measure)
    if found is None:
        return ""
    ends = _from_to(*(_signed(shown, end) for end in (found.low, found.high)))
    return ends if one.interval is not None else f"{ends} within the runs"


def speedup(one: Speedup) -> tuple[str, str]:
    """ε and its interval."""
    interval = one.interval
    return (numbers.DASH if one.value is None else number(one.value),
            "" if interval is None else _from_to(number(interval.low), number(interval.high)))


def stopped(text: str) -> str:
    """With a full stop. Without a capital: it may begin with a name."""
    return text + ("" if not text or text.endswith((".", "?")) else ".")


def _from_to(low: str, high: str) -> str:
    """The lower end without a unit that the upper one repeats."""
    figure, _, of_low = low.partition(" ")
    return f"{figure if high.partition(' ')[2] == of_low else low} to {high}"


def _signed(shown: Callable[[float], str], figure: float) -> str:
    """With a plus or a minus sign, and 0 without."""
    text = shown(abs(figure))
    return text if figure == 0 else ("+" if figure > 0 else "−") + text


def _percent(figure: float) -> str:
    """Of a number of 0 or more; a very small one in two decimals."""
    if figure == 0 or 0.01 <= figure < 10:
        return f"{figure:.2g} %"
    return f"{figure:.2f} %" if figure < 0.01 else f"{figure:,.0f} %"


def _difference(measure: Measure) -> Callable[[float], str]:
    if unit(measure) == PERCENT:
        return lambda figure: f"{figure:.2f} {POINTS}"
    return _shown(unit(measure))


def _shown(of: str) -> Callable[[float], str]:
    if of == MILLISECONDS:
        return numbers.duration
    if of == PERCENT:
        return lambda figure: f"{figure:.2f} %"
    if of == BYTES:
        return lambda figure: f"{numbers.quantity(f'{figure / 1024:.0f}Ki')}B"
    return lambda figure: number(figure) + (of and f" {of}")

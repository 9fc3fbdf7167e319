"""Gates: whether a measure of a variant became worse than the baseline's by more than was allowed.

The question is not whether it differs, but whether it is beyond the bound: the interval is that of the variant minus
what is allowed of the baseline. A gate holds where the whole interval is within the bound, has regressed where the
whole interval is beyond it, and cannot tell in between: then it names how many repetitions may tell.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil

from elastometer.model.comparison import Figure, GateResult, GateState, Judgement, MeasureRow
from elastometer.model.measure import Better, Measure, Scale
from elastometer.model.study import Gate
from elastometer.statistics.repetitions import FEWEST
from elastometer.study.compare.noise import Gap, gap
from elastometer.study.compare.wording import amount_unit, amount_words, number, with_unit

# What spec.repetitions may be at most.
MOST_REPETITIONS = 30


def gate_results(
    gates: Sequence[Gate], rows: Mapping[str, MeasureRow], baseline: str, variants: Sequence[str],
) -> Iterator[GateResult]:
    """Each gate for each variant. A measure that is not in `rows` leaves the gate undecided, and it says so."""
    for gate in gates:
        row = rows.get(gate.measure)
        for variant in variants:
            if row is None:
                yield GateResult(gate.measure, variant, "", GateState.CANNOT_TELL,
                                 f"{gate.measure}: is not a measure; docs/studies.md lists them")
            else:
                yield _result(gate, row, baseline, variant)


def _result(gate: Gate, row: MeasureRow, baseline: str, variant: str) -> GateResult:
    measure = row.measure if gate.direction is None else replace(row.measure, better=Better(gate.direction))
    difference = row.difference(variant, baseline)
    base, mine = row.figure(baseline), row.figure(variant)
    allowed = _allowed_words(gate, measure)
    if difference is None or base is None or mine is None:
        return GateResult(gate.measure, variant, allowed, GateState.CANNOT_TELL,
                          f"{gate.measure}: {variant} or {baseline} is no variant of the comparison")
    if difference.judgement is Judgement.CANNOT_TELL:
        return GateResult(gate.measure, variant, allowed, GateState.CANNOT_TELL,
                          f"{measure.title} of {variant}: {difference.reason}")
    state, beyond = _state(gate, measure, base, mine)
    seen = f"{measure.title} of {variant}: {amount_words(measure, difference)}; {allowed} is allowed"
    if state is GateState.CANNOT_TELL:
        seen = f"{seen}; {_advice(beyond, min(len(base.values), len(mine.values)))}"
    return GateResult(gate.measure, variant, allowed, state, seen)


def _state(gate: Gate, measure: Measure, base: Figure, mine: Figure) -> tuple[GateState, Gap]:
    """Of two figures of at least two values each. Where every run of both has one and the same value, there is nothing
    that a gate could stop, although the noise is not known."""
    beyond = _beyond(gate, measure, base.values, mine.values)
    found = beyond.interval
    if {*base.values} == {*mine.values} and len({*base.values}) == 1:
        return GateState.HELD, beyond
    if found is None or found.low <= 0 < found.high:
        return GateState.CANNOT_TELL, beyond
    return (GateState.REGRESSED if found.low > 0 else GateState.HELD), beyond


def _beyond(gate: Gate, measure: Measure, base: Sequence[float], mine: Sequence[float]) -> Gap:
    """How far the variant is beyond what is allowed: above 0 is worse."""
    is_lower = measure.better is Better.LOWER
    side = 1 if is_lower else -1
    if gate.percent is not None:
        bound = [value * (1 + side * gate.percent / 100) for value in base]
        found = gap(measure, bound, mine)
    else:
        bound = [value + side * float(gate.absolute or 0) for value in base]
        found = gap(replace(measure, scale=Scale.LINEAR), bound, mine)
    return found if is_lower else found.flipped


def _allowed_words(gate: Gate, measure: Measure) -> str:
    direction = "more" if measure.better is Better.LOWER else "less"
    if gate.percent is not None:
        return f"at most {gate.percent:g} % {direction}"
    return f"at most {with_unit(number(float(gate.absolute or 0)), amount_unit(measure))} {direction}"


def _advice(beyond: Gap, repetitions: int) -> str:
    """The half-width shrinks with the root of the repetitions, and Student's quantile with them."""
    found = beyond.interval
    if found is None or repetitions < FEWEST:
        return "repeat the runs"
    half = (found.high - found.low) / 2
    needed = ceil(repetitions * (half / abs(beyond.value)) ** 2) if beyond.value else MOST_REPETITIONS + 1
    if needed > MOST_REPETITIONS:
        return f"the difference is so near to the bound that {MOST_REPETITIONS} repetitions may not tell"
    return f"about {max(needed, repetitions + 1)} repetitions of each may tell"

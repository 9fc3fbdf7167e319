"""Gates one by one: bounds by an amount and by a share, measures of which more is better, and what stays undecided.

The halves of the intervals are worked out by hand or by scipy.
"""
from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from elastometer.model.comparison import GateState
from elastometer.model.report import Verdict
from elastometer.model.study import Gate
from elastometer.study.compare.compare import compare
from support.comparisons import Values, compared, runs, terms

SERVED, GPU, MISSES, P95 = "successPercent", "gpuSeconds", "missSeconds", "timeToFirstTokenP95Milliseconds"


def _state(gate: Gate, base: Sequence[float], new: Sequence[float]) -> GateState:
    return compared({"base": {gate.measure: base}, "new": {gate.measure: new}}, gate).gates[0].state


@pytest.mark.parametrize(("gate", "new", "expected"), [
    (Gate(SERVED, percent=2), [98.4, 98.5, 98.6], GateState.HELD),
    (Gate(SERVED, percent=2), [90.4, 90.5, 90.6], GateState.REGRESSED),
    (Gate(SERVED, percent=1), [98.0, 98.01, 98.02], GateState.CANNOT_TELL),
    (Gate(SERVED, absolute=Decimal("1.5")), [98.4, 98.5, 98.6], GateState.HELD),
    (Gate(SERVED, absolute=Decimal("0.2")), [98.4, 98.5, 98.6], GateState.REGRESSED),
    (Gate(SERVED, percent=1), [99.9, 99.95, 100.0], GateState.HELD),
])
def test_a_measure_of_which_more_is_better_must_not_become_less_by_more_than_its_bound(
    gate: Gate, new: Sequence[float], expected: GateState,
):
    assert _state(gate, [98.9, 99.0, 99.1], new) is expected


def test_a_bound_in_gpu_seconds_is_judged_by_an_amount_though_gpu_seconds_are_compared_by_a_factor():
    """400 GPU-s beyond the bound of 200 on average, −81 to 881: by a factor, the interval would lie above 1."""
    assert _state(Gate(GPU, absolute=Decimal(100)), [90, 100, 110], [300, 600, 900]) is GateState.CANNOT_TELL


def test_a_gate_states_its_bound_in_words():
    found = compared({"base": {SERVED: [99, 99]}, "new": {SERVED: [99, 99]}},
                     Gate(SERVED, absolute=Decimal("0.5")), Gate(GPU, percent=5))
    assert [one.allowed for one in found.gates] == ["at most 0.5 points less", "at most 5 % more"]
    assert found.gates[1].message == "GPU-seconds of new: base: not in the report"


def test_a_regression_in_another_measure_keeps_the_best_variant_from_being_best():
    base: Values = {MISSES: [48, 50, 52], GPU: [600, 610, 620], P95: [900, 910, 920]}
    new: Values = {MISSES: [8, 10, 12], GPU: [300, 310, 320], P95: [1900, 1910, 1920]}
    assert compared({"base": base, "new": new}).best.variant == "new"
    found = compared({"base": base, "new": new}, Gate(P95, percent=10))
    assert found.best.variant is None
    assert found.best.sentence == (
        "None is best: only base is in question, and new is no worse in either: 10 objective-miss seconds and "
        "310 GPU-seconds. A gate found new worse than the baseline.")


def test_a_tradeoff_with_a_variant_that_a_gate_found_worse_names_both_ends():
    base: Values = {MISSES: [38, 40, 42], GPU: [600, 602, 604]}
    new: Values = {MISSES: [62, 64, 66], GPU: [372, 374, 376]}
    assert compared({"base": base, "new": new}, Gate(MISSES, percent=10)).best.sentence == (
        "None is best: base has 40 objective-miss seconds and 602 GPU-seconds; new has 64 objective-miss seconds and "
        "374 GPU-seconds. A gate found new worse than the baseline.")


def test_a_variant_that_a_gate_found_worse_is_beaten_all_the_same_by_one_that_is_better():
    base: Values = {MISSES: [18, 20, 22], GPU: [600, 610, 620]}
    new: Values = {MISSES: [48, 50, 52], GPU: [900, 910, 920]}
    found = compared({"base": base, "new": new}, Gate(MISSES, percent=10))
    assert found.best.variant == "base"
    assert found.best.sentence.startswith("base is best: compared with new, Objective-miss seconds −30 s (")
    assert found.best.sentence.endswith("A gate found new worse than the baseline.")


def test_a_gate_says_a_difference_of_percentages_in_points():
    found = compared({"base": {SERVED: [99.9, 99.8]}, "new": {SERVED: [97.9, 97.8]}}, Gate(SERVED, absolute=Decimal(1)))
    assert found.gates[0].message == (
        "Requests served of new: −2 points (−2.3 to −1.7 points); at most 1 point less is allowed")


def test_one_passing_run_beside_a_failing_one_makes_no_variant_best():
    made = [*runs({"base": {MISSES: [50], GPU: [600]}}, Verdict.FAIL), *runs({"new": {MISSES: [0], GPU: [300]}})]
    assert compare(terms("base", "new"), made).best.variant is None

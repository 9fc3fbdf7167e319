"""What holds of every comparison: the order of the runs, the choice of the baseline, and runs that are missing."""
from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.model.comparison import Comparison, GateState, Judgement, VariantDifference
from elastometer.model.measure import Scale
from elastometer.model.measures import BY_NAME, MISS_SECONDS
from elastometer.model.report import Verdict
from elastometer.model.run_figures import RunFigures
from elastometer.model.study import Gate
from elastometer.render.json_report import plain
from elastometer.study.compare.compare import compare
from support.comparisons import run, terms

# One of each kind: counts that may be 0, and a factor.
NAMES = ("missSeconds", "gpuSeconds", "timeToFirstTokenP95Milliseconds", "successPercent", "flaps", "thetaUnderReady",
         "thetaOverReady", "tauUnderReady", "tauOverReady")
# A drawn study has up to 108 numbers.
FEW = settings(max_examples=30, deadline=None)
VARIANTS = ("a", "b", "c")
OPPOSITE = {Judgement.BETTER: Judgement.WORSE, Judgement.WORSE: Judgement.BETTER}
GATES = (Gate("missSeconds", percent=10), Gate("gpuSeconds", percent=5))


def _values() -> st.SearchStrategy[float | None]:
    return st.none() | st.integers(0, 20).map(float) | st.floats(0, 1e9, allow_subnormal=False)


@st.composite
def _made(draw: st.DrawFn) -> list[RunFigures]:
    found = []
    for variant in VARIANTS:
        for repetition in range(1, draw(st.integers(0, 4)) + 1):
            figures = {name: draw(_values()) for name in NAMES}
            verdict = draw(st.sampled_from((Verdict.PASS, Verdict.FAIL, Verdict.NOT_JUDGED)))
            found.append(run(variant, repetition, figures, verdict))
    return found


def _every(found: Comparison) -> list[VariantDifference]:
    return [one for row in found.rows for one in row.differences]


@FEW
@given(_made(), st.integers(0, 999))
def test_the_order_of_the_runs_changes_nothing(made: list[RunFigures], seed: int):
    shuffled = Random(seed).sample(made, len(made))
    asked = terms(*VARIANTS, gates=GATES)
    assert compare(asked, shuffled) == compare(asked, made)


@FEW
@given(_made())
def test_what_is_better_seen_from_one_side_is_worse_from_the_other(made: list[RunFigures]):
    found = compare(terms(*VARIANTS), made)
    for row in found.rows:
        for one in row.differences:
            back = row.difference(one.baseline, one.variant)
            assert back is not None
            assert back.judgement is OPPOSITE.get(one.judgement, one.judgement)
            assert (one.absolute is None) == (back.absolute is None)
            if one.absolute is not None and back.absolute is not None:
                assert one.absolute == -back.absolute


@FEW
@given(_made(), st.sampled_from(VARIANTS))
def test_the_choice_of_the_baseline_changes_no_difference_between_two_variants(made: list[RunFigures], baseline: str):
    asked = terms(*VARIANTS)
    assert compare(replace(asked, baseline=baseline), made).rows == compare(asked, made).rows


@FEW
@given(_made())
def test_a_judgement_is_what_its_interval_says(made: list[RunFigures]):
    for row in compare(terms(*VARIANTS), made).rows:
        for one in row.differences:
            judging = one.percent_interval or one.interval
            if one.judgement is Judgement.CANNOT_TELL:
                assert judging is None
                continue
            assert judging is not None
            includes = judging.low <= 0 <= judging.high
            assert (one.judgement is Judgement.WITHIN_NOISE) == includes
            assert one.reason


@FEW
@given(_made(), st.sampled_from(VARIANTS), st.integers(0, 3))
def test_a_missing_run_more_changes_no_difference_and_makes_no_gate_or_variant_better(
    made: list[RunFigures], variant: str, missing: int,
):
    """Runs that were not carried out, and one that was but measured nothing, which only leaves a note."""
    absent = [run(variant, 90 + index, {}, excluded="it was not carried out") for index in range(missing)]
    asked = terms(*VARIANTS, gates=GATES)
    before, after = compare(asked, made), compare(asked, [*made, *absent])
    assert after.rows == before.rows
    assert after.gates == before.gates
    assert after.best == before.best
    empty = compare(asked, [*made, run(variant, 99, {}, Verdict.FAIL)])
    for old, new in zip(_every(before), _every(empty), strict=True):
        assert (old.interval, old.judgement) == (new.interval, new.judgement)
    # A run that failed its objectives more makes no variant the best one that was not, but may end its being best.
    assert empty.best.variant != variant or before.best.variant == variant


@FEW
@given(_made(), st.sampled_from(VARIANTS))
def test_a_variant_with_fewer_than_two_runs_is_never_better_worse_or_held(made: list[RunFigures], variant: str):
    few = [one for one in made if one.label.variant != variant or one.label.repetition == 1]
    found = compare(terms(*VARIANTS, gates=GATES), few)
    for one in _every(found):
        if variant in (one.variant, one.baseline):
            assert one.judgement is Judgement.CANNOT_TELL
    assert {one.state for one in found.gates if variant in (one.variant, "a")} <= {GateState.CANNOT_TELL}
    assert found.best.variant != variant


@FEW
@given(_made())
def test_two_copies_of_one_variant_are_within_the_noise_of_each_other(made: list[RunFigures]):
    mine = [one for one in made if one.label.variant == "a"]
    copies = [replace(one, label=replace(one.label, variant="b", run=f"{one.label.run}-copy")) for one in mine]
    found = compare(terms("a", "b"), [*mine, *copies])
    assert {one.judgement for one in _every(found)} <= {Judgement.WITHIN_NOISE, Judgement.CANNOT_TELL}
    assert found.best.variant is None or {run.verdict for run in mine} == {Verdict.PASS}


@given(st.lists(st.floats(1, 1e6), min_size=2, max_size=6), st.lists(st.floats(1, 1e6), min_size=2, max_size=6),
       st.floats(0.01, 100))
def test_the_unit_of_a_measure_changes_no_judgement(first: Sequence[float], second: Sequence[float], unit: float):
    """Compared by a factor, it does not matter whether GPU-seconds or GPU-hours are counted."""
    def judged(factor: float) -> VariantDifference:
        made = [run(name, index, {"gpuSeconds": factor * value})
                for name, values in (("a", first), ("b", second)) for index, value in enumerate(values, 1)]
        found = compare(terms("a", "b"), made).row("gpuSeconds")
        one = None if found is None else found.difference("b", "a")
        assert one is not None
        return one

    assert BY_NAME["gpuSeconds"].scale is Scale.LOGARITHMIC
    one, other = judged(1), judged(unit)
    assert one.percent == pytest.approx(other.percent, rel=1e-6, abs=1e-6)


@FEW
@given(_made())
def test_a_comparison_is_finite_json(made: list[RunFigures]):
    json.dumps(plain(compare(terms(*VARIANTS, gates=GATES), made)), allow_nan=False)


@FEW
@given(_made())
def test_a_variant_on_the_front_is_beaten_by_no_other_in_both(made: list[RunFigures]):
    found = compare(terms(*VARIANTS), made)
    misses, cost = found.row(MISS_SECONDS), found.row(found.primary_cost)
    assert misses is not None
    assert cost is not None
    at = {one.variant: (one.median, other.median) for one, other in zip(misses.figures, cost.figures, strict=True)}
    known = {name: place for name, place in at.items() if None not in place}
    for one in found.variants:
        assert (one.on_front is None) == (one.name not in known)
    assert not known or any(one.on_front for one in found.variants)

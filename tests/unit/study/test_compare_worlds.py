"""Whole comparisons of runs made by hand, every number worked out on paper or by scipy."""
from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from scipy import stats

from elastometer.model.comparison import Comparison, Figure, GateState, Judgement, VariantDifference
from elastometer.model.estimates import Interval
from elastometer.model.measure import Better
from elastometer.model.report import Verdict
from elastometer.model.run_figures import RunFigures
from elastometer.model.study import Gate
from elastometer.study.compare.compare import compare
from elastometer.study.compare.question import question_of
from elastometer.study.compare.terms import CompareTerms, VariantTerms
from support.comparisons import ALWAYS, EAGER, GPU, MISSES, QUEUE, SPEC, Values, compared, difference, run, runs, terms

P95 = "timeToFirstTokenP95Milliseconds"
# t of 4 degrees of freedom.
T4 = 2.7764451051977987


def test_a_difference_is_the_means_difference_with_students_interval():
    """Both variances are 4: 10 ± t₄ · √(4 · 2/3)."""
    found = difference(compared({"queue": QUEUE, "eager": EAGER}), MISSES, "eager", "queue")
    half = T4 * (4 * 2 / 3) ** 0.5
    assert (found.absolute, found.percent) == (-10.0, -20.0)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((-10 - half, -10 + half))
    assert (found.percent_interval, found.judgement) == (None, Judgement.BETTER)


def test_gpu_seconds_differ_by_a_factor_whose_interval_is_scipys_of_their_logarithms():
    found = difference(compared({"queue": QUEUE, "always": ALWAYS}), GPU, "always", "queue")
    logs = [[float(stats.gmean([value])) for value in values] for values in (ALWAYS[GPU], QUEUE[GPU])]
    ratio = float(stats.gmean(logs[0]) / stats.gmean(logs[1]))
    assert found.percent == pytest.approx(100 * (ratio - 1))
    assert found.absolute == pytest.approx(float(stats.gmean(logs[0]) - stats.gmean(logs[1])))
    assert found.percent_interval is not None
    assert found.interval is not None
    assert found.percent_interval.low < 100 * (ratio - 1) < found.percent_interval.high
    base = float(stats.gmean(logs[1]))
    assert found.interval.low == pytest.approx(base * found.percent_interval.low / 100)
    assert found.judgement is Judgement.WORSE


def test_a_figure_is_the_median_of_its_runs_with_students_interval_about_the_mean():
    found = compared({"queue": {MISSES: [40, 50, 60]}, "eager": EAGER})
    row = found.row(MISSES)
    assert row is not None
    figure = row.figure("queue")
    expected = stats.ttest_1samp([40, 50, 60], 0).confidence_interval()
    assert figure is not None
    assert figure.interval is not None
    assert (figure.median, figure.mean, figure.repetitions, figure.values) == (50.0, 50.0, (1, 2, 3), (40, 50, 60))
    assert (figure.interval.low, figure.interval.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("measure", "values", "low", "high"), [
    (MISSES, [0, 1, 5], 0.0, None), ("successPercent", [99, 100, 100], None, 100.0),
    ("tauUnderReady", [0.1, 0.9, 1.0], 0.0, 1.0), ("successPercent", [100, 100, 100], None, 100.0)])
def test_the_interval_of_a_figure_ends_at_what_a_run_can_have(
    measure: str, values: list[float], low: float | None, high: float | None,
):
    row = compared({"queue": {measure: values}, "eager": EAGER}).row(measure)
    figure = None if row is None else row.figure("queue")
    assert figure is not None
    assert figure.interval is not None
    assert low in (None, figure.interval.low)
    assert high in (None, figure.interval.high)
    assert figure.interval.low < sum(values) / 3 <= figure.interval.high


def test_one_run_of_each_says_nothing_about_the_noise():
    found = compared({"queue": {MISSES: [50], GPU: [600]}, "eager": {MISSES: [1], GPU: [300]}})
    one = difference(found, MISSES, "eager", "queue")
    assert (one.absolute, one.interval, one.judgement) == (-49.0, None, Judgement.CANNOT_TELL)
    assert one.reason == "one run of each: the noise between runs is not known"
    assert found.best.sentence == "None is best: one run of each: the noise between runs is not known."
    assert found.judged == 0
    assert found.notes == ("queue, eager: one run each. How much another run would differ is not known, so that "
                           "nothing is called Better or Worse; repeat them.",)
    assert found.verdict is Verdict.PASS


def test_two_single_runs_whose_requests_were_read_say_what_the_noise_within_them_is():
    slow, quick = [1000.0 + index % 7 for index in range(200)], [500.0 + index % 5 for index in range(200)]
    made = [run("queue", 1, {P95: 1006.0}, samples={P95: slow}), run("eager", 1, {P95: 504.0}, samples={P95: quick})]
    found = compare(terms("queue", "eager"), made)
    one, back = difference(found, P95, "eager", "queue"), difference(found, P95, "queue", "eager")
    assert one.judgement is Judgement.CANNOT_TELL
    assert one.within_runs == Interval(-502.0, -502.0)
    assert back.within_runs == Interval(502.0, 502.0)
    assert one.reason == ("one run of each: the noise between runs is not known; the interval of the noise within the "
                          "two runs does not include 0")


def test_a_measure_that_a_variant_lacks_cannot_be_judged_and_says_whose_and_why():
    found = compared({"queue": QUEUE, "eager": {MISSES: [None, None, None], GPU: EAGER[GPU]}})
    one = difference(found, MISSES, "eager", "queue")
    assert one == VariantDifference("eager", "queue", None, None, None, None, Judgement.CANNOT_TELL,
                                    "eager: not measured here")
    assert found.best.variant is None
    assert [one.on_front for one in found.variants] == [True, None]
    assert found.variants[1].front_reason == "not measured here"


def test_runs_without_a_value_are_counted_and_the_others_compared():
    found = compared({"queue": QUEUE, "eager": {MISSES: [38, None, 42], GPU: EAGER[GPU]}})
    row = found.row(MISSES)
    assert row is not None
    figure = row.figure("eager")
    assert isinstance(figure, Figure)
    assert (figure.values, figure.repetitions, figure.reason) == ((38, 42), (1, 3), "1 of 3 runs: not measured here")
    expected = stats.ttest_ind([38, 42], QUEUE[MISSES], equal_var=False).confidence_interval()
    one = difference(found, MISSES, "eager", "queue")
    assert one.interval is not None
    assert (one.interval.low, one.interval.high) == pytest.approx((expected.low, expected.high))


def test_excluded_runs_are_named_and_change_no_number():
    without = compared({"queue": QUEUE, "eager": EAGER})
    bad: RunFigures = run("eager", 4, {MISSES: 9000, GPU: 1}, excluded="it was not carried out (Unschedulable)")
    found = compare(replace(terms("queue", "eager"), variants=(VariantTerms("queue", 3), VariantTerms("eager", 5))),
                    [*runs({"queue": QUEUE, "eager": EAGER}), bad])
    assert found.rows == without.rows
    assert found.sentences[1:] == (
        "6 of 8 runs were compared, in 2 variants.",
        "s-eager-4 is not compared: it was not carried out (Unschedulable).", "1 run of eager was not made.")


def test_a_variant_that_is_not_compared_keeps_its_runs_and_says_why():
    other = VariantTerms("calibrate", not_compared="a calibration bears another load")
    asked = CompareTerms("s", "n", "queue", (VariantTerms("queue"), VariantTerms("eager"), other))
    found = compare(asked, runs({"queue": QUEUE, "eager": EAGER, "calibrate": ALWAYS}))
    assert found.best.variant == "eager"
    assert "calibrate is not compared: a calibration bears another load." in found.sentences
    assert [(one.name, one.compared) for one in found.variants] == [("queue", 3), ("eager", 3), ("calibrate", 0)]


def _gated(gate: Gate, new: Values, base: Values = QUEUE) -> tuple[GateState, str]:
    found = compared({"queue": base, "new": new}, gate)
    assert [one.variant for one in found.gates] == ["new"]
    return found.gates[0].state, found.gates[0].message


@pytest.mark.parametrize(("gate", "new", "expected"), [
    (Gate(MISSES, percent=10), {MISSES: [38, 40, 42]}, GateState.HELD),
    (Gate(MISSES, percent=30), {MISSES: [48, 50, 52]}, GateState.HELD),
    (Gate(MISSES, percent=5), {MISSES: [48, 50, 52]}, GateState.CANNOT_TELL),
    (Gate(MISSES, percent=10), {MISSES: [68, 70, 72]}, GateState.REGRESSED),
    (Gate(MISSES, percent=60), {MISSES: [68, 70, 72]}, GateState.HELD),
    (Gate(MISSES, absolute=Decimal(5)), {MISSES: [68, 70, 72]}, GateState.REGRESSED),
    (Gate(MISSES, absolute=Decimal(30)), {MISSES: [68, 70, 72]}, GateState.HELD),
    (Gate(MISSES, absolute=Decimal(20)), {MISSES: [68, 70, 72]}, GateState.CANNOT_TELL),
    (Gate(MISSES, percent=0), {MISSES: [30, 31, 32]}, GateState.HELD),
    (Gate(GPU, percent=10), {GPU: [920, 915, 910]}, GateState.REGRESSED),
    (Gate(GPU, percent=60), {GPU: [920, 915, 910]}, GateState.HELD),
    (Gate(GPU, absolute=Decimal("100")), {GPU: [920, 915, 910]}, GateState.REGRESSED),
    (Gate(GPU, absolute=Decimal("400")), {GPU: [920, 915, 910]}, GateState.HELD),
    (Gate(MISSES, percent=10, direction=Better.HIGHER), {MISSES: [38, 40, 42]}, GateState.REGRESSED),
    (Gate(MISSES, percent=10), {MISSES: [500]}, GateState.CANNOT_TELL),
    (Gate(MISSES, percent=10), {GPU: [600, 610, 620]}, GateState.CANNOT_TELL),
])
def test_a_gate_holds_only_where_the_whole_interval_is_within_its_bound(gate: Gate, new: Values, expected: GateState):
    assert _gated(gate, new)[0] is expected


def test_a_gate_on_what_never_happened_holds_and_one_occurrence_leaves_it_undecided():
    never: Values = {MISSES: [0, 0, 0]}
    assert _gated(Gate(MISSES, percent=10), never, never)[0] is GateState.HELD
    assert _gated(Gate(MISSES, percent=10), {MISSES: [0, 0, 1]}, never)[0] is GateState.CANNOT_TELL
    assert _gated(Gate(MISSES, percent=10), {MISSES: [7, 8, 9]}, never)[0] is GateState.REGRESSED


def test_a_gate_states_both_numbers_its_bound_and_how_many_repetitions_may_tell():
    """The bound is 53, 3 s above the mean of 50; √(4/3 + 4.41/3)·t₄ is 4.62 s: (4.62/2.5)² · 3 = 10.9 repetitions."""
    state, message = _gated(Gate(MISSES, percent=5), {MISSES: [48, 50, 52]})
    assert state is GateState.CANNOT_TELL
    assert message == ("Objective-miss seconds of new: 0 s (−4.53 to +4.53 s); at most 5 % more is allowed; "
                       "about 11 repetitions of each may tell")


def test_gates_alone_give_the_verdict_of_a_study_that_has_some():
    held, loose = Gate(GPU, percent=30), Gate(MISSES, percent=1)
    found = compared({"queue": QUEUE, "eager": EAGER}, held)
    assert (found.verdict, found.verdict_reason, found.verdict_message) == (
        Verdict.PASS, "GatesHeld", "every gate held (1 of 1)")
    same: Values = {MISSES: [49, 50, 51], GPU: [601, 612, 620]}
    found = compared({"queue": QUEUE, "same": same}, held, loose, verdict=Verdict.FAIL)
    assert (found.verdict, found.verdict_reason) == (Verdict.INCONCLUSIVE, "GatesUncertain")
    found = compared({"queue": QUEUE, "same": same, "always": ALWAYS}, held, loose)
    assert (found.verdict, found.verdict_reason) == (Verdict.FAIL, "GatesRegressed")
    assert found.verdict_message.startswith("GPU-seconds of always: +50 %")


@pytest.mark.parametrize(("verdicts", "expected"), [
    ((Verdict.FAIL, Verdict.FAIL), (Verdict.FAIL, "ObjectivesMissed")),
    ((Verdict.NOT_JUDGED, Verdict.NOT_JUDGED), (Verdict.NOT_JUDGED, "NoObjectives")),
    ((Verdict.PASS, Verdict.FAIL), (Verdict.PASS, "ObjectivesMet")),
])
def test_without_gates_the_objectives_give_the_verdict(
    verdicts: tuple[Verdict, Verdict], expected: tuple[Verdict, str],
):
    made = [*runs({"queue": QUEUE}, verdicts[0]), *runs({"eager": EAGER}, verdicts[1])]
    found = compare(terms("queue", "eager"), made)
    assert (found.verdict, found.verdict_reason) == expected


def test_a_variant_none_of_whose_runs_was_carried_out_leaves_the_study_inconclusive():
    made = [*runs({"queue": QUEUE}, Verdict.FAIL), run("eager", 1, {}, excluded="it was not carried out")]
    found = compare(terms("queue", "eager"), made)
    assert (found.verdict, found.verdict_message) == (Verdict.INCONCLUSIVE, "no run of eager could be compared")
    assert found.best.sentence == "None is best: fewer than two variants have a run that could be compared."


def test_nothing_at_all_is_inconclusive_and_never_green():
    for gates in ((), (Gate(MISSES, percent=10),)):
        found = compare(terms("queue", "eager", gates=gates), [])
        assert (found.verdict, found.verdict_reason) == (Verdict.INCONCLUSIVE, "NothingToCompare")
        assert {one.state for one in found.gates} <= {GateState.CANNOT_TELL}


def _scored(*four: float) -> dict[str, float]:
    return dict(zip(("thetaUnderReady", "thetaOverReady", "tauUnderReady", "tauOverReady"), four, strict=True))


def test_the_elastic_speedup_is_the_geometric_mean_of_four_ratios_against_the_variant_without_an_autoscaler():
    """(0.4/0.1 · 2/1 · 0.5/0.25 · 0.9/0.9)^¼ = 16^¼ = 2."""
    fixed = [run("fixed", index, _scored(0.4, 2, 0.5, 0.9), scaler="None") for index in (1, 2)]
    queue = [run("queue", index, _scored(0.1, 1, 0.25, 0.9)) for index in (1, 2)]
    found = compare(terms("queue", "fixed"), [*fixed, *queue])
    assert [(one.variant, one.against) for one in found.speedups] == [("queue", "fixed"), ("fixed", "queue")]
    assert [one.value for one in found.speedups] == pytest.approx([2.0, 0.5])
    assert [one.judgement for one in found.speedups] == [Judgement.BETTER, Judgement.WORSE]
    assert [one.is_static for one in found.variants] == [False, True]


def test_a_speedup_with_a_factor_of_zero_or_without_one_is_refused_by_its_name():
    made = [run("queue", 1, _scored(0.1, 0, 0.25, 0.9)), run("fixed", 1, _scored(0.4, 2, 0.5, 0.9), scaler="None")]
    found = compare(terms("queue", "fixed"), made).speedups[0]
    assert (found.value, found.judgement) == (None, Judgement.CANNOT_TELL)
    assert found.reason == "θ over (Ready) of s-queue-1 is 0, and ε multiplies by it or divides by it"
    lacking = [run("queue", 1, {"thetaUnderReady": None}), made[1]]
    found = compare(terms("queue", "fixed"), lacking).speedups[0]
    assert found.reason == "θ under (Ready) of s-queue-1 is not known: not measured here"


def test_a_variant_of_which_runs_are_missing_has_not_met_all_objectives_in_every_run():
    made = runs({"queue": {MISSES: [50]}, "eager": {MISSES: [3, 4, 5]}}, Verdict.PASS)
    some = [one for one in made if one.label.run != "s-eager-3"]
    asked = replace(terms("queue", "eager"), variants=(VariantTerms("queue", 3), VariantTerms("eager", 3)))
    found = compare(asked, some)
    assert (found.verdict, found.verdict_reason) == (Verdict.INCONCLUSIVE, "VariantNotCompared")
    assert found.verdict_message == ("queue met all objectives in the runs that could be compared, but 2 of 3 runs of "
                                     "queue could not be compared")


def test_gates_that_held_name_the_runs_that_are_missing():
    made = runs({"base": {MISSES: [50, 50, 50]}, "new": {MISSES: [3, 4]}})
    asked = replace(terms("base", "new"), gates=(Gate(MISSES, percent=10),),
                    variants=(VariantTerms("base", 3), VariantTerms("new", 5)))
    assert compare(asked, made).verdict_message == (
        "every gate held (1 of 1); 3 of 5 runs of new could not be compared")


def test_runs_whose_question_is_not_recorded_are_named():
    made = runs({"queue": {MISSES: [50, 50]}, "eager": {MISSES: [3, 4]}})
    found = compare(terms("queue", "eager"), [replace(one, question=question_of({})) if one.label.variant == "eager"
                                              else one for one in made])
    assert found.notes[0] == ("what was asked of s-eager-1, s-eager-2 is not recorded (spec.json): nothing shows that "
                              "it is the same question")


def test_wins_count_repetitions_that_both_have_and_a_second_of_misses_is_a_draw():
    made = runs({"queue": {MISSES: [50, 50, 50, 50]}, "eager": {MISSES: [40, 51, 60]}})
    found = compare(terms("queue", "eager"), made)
    assert [(one.variant, one.wins, one.losses, one.draws, one.points) for one in found.wins] == [
        ("queue", 1, 1, 1, 1.5), ("eager", 1, 1, 1, 1.5)]
    assert [one.points for one in found.variants] == [1.5, 1.5]


def test_without_gpus_the_cost_is_in_replica_seconds():
    found = compared({"queue": {MISSES: [5, 6], "replicaSeconds": [60, 61]},
                      "eager": {MISSES: [5, 6], "replicaSeconds": [30, 31]}})
    assert (found.primary_cost, found.best.variant) == ("replicaSeconds", "eager")


def test_the_note_says_how_many_differences_are_outside_by_chance():
    found = compared({"queue": QUEUE, "eager": EAGER})
    assert (found.judged, found.outside_by_chance) == (2, 0.1)
    assert found.notes == (
        "2 differences from the baseline were judged, each at 95 %: if no variant differed at all, about 0.1 would "
        "still be called Better or Worse by chance; 1 is. What decides are the gates, the objective-miss seconds and "
        "GPU-seconds.",)


def _asked(**change: object) -> list[RunFigures]:
    other = question_of({**SPEC, **change})
    return [*runs({"queue": QUEUE}), *(replace(one, question=other) for one in runs({"eager": EAGER}))]


def test_runs_of_another_load_are_not_compared_unless_asked_to_and_what_differs_is_named():
    stages = [{"name": "calm", "type": "Rate", "durationSeconds": 60}]
    made = _asked(load={"seed": 7, "workers": 9, "stages": stages})
    found = compare(terms("queue", "eager"), made)
    line = "spec.load.stages[0].durationSeconds: 30 and 60"
    assert found.differing == (f"eager: {line}",)
    assert difference(found, MISSES, "eager", "queue").reason == f"the runs were asked differently: {line}"
    assert found.best.variant is None
    across = compare(terms("queue", "eager", across=True), made)
    assert across.best.variant == "eager"
    assert across.differing == found.differing


def test_another_price_keeps_from_comparing_money_alone():
    made = [replace(one, figures={**one.figures, "money": 1.0 + one.label.repetition})
            for one in _asked(price={"perGPUHour": "3.00", "currency": "EUR"})]
    found = compare(terms("queue", "eager"), made)
    assert difference(found, "money", "eager", "queue").judgement is Judgement.CANNOT_TELL
    assert difference(found, MISSES, "eager", "queue").judgement is Judgement.BETTER


def test_a_baseline_that_is_no_variant_is_refused():
    asked = CompareTerms("s", "n", "quueue", (VariantTerms("queue"),))
    with pytest.raises(ValueError, match="must be one of the variants, is 'quueue'"):
        compare(asked, [])


def test_every_pair_has_a_difference_so_that_any_variant_can_be_the_baseline():
    found: Comparison = compared({"a": QUEUE, "b": EAGER, "c": ALWAYS})
    assert {(one.variant, one.baseline) for one in found.rows[0].differences} == {
        (one, other) for one in "abc" for other in "abc" if one != other}


def test_a_measure_that_never_varied_is_not_counted_among_those_that_chance_may_call_different():
    found = compared({"queue": {**QUEUE, "lostRequests": [0, 0, 0]}, "eager": {**EAGER, "lostRequests": [0, 0, 0]}})
    assert difference(found, "lostRequests", "eager", "queue").judgement is Judgement.WITHIN_NOISE
    assert found.judged == 2


def test_a_repetition_that_is_given_twice_is_refused_since_it_would_agree_with_itself():
    made = runs({"queue": QUEUE})
    with pytest.raises(ValueError, match="must be given once, is given more often: queue 2"):
        compare(terms("queue"), [*made, made[1]])

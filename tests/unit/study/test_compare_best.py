"""Which variant is best, why, and what is said where none is."""
from __future__ import annotations

from dataclasses import replace

from elastometer.model.report import Verdict
from elastometer.model.study import Gate
from elastometer.study.compare.compare import compare
from support.comparisons import ALWAYS, EAGER, GPU, MISSES, QUEUE, Values, compared, runs, terms


def test_the_best_variant_is_named_with_its_margin():
    found = compared({"queue": QUEUE, "eager": EAGER})
    assert found.best.variant == "eager"
    assert found.best.sentence == (
        "eager is best: compared with queue, Objective-miss seconds −10 s (−14.5 to −5.47 s); "
        "GPU-seconds 0 % (−2.9 to +3 %), within the noise.")


def test_a_tradeoff_has_no_best_variant_and_names_both_ends():
    found = compared({"queue": QUEUE, "always": ALWAYS})
    assert found.best.variant is None
    assert found.best.sentence == (
        "None is best: always has 0 objective-miss seconds and 915 GPU-seconds; "
        "queue has 50 objective-miss seconds and 610 GPU-seconds.")
    assert [one.on_front for one in found.variants] == [True, True]


def test_equal_variants_have_no_best_one():
    found = compared({"queue": QUEUE, "same": {MISSES: [51, 49, 50], GPU: [612, 601, 618]}})
    assert found.best == replace(found.best, variant=None,
                                 sentence="None is best: queue, same differ in objective-miss seconds and "
                                          "GPU-seconds by no more than the noise.")


def test_the_only_variant_that_meets_all_objectives_in_every_run_is_best_whatever_it_costs():
    made = runs({"queue": QUEUE, "always": ALWAYS})
    made = [replace(one, verdict=Verdict.FAIL) if one.label.run in ("s-queue-1", "s-queue-3") else one for one in made]
    found = compare(terms("queue", "always"), made)
    assert found.best.variant == "always"
    assert found.best.sentence == (
        "always is best: it alone met all objectives in each of its 3 runs (queue in 1 of 3); "
        "0 objective-miss seconds and 915 GPU-seconds.")
    assert (found.verdict, found.verdict_reason) == (Verdict.PASS, "ObjectivesMet")
    assert found.verdict_message == "always meets all objectives in every run"


def test_where_some_pass_in_every_run_the_others_are_not_in_question():
    """`cheap` fails its objectives once; of the other two, `eager` beats `queue`."""
    cheap: Values = {MISSES: [60, 60, 60], GPU: [300, 310, 305]}
    made = runs({"queue": QUEUE, "eager": EAGER, "cheap": cheap})
    made = [replace(one, verdict=Verdict.FAIL) if one.label.run == "s-cheap-2" else one for one in made]
    found = compare(terms("queue", "eager", "cheap"), made)
    assert found.best.variant == "eager"
    assert found.best.sentence.endswith("Not every run of cheap met all objectives.")


def test_a_variant_that_a_gate_found_worse_is_never_best():
    found = compared({"queue": QUEUE, "always": {MISSES: [0, 0, 0], GPU: [655, 660, 650]}}, Gate(GPU, percent=2))
    assert found.best.variant is None
    assert found.best.sentence.endswith("A gate found always worse than the baseline.")


def test_one_variant_with_the_lowest_medians_is_not_best_where_its_lead_is_noise():
    made = runs({"a": {MISSES: [1, 1, 9], GPU: [500, 600, 700]}, "b": {MISSES: [5, 6, 5], GPU: [610, 620, 630]},
                 "c": {MISSES: [90, 95, 92], GPU: [910, 920, 930]}})
    assert compare(terms("a", "b", "c"), made).best.sentence == (
        "None is best: a has the lowest medians, 1 objective-miss second and 600 GPU-seconds, but is not better than b "
        "beyond the noise.")


def test_one_run_that_passed_is_not_said_to_have_missed_an_objective():
    made = [*runs({"two": {MISSES: [50, 52], GPU: [600, 610]}}), *runs({"one": {MISSES: [51], GPU: [605]}})]
    assert compare(terms("two", "one"), made).best.sentence.endswith("Of one, a single run could be compared.")


def test_a_variant_that_another_has_both_less_misses_and_less_cost_is_not_on_the_front():
    worse: Values = {MISSES: [60, 60, 60], GPU: [700, 700, 700]}
    found = compared({"queue": QUEUE, "worse": worse, "twin": QUEUE, "always": ALWAYS})
    assert [(one.name, one.on_front) for one in found.variants] == [
        ("queue", True), ("worse", False), ("twin", True), ("always", True)]


def test_the_only_variant_that_passes_is_best_even_if_nothing_is_known_of_its_cost():
    made = [*runs({"queue": {MISSES: [3, 3]}}), *runs({"eager": {"flaps": [0, 0]}}, Verdict.FAIL)]
    assert compare(terms("queue", "eager"), made).best.sentence == (
        "queue is best: it alone met all objectives in each of its 2 runs (eager in 0 of 2); 3 objective-miss seconds.")

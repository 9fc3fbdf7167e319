"""What would help most: which change is named, what is printed about it, and what there is where the twin cannot."""
from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from elastometer.judgement import judge
from elastometer.model.bundle import Bundle
from elastometer.model.report import Report, Verdict
from elastometer.model.story import Advice, AdviceSource, MoreReplicas, SentenceKind
from elastometer.model.terms import Indicator, Objective
from elastometer.twin.advice import advise, fitted
from elastometer.twin.advice.changes import changes, merge_patch
from elastometer.twin.advice.choose import Scale, cheapest, choose
from elastometer.twin.advice.forecast import Figures, Forecast, effect
from elastometer.twin.advice.near import near, pairs
from elastometer.twin.search.vary.fields import Setting
from elastometer.world.bundle_reader import load_bundle
from elastometer_loadgen.base.record import Outcome
from support.what_if_worlds import hpa_baseline, keda_baseline

RUNS = Path(__file__).parents[2] / "golden/runs"
WINDOW = Setting("behavior.scaleUp.stabilizationWindowSeconds", 0)
MINIMUM = Setting("minReplicas", 4)
TARGET = Setting("target", "1")


def forecast(*settings: Setting, misses: int, cost: float, held: int) -> Forecast:
    """Nine equal draws, but for the number of those in which the objectives hold."""
    return Forecast(settings, tuple(Figures(number < held, misses, 1000.0, cost) for number in range(9)))


def scale(error: float = 10.0) -> Scale:
    """100 objective-miss seconds at 500 GPU-seconds; a fixed maximum would cost 1,000."""
    return Scale(forecast(misses=100, cost=500, held=0), 1000.0, error)


def test_a_fixed_maximum_is_worth_nothing_and_a_free_cure_everything():
    assert scale().worth(forecast(MINIMUM, misses=0, cost=1000, held=9)) == 0.0
    assert scale().worth(forecast(WINDOW, misses=0, cost=500, held=9)) == 1.0
    assert scale().worth(forecast(TARGET, misses=50, cost=750, held=0)) == 0.0


def test_of_two_cures_the_one_that_costs_less_is_named():
    window, minimum = forecast(WINDOW, misses=0, cost=600, held=9), forecast(MINIMUM, misses=0, cost=1000, held=9)
    assert choose([minimum, window], scale()) is window


def test_a_change_that_makes_all_objectives_hold_comes_before_a_cheaper_one_that_does_not():
    window, minimum = forecast(WINDOW, misses=20, cost=500, held=2), forecast(MINIMUM, misses=0, cost=900, held=9)
    assert choose([window, minimum], scale()) is minimum


def test_of_cures_the_cheapest_is_named_although_another_leaves_fewer_misses():
    """In a lab run the two were worth 0.50 each, and the planted fault was the window."""
    window, minimum = forecast(WINDOW, misses=4, cost=620, held=6), forecast(MINIMUM, misses=0, cost=678, held=9)
    assert choose([minimum, window], scale()) is window


def test_a_cure_with_one_setting_is_not_replaced_by_a_cheaper_one_with_two():
    one, both = forecast(WINDOW, misses=4, cost=620, held=6), forecast(WINDOW, TARGET, misses=0, cost=500, held=9)
    assert choose([one, both], scale(error=0.1)) is one


def test_a_second_setting_must_add_more_than_the_twin_can_tell():
    one = forecast(WINDOW, misses=30, cost=500, held=3)
    both = forecast(WINDOW, TARGET, misses=25, cost=500, held=3)
    assert choose([one, both], scale(error=10.0)) is one
    assert choose([one, both], scale(error=1.0)) is both


def test_where_only_two_settings_hold_the_objectives_both_are_named():
    one, both = forecast(WINDOW, misses=30, cost=500, held=3), forecast(WINDOW, TARGET, misses=29, cost=500, held=7)
    assert choose([one, both], scale(error=50.0)) is both


def test_nothing_is_chosen_of_nothing():
    assert choose([], scale()) is None


def test_a_cheaper_run_must_hold_as_often_and_miss_no_more():
    recorded = forecast(misses=3, cost=500, held=9)
    good = forecast(TARGET, misses=3, cost=400, held=9)
    assert cheapest([forecast(WINDOW, misses=4, cost=300, held=9), good], recorded) is good
    assert cheapest([forecast(WINDOW, misses=0, cost=300, held=8)], recorded) is None
    assert cheapest([forecast(WINDOW, misses=0, cost=500, held=9)], recorded) is None


def test_the_error_that_is_printed_is_the_largest_of_a_draw_under_the_recorded_settings():
    recorded = Forecast((), tuple(Figures(False, misses, 9000.0, 500.0) for misses in (80, 100, 135)))
    changed = Forecast((WINDOW,), tuple(Figures(True, misses, None, 510.0) for misses in (0, 4, 30)))
    measured = Figures(False, 103, 9100.0, 505.0)
    found = effect(measured, recorded, changed, lambda one: one.miss_seconds)
    assert found is not None
    assert (found.measured, found.predicted, found.low, found.high, found.plus_minus) == (103, 4, 0, 30, 32)
    assert effect(measured, recorded, changed, lambda one: one.first_token) is None


def test_candidates_are_near_within_the_same_maximum_and_each_changes_something():
    for base in (hpa_baseline(), keda_baseline()):
        found = near(base, tolerances=True)
        settings = [setting for one in found for option in one.options for setting in option]
        assert {one.name for one in found} >= {"target", "behavior.scaleUp.policies"}
        assert not [one for one in settings if one.path in ("metric", "maxReplicas", "maxReplicaCount")]
        assert Setting("behavior.scaleUp.stabilizationWindowSeconds", 0) not in settings
        minimums = [one.value for one in settings if one.path in ("minReplicas", "minReplicaCount")]
        assert sorted(minimums) == [2, 3, 4]


def test_a_server_without_tolerances_gets_none_and_a_target_never_falls_below_one_by_much():
    found = near(hpa_baseline(), tolerances=False)
    assert not [one.name for one in found if one.name.endswith("tolerance")]
    targets = next(one for one in found if one.name == "target")
    assert [option[0].value for option in targets.options] == ["1", "1500m", "3", "4", "6"]


def test_a_target_that_is_far_too_high_may_also_become_one():
    metric = {"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"},
                                       "target": {"type": "AverageValue", "averageValue": "60"}}}
    targets = next(one for one in near(hpa_baseline(metrics=[metric]), tolerances=False) if one.name == "target")
    assert [option[0].value for option in targets.options] == ["6", "15", "30", "45", "90", "120", "180", "1"]


def test_pairs_take_one_option_from_each_of_two_fields():
    made = pairs([[(WINDOW,)], [(MINIMUM,), (TARGET,)]])
    assert made == [(WINDOW, MINIMUM), (WINDOW, TARGET)]


def test_a_change_has_its_full_path_and_what_the_controller_took_where_the_manifest_says_nothing():
    base = hpa_baseline()
    policies = Setting("behavior.scaleUp.policies", [{"type": "Pods", "value": 4, "periodSeconds": 15}])
    found = changes(base, (Setting("target", "1"), policies, Setting("behavior.scaleUp.tolerance", "0")))
    assert [(one.path, one.before, one.after) for one in found] == [
        ("metrics[0].pods.target.averageValue", "2", "1"),
        ("behavior.scaleUp.policies", "Pods 1 in 15 s", "Pods 4 in 15 s"),
        ("behavior.scaleUp.tolerance", "0.1", "0")]


def test_the_patch_has_the_changed_fields_alone():
    patch = merge_patch(hpa_baseline(), (Setting("minReplicas", 2), WINDOW))
    assert patch is not None
    assert yaml.safe_load(patch) == {"spec": {"minReplicas": 2}}
    assert patch.startswith("# kubectl -n demo patch hpa demo-server --type merge")


@lru_cache(maxsize=1)
def bundle() -> Bundle:
    return load_bundle(RUNS / "honest-pods-a")


@lru_cache(maxsize=1)
def report() -> Report:
    return judge(bundle())


def advice(of: Report) -> Advice:
    assert of.story.advice is not None
    return of.story.advice


def test_the_advice_for_a_recorded_run_starts_from_what_was_measured_in_it():
    found = advice(report())
    assert found.basis is AdviceSource.WHAT_IF
    assert found.miss_seconds is not None
    assert found.first_token_p95_milliseconds is not None
    assert found.cost is not None
    assert found.miss_seconds.measured == 103
    assert found.first_token_p95_milliseconds.measured == report().summary.time_to_first_token_p95_milliseconds
    assert report().price is not None
    assert found.cost.measured == pytest.approx(report().price.paid_gpu_seconds, abs=0.1)
    assert found.miss_seconds.measured - found.miss_seconds.predicted > found.miss_seconds.plus_minus > 0


def test_the_patch_of_the_advice_makes_the_changes_that_the_sentence_names():
    found = advice(report())
    assert found.patch is not None
    assert bundle().provenance["autoscaler"]["spec"]["maxReplicas"] == 4
    assert "maxReplicas" not in yaml.safe_load(found.patch)["spec"]
    text = next(one.text for one in report().story.sentences if one.kind is SentenceKind.HELP)
    for change in found.changes:
        assert change.path in text
    assert "the twin's own error on this run" in text


def test_the_same_bundle_gets_the_same_advice():
    assert judge(bundle()).story == report().story


def test_a_run_that_the_twin_cannot_be_fitted_to_is_advised_by_its_findings_and_says_why():
    bare = judge(replace(bundle(), provenance={}))
    found = advice(bare)
    assert (found.basis, found.finding) == (AdviceSource.FINDING, "MaximumClamped")
    assert found.reason is not None
    assert found.reason.startswith("the twin cannot be fitted to this run: provenance.autoscaler: ")
    assert found.patch is None


def test_a_run_with_too_many_requests_names_the_command_that_searches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fitted, "MAX_REQUESTS", 1000)
    found = advice(judge(bundle()))
    assert found.basis is AdviceSource.FINDING
    assert found.reason is not None
    assert found.reason.startswith("1,018 requests are more than the 1,000 that a judgement ")
    assert found.reason.endswith("`elastometer what-if BUNDLE --search` does")


@pytest.mark.parametrize(("outcome", "failed", "searched"), [
    (Outcome.REFUSED, 60, False), (Outcome.REFUSED, 30, True), (Outcome.TIMED_OUT, 60, True)])
def test_failures_that_the_twin_does_not_predict_are_no_misses_that_a_setting_saves(
    outcome: Outcome, failed: int, searched: bool,
):
    """Of 1,018 requests; the twin fails none while a replica serves, unless it times out."""
    bundle = load_bundle(RUNS / "honest-pods-a")
    requests = tuple(replace(one, outcome=outcome) if number < failed else one
                     for number, one in enumerate(bundle.requests))
    story = judge(replace(bundle, requests=requests)).story
    assert story.advice is not None
    assert (story.advice.basis is AdviceSource.WHAT_IF) is searched
    reason = None if searched else "60 of 1,018 requests failed in ways that the twin does not predict: 60 Refused"
    assert story.advice.reason == reason


def test_misses_that_the_twin_does_not_see_are_not_promised_to_go():
    """Every third request times out although there are slots: 191 objective-miss seconds, of which the twin sees some
    107. Without them it would promise that a higher minimum leaves none."""
    bundle = load_bundle(RUNS / "honest-pods-a")
    requests = tuple(replace(one, outcome=Outcome.TIMED_OUT, first_token=None) if number % 3 == 0 else one
                     for number, one in enumerate(bundle.requests))
    story = judge(replace(bundle, requests=requests)).story
    assert story.advice is not None
    assert story.advice.basis is AdviceSource.NONE
    assert story.advice.miss_seconds is not None
    assert story.advice.miss_seconds.measured - story.advice.miss_seconds.predicted > 150


@pytest.mark.parametrize(("held", "asked"), [(9, False), (5, True)])
def test_more_replicas_are_not_said_to_be_needed_where_a_setting_within_the_maximum_holds(
    held: int, asked: bool, monkeypatch: pytest.MonkeyPatch,
):
    """The setting saves no more than the twin's own error, but all objectives are predicted to hold with it."""
    monkeypatch.setattr(advise, "_helps", lambda *_: False)
    monkeypatch.setattr(advise._Adviser, "_more_replicas", lambda *_: MoreReplicas(6, 8))
    real = advise._Adviser._advised
    monkeypatch.setattr(advise._Adviser, "_advised", lambda self, chosen: replace(real(self, chosen), held=held))
    found = advice(judge(bundle()))
    assert found.basis is AdviceSource.NONE
    assert (found.more_replicas is not None) is asked


def test_a_load_that_was_not_delivered_is_not_searched():
    late = replace(bundle(), generators=tuple(replace(one, fell_behind=True) for one in bundle().generators))
    found = advice(judge(late))
    assert (found.basis, found.finding) == (AdviceSource.FINDING, "ClientBound")
    assert found.reason == "the load was not delivered as specified"


def test_a_run_without_objectives_that_is_blind_is_judged_by_the_objective_that_is_proposed():
    found = advice(judge(replace(bundle(), terms=replace(bundle().terms, objectives=()))))
    assert found.basis is AdviceSource.WHAT_IF
    assert found.proposed is not None
    assert found.proposed.maximum_milliseconds == 2000


def test_the_recorded_run_that_passed_over_65_bad_seconds_says_so():
    """The demo of before: its objectives bound the first token in the calm stage alone."""
    story = judge(load_bundle(RUNS / "cpu1")).story
    assert story.blind is not None
    assert "no objective covers the 65 s in which p95 was above 5 s" in story.sentences[0].text.lower()
    assert [(one.start_seconds, one.end_seconds) for one in story.blind.stretches] == [(55.0, 120.0)]


def test_a_run_whose_requests_all_met_their_objectives_has_nothing_to_save():
    """An objective on cold starts was missed: no setting of the autoscaler starts a replica faster."""
    slow = Objective("cold-start", Indicator.COLD_START, 95, 1, None, None)
    first = Objective("first-token", Indicator.TIME_TO_FIRST_TOKEN, 95, 600_000, None, None)
    judged = judge(replace(bundle(), terms=replace(bundle().terms, objectives=(first, slow))))
    assert judged.verdict is Verdict.FAIL
    assert judged.story.cost is not None
    assert judged.story.cost.miss_seconds == 0
    assert advice(judged).reason == "no request missed an objective"
    assert advice(judged).basis is AdviceSource.FINDING


def test_where_nothing_helps_instant_starts_are_compared_with_the_recorded_ones_as_predicted():
    """34 seconds were measured; the twin is off by some of them, which is not the cold start's part."""
    found = judge(load_bundle(RUNS / "honest-pods-b"))
    said = advice(found)
    assert (said.basis, said.miss_seconds is not None and said.miss_seconds.measured) == (AdviceSource.NONE, 34)
    assert said.recorded_miss_seconds is not None
    assert said.instant_start_miss_seconds is not None
    assert said.instant_start_miss_seconds < said.recorded_miss_seconds < 34
    assert any(f"predicts {said.instant_start_miss_seconds} objective-miss seconds instead of "
               f"{said.recorded_miss_seconds}" in one.text for one in found.story.sentences)

"""Settings that are worth a live run: within the maximum, different from each other, and ready to apply."""
from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import orjson
import pytest

from elastometer.cli.base.offline import served_test
from elastometer.model.bundle import Bundle
from elastometer.model.bundle_files import STRUCK
from elastometer.model.measures import GPU_SECONDS, MISS_SECONDS
from elastometer.model.story import Change
from elastometer.model.terms import Terms
from elastometer.model.tuning import TuneOutcome, TuneResult, TuneTerms
from elastometer.model.tuning_document import tune_document, tune_result
from elastometer.study.tune.chosen import Candidate, chosen, useful
from elastometer.study.tune.tune import tune
from elastometer.study.tune.variants import spec_patch, tuned_variants
from elastometer.study.variants.variant_spec import patched
from elastometer.twin.advice.choose import Scale
from elastometer.twin.advice.forecast import Figures, Forecast
from elastometer.twin.search.vary.fields import Setting
from elastometer.world.bundle_reader import load_bundle
from support.what_if_worlds import hpa_baseline, keda_baseline

RUNS = Path(__file__).parents[2] / "golden/runs"
ERRORS = {MISS_SECONDS: 20.0, GPU_SECONDS: 50.0}


@lru_cache(maxsize=1)
def bundle() -> Bundle:
    return load_bundle(RUNS / "honest-pods-a")


@lru_cache(maxsize=1)
def result() -> TuneResult:
    return tune(bundle(), TuneTerms(candidates=60, confirm=3))


def test_of_a_run_that_missed_much_better_settings_are_found():
    """The recorded run missed 103 s with one replica at the beginning; the search may not raise the maximum."""
    found = result()
    assert found.outcome is TuneOutcome.FOUND
    assert found.considered == 60
    assert [one.name for one in found.variants] == ["tuned-1", "tuned-2", "tuned-3"]
    assert found.base is not None
    assert found.variants[0].predicted.figures[MISS_SECONDS].median < found.base.figures[MISS_SECONDS].median / 2


def test_every_figure_lies_within_its_range_over_chance():
    assert result().base is not None
    for predicted in (result().base, *(one.predicted for one in result().variants)):
        assert predicted is not None
        assert predicted.draws == 9
        assert {MISS_SECONDS, GPU_SECONDS} <= set(predicted.figures)
        assert all(one.low <= one.median <= one.high for one in predicted.figures.values())


def test_ranges_are_widened_by_how_far_the_twin_was_from_the_searched_run():
    """The draws alone give GPU-seconds that are too low; what was measured must lie within the range of the base."""
    found = result()
    assert found.base is not None
    assert found.measured is not None
    for name, figure in found.base.figures.items():
        assert figure.low <= found.measured[name] <= figure.high
    shift = abs(found.base.figures[GPU_SECONDS].median - found.measured[GPU_SECONDS])
    assert shift > 1
    for one in found.variants:
        cost = one.predicted.figures[GPU_SECONDS]
        assert cost.high - cost.median >= shift - 0.02
        assert cost.median - cost.low >= shift - 0.02


def test_every_variant_is_a_valid_test_that_changes_the_autoscaler_within_its_maximum():
    recorded = orjson.loads(orjson.dumps(bundle().spec))
    for one in result().variants:
        test = {"metadata": {"name": "tuned"}, "spec": patched(recorded["spec"], one.patch)}
        spec = served_test({"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest", **test})
        assert list(one.patch) == ["autoscaler"]
        assert spec.scaler.maximum == 4
        assert spec.raw["autoscaler"] != recorded["spec"]["autoscaler"]
        assert one.changes


def test_the_same_run_and_terms_give_the_same_result_and_it_can_be_stored():
    again = tune(bundle(), TuneTerms(candidates=60, confirm=3))
    assert again == result()
    assert tune_result(orjson.loads(orjson.dumps(tune_document(again)))) == again


def test_within_a_price_that_nothing_can_meet_the_proof_says_so():
    found = tune(bundle(), TuneTerms(candidates=10, maximum_gpu_seconds=1))
    assert (found.outcome, found.variants) == (TuneOutcome.NOTHING_HELPS, ())
    assert {one.name for one in found.proof} == {"AlwaysMaximum", "InstantStart", "Oracle"}
    most = next(one.predicted.figures[GPU_SECONDS].median for one in found.proof if one.name == "AlwaysMaximum")
    assert f"{most:,.0f}" in found.reason
    assert "and 1 are allowed" in found.reason


@pytest.mark.parametrize(("run", "reason"), [
    (Bundle(Terms(test="demo", namespace="demo")), "must"),
    (replace(bundle(), observations=()), "coldStarts"),
    (replace(bundle(), terms=replace(bundle().terms, objectives=())), "spec.objectives"),
])
def test_a_run_that_the_twin_cannot_answer_for_says_why(run: Bundle, reason: str):
    found = tune(run, TuneTerms(candidates=10))
    assert (found.outcome, found.variants) == (TuneOutcome.CANNOT_TELL, ())
    assert reason in found.reason


def candidate(name: int, *, misses: int, cost: float) -> Candidate:
    """Nine equal draws, in none of which the objectives hold."""
    made = Forecast((Setting("minReplicas", name),), tuple(Figures(False, misses, None, cost) for _ in range(9)))
    return Candidate(made, made)


BASE = candidate(1, misses=100, cost=500)


def picked(*found: Candidate, count: int) -> list[tuple[object, bool]]:
    scale = Scale(BASE.choosing, 1000.0, ERRORS[MISS_SECONDS])
    return [(one.choosing.settings[0].value, apart) for one, apart in chosen(found, BASE, scale, ERRORS, count)]


def test_variants_that_the_twin_cannot_tell_apart_give_way_to_others():
    near, twin, other = (candidate(2, misses=10, cost=600), candidate(3, misses=12, cost=590),
                         candidate(4, misses=60, cost=500))
    assert [value for value, apart in picked(near, twin, other, count=2) if apart] in ([2, 4], [3, 4])


def test_where_no_others_are_left_variants_that_are_alike_are_run_and_marked():
    found = picked(candidate(2, misses=10, cost=600), candidate(3, misses=12, cost=590), count=3)
    assert sorted(apart for _, apart in found) == [False, True]


def test_what_is_beaten_worse_than_the_base_or_too_expensive_is_not_run():
    good, beaten = candidate(2, misses=10, cost=600), candidate(3, misses=20, cost=700)
    worse, dear = candidate(4, misses=110, cost=400), candidate(5, misses=0, cost=900)
    assert useful([good, beaten, worse, dear], BASE, 800) == [good]


def test_another_metric_is_named_with_its_target():
    settings = (Setting("metric", "running"), Setting("target", 2))
    made = Candidate(*(Forecast(settings, BASE.choosing.draws) for _ in "ab"))
    (one,) = tuned_variants([(made, True)], hpa_baseline(), None, {})
    assert one.changes == (Change("metric", "waiting", "running with a target of 2"),)
    assert "vllm_num_requests_running" in str(one.patch)


def test_settings_that_change_nothing_have_no_patch():
    assert spec_patch(hpa_baseline(), ()) is None
    assert spec_patch(hpa_baseline(), (Setting("maxReplicas", 4),)) is None


def test_a_patch_of_a_scaled_object_is_one_of_the_tests_scaled_object():
    assert spec_patch(keda_baseline(), (Setting("minReplicaCount", 2),)) == {
        "autoscaler": {"scaledObject": {"minReplicaCount": 2}}}


def test_a_patch_that_would_repeat_what_was_struck_out_is_not_made():
    base = keda_baseline()
    base.manifest["spec"]["triggers"][0]["metadata"]["serverAddress"] = f"http://user:{STRUCK}@prometheus:9090"
    assert spec_patch(base, (Setting("target", 5),)) is None
    assert spec_patch(base, (Setting("minReplicaCount", 2),)) is not None

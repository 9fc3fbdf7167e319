"""What a study's spec says, and what is refused of it, without an API server."""
from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from elastometer.model.errors import SpecError
from elastometer.model.study import Gate, Order, Preset, StopWhen, StudySpec, TuneSpec, run_count
from elastometer.model.study_parse import parse_study

TEMPLATE: dict[str, Any] = {"target": {}, "autoscaler": {"type": "None"}, "load": {"stages": []}}


def body(name: str = "scalers", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "staging", "uid": "0a1b2c3d-0000", "generation": 1},
            "spec": {"template": TEMPLATE, "variants": [{"name": "queue"}, {"name": "cpu"}], **spec}}


def study(name: str = "scalers", **spec: Any) -> StudySpec:
    return parse_study(body(name, **spec))


def flaws(name: str = "scalers", **spec: Any) -> tuple[str, ...]:
    with pytest.raises(SpecError) as error:
        parse_study(body(name, **spec))
    return error.value.flaws


def test_what_is_not_given_has_its_default():
    found = study()
    assert (found.baseline, found.repetitions, found.order, found.seed) == ("queue", 1, Order.INTERLEAVED, 0)
    assert (found.parallelism, found.warmup, found.gates, found.tune) == (1, False, (), None)
    assert found.stop_when == StopWhen(variant_passes=False, run_fails=False, gpu_seconds=None, minutes=None)


def test_what_is_given_is_read():
    found = study(
        variants=[{"name": "a", "patch": {"price": None}}, {"name": "b", "preset": "StaticMaximum"}], baseline="b",
        repetitions=3, order="Randomized", seed=7, parallelism=2, warmup="Run",
        stopWhen={"variantPasses": True, "gpuSeconds": 20000, "minutes": 120},
        gates=[{"measure": "missSeconds", "maximumRegressionPercent": 10},
               {"measure": "gpuSeconds", "maximumRegression": "5.5", "direction": "HigherIsBetter"}],
        tune={"from": "a", "maximumGpuSeconds": 2000})
    assert [(one.name, one.patch, one.preset) for one in found.variants] == [
        ("a", {"price": None}, None), ("b", {}, Preset.STATIC_MAXIMUM)]
    assert (found.baseline, found.order, found.warmup) == ("b", Order.RANDOMIZED, True)
    assert found.stop_when == StopWhen(variant_passes=True, gpu_seconds=20000, minutes=120)
    assert found.gates == (Gate("missSeconds", percent=10),
                           Gate("gpuSeconds", absolute=Decimal("5.5"), direction="HigherIsBetter"))
    assert found.tune == TuneSpec("a", candidates=1000, confirm=3, maximum_gpu_seconds=2000)


def test_the_baseline_is_the_first_variant_that_has_the_load_of_the_template():
    assert study(variants=[{"name": "one", "preset": "Calibration"}, {"name": "two"}]).baseline == "two"


def test_the_baseline_is_the_first_variant_that_is_compared():
    assert study(variants=[{"name": "main", "compared": False}, {"name": "two"}]).baseline == "two"


def test_a_variant_that_is_only_reported_is_no_baseline():
    found = flaws(variants=[{"name": "main", "compared": False}, {"name": "two"}], baseline="main")
    assert found == ("spec.baseline: must be a variant that is compared, is 'main', which has compared: false",)


def test_a_variant_may_be_run_less_often_than_the_others_but_not_more_often():
    rarely = study(variants=[{"name": "main", "repetitions": 1}, {"name": "two"}], repetitions=3)
    assert [rarely.repetitions_of(one) for one in rarely.variants] == [1, 3]
    assert run_count(rarely) == 4
    assert flaws(variants=[{"name": "main"}, {"name": "two", "repetitions": 4}], repetitions=3) == (
        "spec.variants[1].repetitions: must be at most those of the study (3), is 4",)


def test_the_runs_of_the_warm_up_and_of_tuned_variants_count():
    assert run_count(study(repetitions=3, warmup="Run", tune={"from": "cpu", "confirm": 2})) == 13


def test_an_unknown_baseline_is_refused_with_the_names_that_are_known():
    assert flaws(baseline="keda") == ("spec.baseline: must be the name of a variant (queue, cpu), is 'keda'",)


def test_two_variants_of_one_name_are_refused():
    assert flaws(variants=[{"name": "a"}, {"name": "a"}]) == (
        "spec.variants[1].name: must differ from that of every other variant, is 'a'",)


def test_a_name_that_found_variants_have_is_refused():
    assert "spec.variants[0].name: must not be 'tuned-' and a number" in flaws(variants=[{"name": "tuned-1"}])[0]
    assert study(variants=[{"name": "tuned-well"}])


def test_a_study_of_more_than_200_runs_is_refused():
    many = [{"name": f"v{number}"} for number in range(20)]
    assert study(variants=many, repetitions=10)
    assert flaws(variants=many, repetitions=11) == (
        "spec.repetitions: must make at most 200 runs, makes 220; reduce repetitions (11) or variants (20)",)


def test_a_run_with_a_name_of_more_than_40_characters_is_refused():
    assert study(name="s" * 32, repetitions=1)
    assert flaws(name="s" * 33, repetitions=1) == (
        f"spec.variants[0].name: must make runs with names of at most 40 characters, makes '{'s' * 33}-queue-1' (41); "
        "shorten the variant's name or that of the study",)


def test_a_gate_has_one_bound():
    both = {"measure": "missSeconds", "maximumRegressionPercent": 10, "maximumRegression": "1"}
    assert flaws(gates=[both, {"measure": "money"}]) == (
        "spec.gates[0]: must have exactly one of maximumRegressionPercent and maximumRegression, has both",
        "spec.gates[1]: must have exactly one of maximumRegressionPercent and maximumRegression, has neither")


def test_a_calibration_is_neither_baseline_nor_tuned():
    found = flaws(variants=[{"name": "one", "preset": "Calibration"}, {"name": "two"}], baseline="one",
                  tune={"from": "one"})
    assert [flaw.partition(": ")[0] for flaw in found] == ["spec.baseline", "spec.tune.from"]


def test_calibrations_alone_can_be_compared_with_each_other():
    assert study(variants=[{"name": "one", "preset": "Calibration"}, {"name": "two", "preset": "Calibration"}],
                 baseline="two").baseline == "two"

"""How a template and a patch make a test: merge patches, flags by name, presets, and the order of the runs."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.model.errors import SpecError
from elastometer.model.merge_patch import merged, patch_between
from elastometer.model.study import StudySpec, Variant, tuned_variant
from elastometer.model.study_parse import parse_study
from elastometer.study.variants.accepted import accepted_study, run_manifest, variant_flaws
from elastometer.study.variants.planned_runs import PlannedRun, planned_runs
from elastometer.study.variants.variant_spec import variant_spec
from support.studies import study_body


def study(*variants: dict[str, Any], **spec: Any) -> StudySpec:
    return parse_study(study_body(*variants, **spec))


def spec_of(variant: dict[str, Any], **spec: Any) -> dict[str, Any]:
    found = study(variant, **spec)
    return variant_spec(found, found.variants[0])


def args_of(*patch: str) -> list[str]:
    made = spec_of({"name": "a", "patch": {"target": {"server": {"args": list(patch)}}}})
    args: list[str] = made["target"]["server"]["args"]
    return args


# Appendix A of RFC 7386, all of it.
@pytest.mark.parametrize(("target", "patch", "result"), [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
])
def test_a_merge_patch_does_what_the_rfc_says(target: Any, patch: Any, result: Any):
    assert merged(target, patch) == result


def test_the_patch_between_two_documents_makes_the_second_of_the_first():
    old, new = {"a": 1, "b": {"c": 1, "d": 2}, "e": [1]}, {"b": {"c": 1, "x": {"y": 0}}, "e": [2], "f": "g"}
    patch = patch_between(old, new)
    assert patch == {"a": None, "b": {"d": None, "x": {"y": 0}}, "e": [2], "f": "g"}
    assert merged(old, patch) == new
    with pytest.raises(ValueError, match="a must not be null"):
        patch_between({}, {"a": None})


def test_a_variant_without_a_patch_is_the_template():
    made = study({"name": "a"})
    assert variant_spec(made, made.variants[0]) == made.template


def test_a_patch_leaves_the_template_as_it_was():
    before = study_body()["spec"]["template"]
    made = study({"name": "a", "patch": {"autoscaler": {"horizontalPodAutoscaler": {"minReplicas": 3}}}})
    assert variant_spec(made, made.variants[0])["autoscaler"]["horizontalPodAutoscaler"]["minReplicas"] == 3
    assert made.template == before


def test_a_flag_of_the_patch_replaces_that_flag_alone_where_it_stood():
    assert args_of("--max-num-seqs=8") == ["--max-num-seqs=8", "--max-model-len", "4096", "--enable-prefix-caching"]


@pytest.mark.parametrize("patch", [
    ("--max-model-len=2048",), ("--max-model-len", "2048"), ("--max_model_len", "2048"), ("--max-model-le=2048",)])
def test_every_spelling_of_a_flag_replaces_every_other(patch: tuple[str, ...]):
    assert args_of(*patch) == ["--max-num-seqs=4", *patch, "--enable-prefix-caching"]


def test_the_name_that_switches_a_flag_off_replaces_the_one_that_switches_it_on():
    assert args_of("--no-enable-prefix-caching")[-1] == "--no-enable-prefix-caching"
    assert "--enable-prefix-caching" not in args_of("--no-enable-prefix-caching")


def test_a_flag_that_the_template_lacks_is_added_at_the_end():
    assert args_of("--gpu-memory-utilization=0.8")[-2:] == ["--enable-prefix-caching", "--gpu-memory-utilization=0.8"]


def test_a_flag_that_nobody_knows_is_replaced_by_its_name_as_well():
    first = study({"name": "a"}, template={"target": {"server": {"args": ["--of-a-later-release", "1"]}}})
    patched = Variant("b", {"target": {"server": {"args": ["--of-a-later-release=2", "--other"]}}})
    assert variant_spec(first, patched)["target"]["server"]["args"] == ["--of-a-later-release=2", "--other"]


def test_a_repeated_flag_of_the_patch_replaces_all_of_the_template():
    args = ["--api-key", "a", "--seed=1", "--api-key=b"]
    first = study({"name": "a"}, template={"target": {"server": {"args": args}}})
    patched = Variant("b", {"target": {"server": {"args": ["--api-key=x"]}}})
    assert variant_spec(first, patched)["target"]["server"]["args"] == ["--api-key=x", "--seed=1"]


def test_a_list_that_begins_with_no_flag_replaces_the_whole_list():
    assert args_of("vllm serve $MODEL --max-num-seqs=2") == ["vllm serve $MODEL --max-num-seqs=2"]
    assert args_of() == []


def test_null_deletes_all_arguments():
    assert "args" not in spec_of({"name": "a", "patch": {"target": {"server": {"args": None}}}})["target"]["server"]


def test_a_word_of_the_patch_that_belongs_to_no_flag_is_refused():
    patch = {"target": {"server": {"args": ["--max-num-seqs=8", "4"]}}}
    with pytest.raises(SpecError) as error:
        accepted_study(study_body({"name": "a", "patch": patch}))
    assert error.value.flaws == (
        "spec.variants[0].patch.target.server.args[1]: must be a flag or its value, is '4'",)


@pytest.mark.parametrize(("preset", "replicas"), [("StaticMinimum", 2), ("StaticMaximum", 5)])
def test_a_static_preset_holds_the_replicas_at_a_limit_of_the_autoscaler(preset: str, replicas: int):
    made = spec_of({"name": "a", "preset": preset})
    assert made["autoscaler"] == {"type": "None", "replicas": replicas}


def test_a_preset_reads_the_limits_of_a_scaled_object():
    keda = {"type": "ScaledObject", "scaledObject": {"maxReplicaCount": 6, "triggers": []}}
    template = {"autoscaler": keda, "target": {}, "load": {}}
    assert spec_of({"name": "a", "preset": "StaticMaximum"}, template=template)["autoscaler"]["replicas"] == 6
    assert spec_of({"name": "a", "preset": "StaticMinimum"}, template=template)["autoscaler"]["replicas"] == 1


def test_a_preset_of_a_template_without_an_autoscaler_keeps_its_replicas():
    template = {"autoscaler": {"type": "None", "replicas": 3}, "target": {}, "load": {}}
    assert spec_of({"name": "a", "preset": "StaticMinimum"}, template=template)["autoscaler"] == {
        "type": "None", "replicas": 3}


def test_no_replicas_at_all_is_refused_as_a_static_minimum():
    zero = study_body()["spec"]["template"]
    zero["autoscaler"]["horizontalPodAutoscaler"]["minReplicas"] = 0
    with pytest.raises(SpecError, match=(
            r"spec.variants\[0\] \(low\): spec.template.autoscaler.horizontalPodAutoscaler.minReplicas: must be at "
            r"least 1 for StaticMinimum, since a target that nothing scales needs a replica, is 0")):
        accepted_study(study_body({"name": "low", "preset": "StaticMinimum"}, template=zero))


def test_a_patch_is_applied_after_the_preset():
    made = spec_of({"name": "a", "preset": "StaticMaximum", "patch": {"autoscaler": {"replicas": 7}}})
    assert made["autoscaler"] == {"type": "None", "replicas": 7}


def test_a_patch_to_another_type_of_autoscaler_drops_what_belongs_to_the_old_one_without_a_null():
    keda = {"type": "ScaledObject", "scaledObject": {"maxReplicaCount": 3, "triggers": []}}
    assert spec_of({"name": "a", "patch": {"autoscaler": keda}})["autoscaler"] == keda
    assert spec_of({"name": "a", "patch": {"autoscaler": {"type": "None"}}})["autoscaler"] == {"type": "None"}
    fixed = study({"name": "a"}, template={"autoscaler": {"type": "None", "replicas": 3}})
    assert variant_spec(fixed, Variant("b", {"autoscaler": keda}))["autoscaler"] == keda


def test_what_a_patch_gives_of_another_type_stays_to_be_refused():
    both = {"type": "ScaledObject", "scaledObject": {}, "horizontalPodAutoscaler": {"maxReplicas": 9}}
    assert spec_of({"name": "a", "patch": {"autoscaler": both}})["autoscaler"].keys() == both.keys()


def test_a_calibration_has_one_replica_and_a_load_that_rises_to_its_knee():
    template = {**study_body()["spec"]["template"], "demand": {"calibrationRef": {"name": "scalers-one-1"}},
                "price": {"perGPUHour": "2.50", "currency": "USD"}}
    made = spec_of({"name": "one", "preset": "Calibration"}, template=template)
    assert made["autoscaler"] == {"type": "None"}
    assert [stage["type"] for stage in made["load"]["stages"]] == ["Knee"]
    assert made["load"]["tasks"] == template["load"]["tasks"]
    assert made.keys() & {"objectives", "demand"} == set()
    assert (made["target"], made["price"]) == (template["target"], template["price"])


def test_a_tuned_variant_changes_the_test_of_its_source():
    made = study({"name": "high", "patch": {"autoscaler": {"horizontalPodAutoscaler": {"minReplicas": 4}}}},
                 tune={"from": "high"})
    assert made.tune is not None
    found = tuned_variant(made.tune, 1, {"autoscaler": {"horizontalPodAutoscaler": {"maxReplicas": 9}}})
    body = variant_spec(made, found)["autoscaler"]["horizontalPodAutoscaler"]
    assert (found.name, body["minReplicas"], body["maxReplicas"]) == ("tuned-1", 4, 9)


def test_a_variant_without_an_autoscaler_cannot_be_tuned():
    with pytest.raises(SpecError, match=r"spec.tune.from: must be a variant with an autoscaler.*is 'most'"):
        accepted_study(study_body({"name": "most", "preset": "StaticMaximum"}, tune={"from": "most"}))


def test_a_variant_without_an_objective_on_requests_cannot_be_tuned():
    cold = {"name": "cold", "patch": {"objectives": [
        {"name": "start", "indicator": "ColdStart", "maximumMilliseconds": 9000}]}}
    with pytest.raises(SpecError, match=r"spec.tune.from: must be a variant with an objective on requests.*is 'cold'"):
        accepted_study(study_body({"name": "base"}, cold, tune={"from": "cold"}))
    accepted_study(study_body({"name": "base"}, cold, tune={"from": "base"}))


def runs(**spec: Any) -> list[str]:
    return [run.name.removeprefix("scalers-") for run in planned_runs(study(
        {"name": "a"}, {"name": "b"}, {"name": "c"}, repetitions=2, **spec))]


def test_interleaved_runs_make_each_repetition_of_every_variant_in_turn():
    assert runs() == ["a-1", "b-1", "c-1", "a-2", "b-2", "c-2"]


def test_sequential_runs_finish_one_variant_before_the_next():
    assert runs(order="Sequential") == ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"]


@pytest.mark.parametrize(("order", "expected"), [
    ("Interleaved", ["a-1", "b-1", "c-1", "b-2", "c-2"]), ("Sequential", ["a-1", "b-1", "b-2", "c-1", "c-2"])])
def test_a_variant_that_is_run_less_often_leaves_its_later_turns_to_the_others(order: str, expected: list[str]):
    made = study({"name": "a", "repetitions": 1}, {"name": "b"}, {"name": "c"}, repetitions=2, order=order)
    assert [run.name.removeprefix("scalers-") for run in planned_runs(made)] == expected


def test_randomized_runs_draw_the_order_of_each_repetition_from_the_seed():
    drawn = {tuple(runs(order="Randomized", seed=seed)) for seed in range(200)}
    assert len(drawn) == 36  # all orders of the first repetition with all of the second
    assert all({run[:1] for run in order[:3]} == {"a", "b", "c"} for order in drawn)
    assert runs(order="Randomized", seed=3) == runs(order="Randomized", seed=3)


def test_the_warm_up_is_the_first_run_is_of_the_baseline_and_is_not_judged():
    made = study({"name": "a"}, {"name": "b"}, baseline="b", warmup="Run")
    first, second, *_ = planned_runs(made)
    assert first == PlannedRun("scalers-warmup", "b", 0, judged=False)
    assert second == PlannedRun("scalers-a-1", "a", 1, judged=True)


def test_tuned_variants_run_last():
    made = study({"name": "a"}, {"name": "b"}, repetitions=2, tune={"from": "a"})
    assert made.tune is not None
    names = [run.name for run in planned_runs(made, [tuned_variant(made.tune, 1, {})])]
    assert names[-2:] == ["scalers-tuned-1-1", "scalers-tuned-1-2"]
    assert len(names) == 6


def test_the_test_of_a_run_states_its_place_in_the_study():
    made = study({"name": "a"})
    metadata = run_manifest(made, made.variants[0], planned_runs(made)[0])["metadata"]
    assert metadata["name"] == "scalers-a-1"
    assert metadata["labels"] == {
        "elastometer.dev/study": "scalers", "elastometer.dev/variant": "a", "elastometer.dev/repetition": "1",
        "app.kubernetes.io/managed-by": "elastometer"}


def test_a_flaw_of_every_variant_is_said_once_as_one_of_the_template():
    made = study({"name": "a"}, {"name": "b"})
    both, one = "spec.load.stages: must be given, is absent", "spec.autoscaler.type: must be given, is absent"
    assert variant_flaws(made, {"a": (both,), "b": (both, one)}) == (
        "spec.template.load.stages: must be given, is absent",
        "spec.variants[1] (b): spec.autoscaler.type: must be given, is absent")


def test_a_patch_that_nobody_could_mean_is_refused_before_anything_reads_it():
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"a": deep}
    many = {"target": {"server": {"args": [f"--x={number}" for number in range(20_000)]}}}
    with pytest.raises(SpecError) as caught:
        accepted_study(study_body({"name": "deep", "patch": deep}, {"name": "many", "patch": many}))
    assert caught.value.flaws == (
        "spec.variants[0].patch: must have at most 40 levels of objects and lists within each other, has more",
        "spec.variants[1].patch.target.server.args: must have at most 64 entries, has 20000",
    )

"""Whether two runs were asked the same question, and what differs where they were not."""
from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from elastometer.model.run_figures import Question
from elastometer.study.compare.question import SHOWN, differences_of_question, in_words, question_of
from support.comparisons import SPEC


def _differing(change: Any, *, measure: str | None = None) -> tuple[str, ...]:
    other = deepcopy(SPEC)
    change(other)
    return differences_of_question(question_of(SPEC), question_of(other), measure)


def test_what_a_study_compares_is_no_difference():
    def change(spec: dict[str, Any]) -> None:
        spec["autoscaler"] = {"type": "None", "replicas": 3}
        spec["target"]["server"] = {"image": "v2", "args": ["--max-num-seqs=8"]}
        spec["measurement"] = {"settleSeconds": 5}
        spec["load"]["workers"] = 8

    assert _differing(change) == ()


@pytest.mark.parametrize(("change", "expected"), [
    (lambda spec: spec["load"].update(seed=8), ("spec.load.seed: 7 and 8",)),
    (lambda spec: spec["load"]["stages"].append({"name": "drop"}), ("spec.load.stages[1].name: absent and 'drop'",)),
    (lambda spec: spec["target"]["model"].update(name="n"), ("spec.target.model.name: 'm' and 'n'",)),
    (lambda spec: spec["objectives"][0].update(minimumPercent=95),
     ("spec.objectives.served.minimumPercent: 99 and 95",)),
    (lambda spec: spec.update(objectives=[]), (
        "spec.objectives.served.indicator: 'RequestSuccess' and absent",
        "spec.objectives.served.minimumPercent: 99 and absent", "spec.objectives.served.name: 'served' and absent")),
])
def test_another_load_model_or_objective_is_named_by_its_path_and_both_values(change: Any, expected: tuple[str, ...]):
    assert _differing(change) == expected
    assert _differing(change, measure="gpuSeconds") == expected


def test_the_order_of_objectives_and_nulls_are_no_difference():
    one, other = deepcopy(SPEC), deepcopy(SPEC)
    second = {"name": "quick", "indicator": "ColdStart", "maximumMilliseconds": 9000, "stageName": None}
    one["objectives"] = [*one["objectives"], second]  # type: ignore[misc]
    other["objectives"] = [{**second, "taskName": None}, *other["objectives"]]  # type: ignore[misc]
    assert differences_of_question(question_of(one), question_of(other)) == ()


def test_a_price_and_a_given_demand_decide_about_their_own_measures_alone():
    price, demand = {"price": {"perGPUHour": "2.00"}}, {"demand": {"requestsPerSecond": "1.5"}}
    assert _differing(lambda spec: spec.update(price), measure="gpuSeconds") == ()
    assert _differing(lambda spec: spec.update(price), measure="money") == (
        "spec.price.perGPUHour: absent and '2.00'",)
    assert _differing(lambda spec: spec.update(demand), measure="latencyP50Milliseconds") == ()
    for measure in ("thetaUnderReady", "idleGpuSeconds", "overshootReplicas"):
        assert len(_differing(lambda spec: spec.update(demand), measure=measure)) == 1


def test_many_differences_are_cut_and_counted():
    def change(spec: dict[str, Any]) -> None:
        spec["load"]["tasks"] = [{"name": f"t{index}"} for index in range(SHOWN + 4)]

    found = _differing(change)
    assert (len(found), found[-1]) == (SHOWN + 1, "spec.load: 4 more differences")


def test_files_of_the_load_differ_by_their_digests_where_both_records_have_them():
    def digests(value: str) -> dict[str, Any]:
        return {"loadFiles": [{"name": "trace.csv", "sha256": value}]}

    one, other = question_of(SPEC, digests("aa")), question_of(SPEC, digests("bb"))
    assert differences_of_question(one, other) == ("spec.load.files.trace.csv: 'aa' and 'bb'",)
    assert differences_of_question(one, question_of(SPEC)) == ()
    assert differences_of_question(question_of(SPEC), one) == ()


def test_a_record_without_a_spec_is_not_known_to_differ():
    assert question_of({}) == Question()
    assert differences_of_question(Question(), question_of(SPEC)) == ()
    assert in_words(None) == {}


def test_a_spec_given_whole_and_as_its_spec_alone_ask_the_same():
    assert question_of({"metadata": {"name": "x"}, "spec": SPEC}) == question_of(SPEC)


def test_a_question_in_words_has_small_values_and_digests_of_larger_ones():
    words = in_words(question_of(SPEC))
    assert (words["model"], words["price"]) == ("m", "none")
    assert words["load"].startswith("4 values, digest ")
    assert words["load"] != in_words(question_of({**SPEC, "load": {"seed": 1, "a": 2, "b": 3, "c": 4}}))["load"]


@pytest.mark.parametrize("spec", [
    {"load": 7}, {"load": {"stages": "x"}}, {"objectives": {"a": 1}}, {"objectives": ["x", None]},
    {"target": {"model": ["m"]}}, {"price": "free"}, {"load": {"🤷": {"</script>": [None, [1]]}}},
])
def test_a_spec_of_any_shape_has_a_question(spec: dict[str, Any]):
    assert differences_of_question(question_of(spec), question_of(deepcopy(spec))) == ()
    differences_of_question(question_of(spec), question_of(SPEC))

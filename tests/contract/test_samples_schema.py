"""Every sample fits its schema, with unknown fields refused as `--validate=strict` would, and so do a study's tests."""
from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from elastometer.cli.base.offline_study import checked_study
from elastometer.promql.at_zero import reads_only_servers
from elastometer.study.variants.accepted import run_manifest
from elastometer.study.variants.planned_runs import planned_runs

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
SAMPLES = sorted(ROOT.glob("manifests/samples/*.yaml"))
STUDIES = [path for path in SAMPLES if path.name.startswith("study-")]


def closed(node: dict[str, Any]) -> dict[str, Any]:
    """The node as JSON Schema that refuses what it does not name, unless the node keeps unknown fields."""
    made = {key: value for key, value in node.items() if not key.startswith("x-kubernetes") and key != "format"}
    if "properties" in node:
        made["properties"] = {name: closed(child) for name, child in node["properties"].items()}
        made.setdefault("additionalProperties", bool(node.get("x-kubernetes-preserve-unknown-fields")))
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            made[key] = closed(node[key])
    return made


def validator(kind: str) -> jsonschema.Draft202012Validator:
    crd = yaml.safe_load((ROOT / f"manifests/crd/{kind.lower()}.yaml").read_text())
    schema = copy.deepcopy(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(closed(schema))


def load(path: Path) -> Json:
    document: Json = yaml.safe_load(path.read_text())
    return document


def flaws(sample: Json) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(sample["kind"]).iter_errors(sample)]


def as_tests(path: Path) -> Iterator[Json]:
    """The sample itself, or the first test of each variant if it is a study."""
    if load(path)["kind"] == "ElasticityTest":
        yield load(path)
        return
    study = checked_study(path.name, load(path))
    variants = {variant.name: variant for variant in study.variants}
    for run in planned_runs(study):
        if run.repetition == 1:
            yield run_manifest(study, variants[run.variant], run)


TESTS = [test for path in SAMPLES for test in as_tests(path)]


def named(test: Json) -> str:
    return str(test["metadata"]["name"])


def test_there_are_samples_of_tests_and_of_studies():
    assert {"demo.yaml", "keda.yaml", "cpu.yaml", "vllm-gpu.yaml", "knee.yaml", "study-autoscalers.yaml",
            "study-flag-sweep.yaml", "study-tune.yaml", "study-demo.yaml"} <= {path.name for path in SAMPLES}
    assert len(TESTS) > len(SAMPLES)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_fits_the_schema_with_unknown_fields_refused(path: Path):
    assert flaws(load(path)) == []


@pytest.mark.parametrize("test", TESTS, ids=named)
def test_what_a_variant_of_a_sample_makes_fits_the_schema_of_a_test(test: Json):
    assert flaws(test) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_an_unknown_field_is_seen(path: Path):
    sample = load(path)
    sample["spec"].get("template", sample["spec"])["load"]["stages"][0]["duration"] = 3
    assert [error.validator for error in validator(sample["kind"]).iter_errors(sample)] == ["additionalProperties"]


@pytest.mark.parametrize("test", TESTS, ids=named)
def test_a_samples_stages_are_named_once_and_its_objectives_name_them(test: Json):
    """What CEL checks in a cluster: the stage of each objective exists, and the bounds are in order."""
    spec = test["spec"]
    stages = {stage["name"] for stage in spec["load"]["stages"]}
    assert {item["stageName"] for item in spec.get("objectives", ()) if "stageName" in item} <= stages
    assert len(stages) == len(spec["load"]["stages"])


def test_no_two_samples_share_a_name_so_that_one_namespace_can_hold_all():
    names = {named(test) for test in TESTS} | {named(load(path)) for path in STUDIES}
    assert len(names) == len(TESTS) + len(STUDIES)


def test_all_variants_of_a_sample_study_have_the_same_load_and_objectives_so_that_they_can_be_compared():
    for path in STUDIES:
        questions = [(test["spec"]["load"], test["spec"]["objectives"]) for test in as_tests(path)]
        assert all(one == questions[0] for one in questions), path.name


def prometheus_triggers(test: Json) -> list[Json]:
    """Of the sample's ScaledObject, if it has one."""
    triggers = test["spec"]["autoscaler"].get("scaledObject", {}).get("triggers", ())
    return [trigger for trigger in triggers if trigger["type"] == "prometheus"]


BY_QUERY = [test for test in TESTS if prometheus_triggers(test)]


def test_some_samples_scale_by_a_query():
    assert {"demo-keda", "autoscalers-keda-1"} <= set(map(named, BY_QUERY))


@pytest.mark.parametrize("test", BY_QUERY, ids=named)
def test_a_keda_sample_never_takes_a_missing_series_for_an_idle_server(test: Json):
    scaled = test["spec"]["autoscaler"]["scaledObject"]
    if 0 in (scaled.get("idleReplicaCount"), scaled["minReplicaCount"]):
        pytest.skip("at 0 replicas a missing series is an idle service")
    for trigger in prometheus_triggers(test):
        assert trigger["metadata"]["ignoreNullValues"] == "false"
        pods = re.search(r'pod=~"([^"]*)"', trigger["metadata"]["query"])
        assert pods
        assert re.fullmatch(pods[1], f"{named(test)}-server-5d9f7c-x2x4z")
        assert re.fullmatch(pods[1], "another-server-5d9f7c-x2x4z") is None


@pytest.mark.parametrize("test", BY_QUERY, ids=named)
def test_a_sample_that_rests_at_zero_has_a_trigger_that_can_wake_it(test: Json):
    scaled = test["spec"]["autoscaler"]["scaledObject"]
    if 0 not in (scaled.get("idleReplicaCount"), scaled["minReplicaCount"]):
        pytest.skip("it keeps a replica")
    assert not reads_only_servers(scaled)
    assert all(trigger["metadata"].get("ignoreNullValues", "true") == "true" for trigger in prometheus_triggers(test))

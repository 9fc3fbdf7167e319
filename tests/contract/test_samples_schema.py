"""Every sample and study fits the schema, with unknown fields refused as `--validate=strict` would."""
from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from elastometer.promql.at_zero import reads_only_servers

ROOT = Path(__file__).parents[2]
CRD = yaml.safe_load((ROOT / "manifests/crd/elasticitytest.yaml").read_text())
SAMPLES = sorted([*ROOT.glob("manifests/samples/*.yaml"), *ROOT.glob("manifests/studies/*.yaml")])


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


def validator() -> jsonschema.Draft202012Validator:
    schema = copy.deepcopy(CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(closed(schema))


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def test_there_are_samples():
    assert {"demo.yaml", "keda.yaml", "cpu.yaml", "vllm-gpu.yaml", "knee.yaml"} <= {path.name for path in SAMPLES}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_fits_the_schema_with_unknown_fields_refused(path: Path):
    flaws = [f"{error.json_path}: {error.message}" for error in validator().iter_errors(load(path))]
    assert flaws == []


def test_an_unknown_field_is_seen():
    sample = load(ROOT / "manifests/samples/demo.yaml")
    sample["spec"]["load"]["stages"][0]["duration"] = 3
    assert [error.validator for error in validator().iter_errors(sample)] == ["additionalProperties"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_samples_stages_are_named_once_and_its_objectives_name_them(path: Path):
    """What CEL checks in a cluster: the stage of each objective exists, and the bounds are in order."""
    spec = load(path)["spec"]
    stages = {stage["name"] for stage in spec["load"]["stages"]}
    assert {item["stageName"] for item in spec.get("objectives", ()) if "stageName" in item} <= stages
    assert len(stages) == len(spec["load"]["stages"])


def test_no_two_samples_share_a_name_so_that_one_namespace_can_hold_all():
    names = [load(path)["metadata"]["name"] for path in SAMPLES]
    assert len(set(names)) == len(names)


def prometheus_triggers(path: Path) -> list[dict[str, Any]]:
    """Of the sample's ScaledObject, if it has one."""
    triggers = load(path)["spec"]["autoscaler"].get("scaledObject", {}).get("triggers", ())
    return [trigger for trigger in triggers if trigger["type"] == "prometheus"]


def test_some_samples_scale_by_a_query():
    assert [path.name for path in SAMPLES if prometheus_triggers(path)]


@pytest.mark.parametrize("path", [path for path in SAMPLES if prometheus_triggers(path)], ids=lambda path: path.name)
def test_a_keda_sample_never_takes_a_missing_series_for_an_idle_server(path: Path):
    name, scaled = load(path)["metadata"]["name"], load(path)["spec"]["autoscaler"]["scaledObject"]
    if 0 in (scaled.get("idleReplicaCount"), scaled["minReplicaCount"]):
        pytest.skip("at 0 replicas a missing series is an idle service")
    for trigger in prometheus_triggers(path):
        assert trigger["metadata"]["ignoreNullValues"] == "false"
        assert f'pod=~"{name}-server-' in trigger["metadata"]["query"]


@pytest.mark.parametrize("path", [path for path in SAMPLES if prometheus_triggers(path)], ids=lambda path: path.name)
def test_a_sample_that_rests_at_zero_has_a_trigger_that_can_wake_it(path: Path):
    scaled = load(path)["spec"]["autoscaler"]["scaledObject"]
    if 0 not in (scaled.get("idleReplicaCount"), scaled["minReplicaCount"]):
        pytest.skip("it keeps a replica")
    assert not reads_only_servers(scaled)
    assert all(trigger["metadata"].get("ignoreNullValues", "true") == "true" for trigger in prometheus_triggers(path))

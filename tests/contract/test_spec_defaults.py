"""An absent field means the same to the CRD, whose defaults the API server fills in, and to what reads a file."""
from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.model.schema import defaulted
from elastometer.model.spec import TestSpec, parse
from elastometer.model.terms import terms_from
from elastometer.model.triggers import POLLING_SECONDS
from elastometer.plan import Environment, TestPlan, delay_budget, describe

ROOT = Path(__file__).parents[2]
CRD = yaml.safe_load((ROOT / "manifests/crd/elasticitytest.yaml").read_text())
SPEC = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
TRIGGER = {"type": "prometheus", "metadata": {"query": "x", "threshold": "1"}, "useCachedMetrics": True}
SCALERS = {
    "horizontalPodAutoscaler": ("HorizontalPodAutoscaler", {"maxReplicas": 4, "metrics": []}),
    "scaledObject": ("ScaledObject", {"maxReplicaCount": 4, "triggers": [TRIGGER]}),
}


def bare(scaler: str = "scaledObject") -> dict[str, Any]:
    """A test that gives only what it must."""
    kind, body = SCALERS[scaler]
    stage = {"name": "calm", "type": "Rate", "durationSeconds": 5, "endRequestsPerSecond": "1"}
    return {
        "target": {"model": {"name": "m"}, "server": {"image": "i"}},
        "autoscaler": {"type": kind, scaler: copy.deepcopy(body)},
        "load": {"stages": [stage]},
        "objectives": [{"name": "first", "indicator": "TimeToFirstToken", "maximumMilliseconds": 1000}],
    }


def defaults(schema: dict[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every field outside of the load that has a default; test_loadgen_crd.py compares those of the load."""
    for name, child in schema.get("properties", {}).items():
        if "default" in child and child["default"] != {}:
            yield (*path, name), child
        if (*path, name) != ("load",):
            yield from defaults(child.get("items", child), *path, name)


FIELDS = list(defaults(SPEC))


def scaler_of(path: tuple[str, ...]) -> str:
    return next((name for name in SCALERS if name in path), "scaledObject")


def understood(spec: dict[str, Any], environment: Environment) -> tuple[object, ...]:
    """All that is read of a test, without the copies of the spec itself."""
    document = {"metadata": {"namespace": "lab", "name": "demo", "uid": "u"}, "spec": spec}
    test: TestSpec = parse(document)
    plan = TestPlan(test, environment)
    values = replace(test, raw={}, load={}, scaler=replace(test.scaler, body={}))
    # The other terms are those of a bundle, where an absent field stays unknown.
    return values, describe(plan), terms_from(document, {}).objectives


def with_value(spec: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(spec)
    node = changed
    for name in path[:-1]:
        below = node.setdefault(name, {})
        node = below[0] if isinstance(below, list) else below
    node[path[-1]] = value
    return changed


def another(schema: dict[str, Any]) -> object:
    """A value that the schema accepts and that is not its default."""
    if "enum" in schema:
        return next(value for value in schema["enum"] if value != schema["default"])
    return schema["default"] + 1


def test_there_are_defaults_of_all_parts_to_compare() -> None:
    assert {path[0] for path, _ in FIELDS} == {"target", "autoscaler", "measurement", "cleanupPolicy"}
    assert len(FIELDS) >= 13


@pytest.mark.parametrize(("path", "schema"), FIELDS, ids=lambda value: ".".join(value) if type(value) is tuple else "")
def test_an_absent_field_means_what_the_crd_fills_in(
    path: tuple[str, ...], schema: dict[str, Any], environment: Environment
) -> None:
    spec = bare(scaler_of(path))
    absent = understood(spec, environment)
    assert understood(with_value(spec, path, schema["default"]), environment) == absent
    assert understood(with_value(spec, path, another(schema)), environment) != absent, "nobody reads this field"


@pytest.mark.parametrize("scaler", SCALERS)
def test_a_whole_spec_means_the_same_with_and_without_the_crds_defaults(
    scaler: str, environment: Environment
) -> None:
    assert understood(defaulted(bare(scaler), SPEC), environment) == understood(bare(scaler), environment)


def test_kedas_polling_interval_is_kedas_own_everywhere(environment: Environment) -> None:
    polling = SPEC["properties"]["autoscaler"]["properties"]["scaledObject"]["properties"]["pollingInterval"]
    assert polling["default"] == POLLING_SECONDS == 30


@pytest.mark.parametrize(
    ("more", "waits"),
    [
        pytest.param({}, False, id="KEDA queries the source at each sync of the HPA"),
        pytest.param({"triggers": [TRIGGER]}, True, id="cached values are as old as the last poll"),
        pytest.param({"idleReplicaCount": 0}, True, id="idle replicas are woken by a poll"),
    ],
)
def test_kedas_polling_delays_a_scale_out_only_where_it_decides(
    more: dict[str, Any], waits: bool, environment: Environment
) -> None:
    spec = bare()
    plain = {key: value for key, value in TRIGGER.items() if key != "useCachedMetrics"}
    spec["autoscaler"]["scaledObject"] |= {"triggers": [plain], "pollingInterval": 7, **more}
    test = parse({"metadata": {"namespace": "lab", "name": "demo", "uid": "u"}, "spec": spec})
    assert delay_budget(TestPlan(test, environment)).get("kedaPolling") == (7.0 if waits else None)

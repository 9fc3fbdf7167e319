"""What a search varies where the autoscaler is more than one plain sum: nothing that would be refused."""
from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from elastometer.twin.search.vary.candidates import Baseline, under_manifest, vary
from elastometer.twin.search.vary.fields import FORMULA_TARGET
from elastometer.twin.search.vary.grid import dimensions
from support.what_if_worlds import keda_baseline

CPU = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60", "containerName": "server"}}
QUERY = "vllm:num_requests_waiting"


def under(**spec: Any) -> Baseline:
    """The recorded run as if it had been under this ScaledObject."""
    base = keda_baseline()
    manifest = copy.deepcopy(base.manifest)
    manifest["spec"] = {**manifest["spec"], **spec}
    base = replace(base, manifest=manifest, containers={"server": {"cpu": 1000}})
    capacity = replace(base.scenario.capacity, cpu_seconds_per_token=0.01, requests={"cpu": 1000})
    return replace(base, scenario=replace(under_manifest(base, manifest["spec"]), capacity=capacity))


def prometheus(query: str, **fields: Any) -> dict[str, Any]:
    return {"type": "prometheus", "metadata": {"serverAddress": "a", "query": query, "threshold": "2"}, **fields}


def varied(base: Baseline) -> list[set[str]]:
    """The paths of each option of the metric."""
    (found,) = [dimension for dimension in dimensions(base, tolerances=True) if dimension.name == "metric"]
    for option in found.options:
        assert vary(base, option).scenario is not None
    return [{setting.path for setting in option} for option in found.options]


def test_a_plain_sum_may_read_another_metric() -> None:
    assert {"metric", "target"} in varied(under())


@pytest.mark.parametrize(("spec", "path"), [
    ({"triggers": [prometheus(f"avg({QUERY})")]}, "target"),
    ({"triggers": [prometheus(f"sum({QUERY}) + sum({QUERY})")]}, "target"),
    ({"triggers": [CPU, prometheus(f"sum({QUERY})")]}, "triggers[1].metadata.threshold"),
    ({"triggers": [prometheus(f"sum({QUERY})", name="queue")],
      "advanced": {"scalingModifiers": {"formula": "queue * 2", "target": "4"}}}, FORMULA_TARGET),
])
def test_anything_else_keeps_its_metric_and_varies_its_own_target(spec: dict[str, Any], path: str) -> None:
    found = varied(under(**spec))
    assert found
    assert all(option == {path} for option in found)

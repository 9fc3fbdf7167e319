"""A what-if row that could not be predicted is refused before the test runs, with its path, rule and value."""
from __future__ import annotations

import copy
from typing import Any

import pytest

from elastometer.model.errors import SpecError
from elastometer.twin.accepted import accepted_test

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
HPA = {"minReplicas": 1, "maxReplicas": 5, "metrics": [CPU]}
STAGE = {"name": "calm", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": "1"}


def body(**settings: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "lab", "name": "demo", "uid": "u"}, "spec": {
        "target": {"model": {"name": "m"}, "server": {"image": "i"}},
        "autoscaler": {"type": "HorizontalPodAutoscaler", "horizontalPodAutoscaler": copy.deepcopy(HPA)},
        "load": {"stages": [STAGE]}, "whatIf": [{"name": "row", "set": settings}]}}


@pytest.mark.parametrize("settings", [
    {"target": 60}, {"minReplicas": 2}, {"behavior.scaleUp.stabilizationWindowSeconds": 30},
    {"behavior.scaleUp.tolerance": "0.2"}, {"coldStart.scale": 0.5, "load.scale": 2}, {"balancing": "LeastInFlight"},
    {"metric": "waiting", "target": 4},
])
def test_a_row_that_what_if_answers_is_accepted(settings: dict[str, Any]):
    assert accepted_test(body(**settings)).raw["whatIf"][0]["set"] == settings


@pytest.mark.parametrize(("settings", "flaw"), [
    ({"minReplica": 2}, "spec.whatIf[0].set.minReplica: must be a field of the HorizontalPodAutoscaler's spec or a "
                        "setting of the simulator, is unknown (value 2); similar: minReplicas, maxReplicas, "
                        "keda.minReplicaCount"),
    ({"coldStart.scale": -1},
     "spec.whatIf[0].set.coldStart.scale: must be a number of at least 0 and at most 1000, is -1"),
    ({"behavior.scaleUp.policies[7].value": 1}, "policies"),
    ({"minReplicas": 6}, "minReplicas"),
])
def test_a_row_that_makes_no_sense_is_refused_with_path_rule_and_value(settings: dict[str, Any], flaw: str):
    with pytest.raises(SpecError) as error:
        accepted_test(body(**settings))
    assert flaw in error.value.flaws[0]
    assert error.value.flaws[0].startswith("spec.whatIf[0].set.")


def test_a_test_without_rows_is_accepted_as_before():
    bare = body()
    del bare["spec"]["whatIf"]
    assert accepted_test(bare).names.test == "demo"

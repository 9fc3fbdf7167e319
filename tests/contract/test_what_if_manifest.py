"""The manifest that what-if prints is one that the API server and KEDA's CRD take."""
from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from elastometer.hpa.parse import parse_hpa
from elastometer.model.errors import SpecError
from elastometer.twin.search.answer.patch import how_to_apply, manifest, patch
from elastometer.twin.search.vary.candidates import Baseline, vary
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.grid import candidates, dimensions
from support.what_if_worlds import HPA, RULES, hpa_baseline, keda_baseline

SCHEMAS = json.loads(Path(__file__).with_name("autoscaler_schemas.json").read_text())
BASES = [hpa_baseline(), keda_baseline()]


def flaws(document: dict[str, Any]) -> list[str]:
    found = jsonschema.Draft202012Validator(SCHEMAS[document["kind"]]).iter_errors(document)
    return [f"{one.json_path}: {one.message}" for one in found]


def test_the_schemas_refuse_what_is_wrong():
    good = manifest(HPA, HPA["spec"])
    assert flaws(good) == []
    unknown, typed, lacking = copy.deepcopy(good), copy.deepcopy(good), copy.deepcopy(good)
    unknown["spec"]["cooldown"] = 3
    typed["spec"]["minReplicas"] = "2"
    del lacking["spec"]["maxReplicas"]
    assert all(flaws(one) for one in (unknown, typed, lacking))


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.kind.value)
def test_every_candidate_of_a_search_has_a_manifest_that_fits_the_schema(base: Baseline):
    seen = 0
    for settings in candidates(dimensions(base, tolerances=True), 300, 3):
        try:
            spec = vary(base, settings).spec
        except SpecError:
            continue
        assert spec is not None
        document = yaml.safe_load(patch(base.manifest, spec, ["a remark"]))
        assert flaws(document) == [], settings
        seen += 1
    assert seen > 200


def test_the_manifest_says_what_was_set_and_nothing_of_what_the_server_owns():
    base = BASES[0]
    spec = vary(base, [Setting("minReplicas", 2), Setting("behavior.scaleUp.tolerance", 0.05)]).spec
    document = manifest(base.manifest, spec)
    assert document["metadata"] == {"name": "demo-server", "namespace": "demo"}
    assert "status" not in document
    assert document["spec"]["minReplicas"] == 2
    assert document["spec"]["behavior"]["scaleUp"]["tolerance"] == "0.05"
    # A quantity in the manifest, a float to the controller.
    assert parse_hpa(document).behavior.scale_up.tolerance == 0.05
    assert document["spec"]["metrics"] == base.manifest["spec"]["metrics"]


def test_what_was_not_set_stays_as_served():
    for base in BASES:
        assert manifest(base.manifest, vary(base, ()).spec)["spec"] == base.manifest["spec"]


def test_a_remark_cannot_leave_its_comment():
    text = patch(BASES[0].manifest, BASES[0].manifest["spec"], ["line\nkind: Secret\r\nx: y", *how_to_apply("p.yaml")])
    assert text.splitlines()[0] == "# line kind: Secret x: y"
    assert yaml.safe_load(text)["kind"] == "HorizontalPodAutoscaler"


def test_the_yaml_has_no_anchors_even_where_values_are_shared():
    spec = {**BASES[0].manifest["spec"], "behavior": {"scaleUp": RULES["scaleUp"],
                                                      "scaleDown": RULES["scaleUp"]}}
    text = patch(BASES[0].manifest, spec, [])
    assert "&" not in text
    assert yaml.safe_load(text)["spec"] == spec


def test_a_text_that_kubectl_would_take_for_a_number_is_quoted():
    base = BASES[1]
    text = patch(base.manifest, vary(base, [Setting("triggers[0].metadata.threshold", "1e1")]).spec, [])
    assert "threshold: '1e1'" in text


def test_the_yaml_is_as_people_write_it():
    base = BASES[0]
    spec = vary(base, [Setting("target", "1500m")]).spec
    assert patch(base.manifest, spec, ["elastometer what-if, predicted: holds"]) == GOLDEN


GOLDEN = """\
# elastometer what-if, predicted: holds
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: demo-server
  namespace: demo
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: demo-server
  minReplicas: 1
  maxReplicas: 4
  metrics:
  - type: Pods
    pods:
      metric:
        name: vllm_num_requests_waiting
      target:
        type: AverageValue
        averageValue: 1500m
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      selectPolicy: Max
      policies:
      - type: Pods
        value: 1
        periodSeconds: 15
    scaleDown:
      stabilizationWindowSeconds: 30
      selectPolicy: Max
      policies:
      - type: Pods
        value: 2
        periodSeconds: 15
"""

"""Tests of the stand-in with one planted fault each: good settings of an autoscaler, of which one was spoiled.

With the good settings, the twin predicts that all objectives hold in most draws; with the fault, in few. What a report
says would help most must name the setting that was spoiled, and a run with its patch must keep what it promised.
"""
from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from elastometer.model.merge_patch import merged

Json = dict[str, Any]
DEMO = Path(__file__).parents[2] / "manifests/samples/demo.yaml"


def _policies(value: int, period: int) -> Json:
    return {"policies": [{"type": "Pods", "value": value, "periodSeconds": period}]}


@dataclass(frozen=True)
class Fault:
    """`stages` are (seconds, requests per second at the start, at the end); `spoiled` replaces a field of the good HPA;
    `path` is a part of the path that the advice must name."""

    name: str
    stages: tuple[tuple[int, str, str], ...]
    bound_milliseconds: int
    minimum: int
    spoiled: Mapping[str, Any]
    path: str


_SLOW_RAMP = ((30, "1", "1"), (120, "1", "5"), (30, "5", "5"))
FAULTS = (
    Fault("window-too-long", _SLOW_RAMP, 4000, 2, {"stabilizationWindowSeconds": 120},
          "scaleUp.stabilizationWindowSeconds"),
    # At its top the load needs the fourth replica, which the policy allows too late.
    Fault("policy-too-tight", ((30, "1", "1"), (120, "2", "8"), (50, "8", "8")), 5000, 2, _policies(1, 300),
          "scaleUp.policies"),
    # The load outgrows two replicas long before 60 requests wait on each.
    # With a target of 1, all objectives hold in 10 of 10 draws of the simulator; at 7/s, or within 5 s, in 7 only.
    Fault("target-too-high", ((30, "1", "1"), (120, "2", "6"), (50, "6", "6")), 8000, 2, {"averageValue": "60"},
          "target.averageValue"),
    Fault("minimum-too-low", ((30, "1", "1"), (90, "4", "4")), 4000, 2, {"minReplicas": 1}, "minReplicas"),
)


def planted(fault: Fault) -> Json:
    """The ElasticityTest with the fault; server and load are those of the demo, but for the stages."""
    test: Json = yaml.safe_load(DEMO.read_text())
    test["metadata"]["name"] = fault.name
    spec = test["spec"]
    names = [f"stage-{number}" for number in range(len(fault.stages))]
    spec["load"]["stages"] = [
        {"name": name, "type": "Rate", "durationSeconds": seconds, "startRequestsPerSecond": low,
         "endRequestsPerSecond": high} for name, (seconds, low, high) in zip(names, fault.stages, strict=True)]
    spec["objectives"] = [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}, *(
        {"name": f"first-token-{name}", "indicator": "TimeToFirstToken", "percentile": 95,
         "maximumMilliseconds": fault.bound_milliseconds, "stageName": name} for name in names)]
    spec["autoscaler"]["horizontalPodAutoscaler"] = _autoscaler(fault)
    return test


def _autoscaler(fault: Fault) -> Json:
    spoiled = dict(fault.spoiled)
    up = {"stabilizationWindowSeconds": 0, **_policies(4, 15)}
    up.update({key: spoiled[key] for key in ("stabilizationWindowSeconds", "policies") if key in spoiled})
    target = {"type": "AverageValue", "averageValue": spoiled.get("averageValue", "1")}
    return {
        "minReplicas": spoiled.get("minReplicas", fault.minimum), "maxReplicas": 4,
        "metrics": [{"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"}, "target": target}}],
        "behavior": {"scaleUp": up, "scaleDown": {"stabilizationWindowSeconds": 60, **_policies(2, 15)}},
    }


def patched(test: Json, patch: str) -> Json:
    """The test with the patch of a report under its autoscaler, as RFC 7386 merges it, under another name."""
    made = copy.deepcopy(test)
    made["metadata"]["name"] += "-patched"
    scaler = made["spec"]["autoscaler"]
    scaler["horizontalPodAutoscaler"] = merged(scaler["horizontalPodAutoscaler"], yaml.safe_load(patch)["spec"])
    return made

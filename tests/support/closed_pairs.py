"""Pairs of tests with one closed-loop load under two settings of the autoscaler: what one run predicts of the other."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from elastometer.twin.search.vary.fields import Setting

DEMO = Path(__file__).parents[2] / "manifests/samples/demo.yaml"
THINK = {"minimum": "1", "maximum": "3"}
UP, DOWN = "behavior.scaleUp.policies[0].value", "behavior.scaleDown.stabilizationWindowSeconds"


@dataclass(frozen=True)
class ClosedPair:
    """`a` and `b` are the settings in which the two tests differ."""

    name: str
    stages: tuple[dict[str, Any], ...]
    a: tuple[Setting, ...]
    b: tuple[Setting, ...]


def _users(name: str, seconds: int, users: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "Users", "durationSeconds": seconds, "users": users, "thinkTimeSeconds": THINK,
            **more}


def _settings(minimum: int, target: int, pods: int, window: int) -> tuple[Setting, ...]:
    return (Setting("minReplicas", minimum), Setting("metrics[0].pods.target.averageValue", str(target)),
            Setting(UP, pods), Setting(DOWN, window))


# The first stage is so calm that some requests find the replica idle: they show the time to the first token.
PAIRS = (
    ClosedPair("users", (_users("calm", 30, 2), _users("busy", 150, 24, spawnPerSecond="1"), _users("few", 45, 4)),
               _settings(1, 2, 1, 30), _settings(2, 1, 4, 60)),
    ClosedPair("concurrency", (_users("calm", 30, 2),
                               {"name": "twelve", "type": "Concurrency", "durationSeconds": 120, "concurrency": 12},
                               _users("few", 45, 2)),
               _settings(1, 2, 1, 30), _settings(1, 4, 4, 60)),
)


def closed_test(pair: ClosedPair, which: str) -> dict[str, Any]:
    """The ElasticityTest: the demo's server and HPA under the pair's load and one of its two settings."""
    test: dict[str, Any] = yaml.safe_load(DEMO.read_text())
    test["metadata"]["name"] = f"{pair.name}-{which}"
    spec = test["spec"]
    spec["load"]["stages"] = list(pair.stages)
    spec["objectives"] = [
        {"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99},
        {"name": "first-token", "indicator": "TimeToFirstToken", "percentile": 95, "maximumMilliseconds": 2000}]
    hpa = spec["autoscaler"]["horizontalPodAutoscaler"]
    values = {setting.path: setting.value for setting in (pair.a if which == "a" else pair.b)}
    hpa["minReplicas"] = values["minReplicas"]
    hpa["metrics"][0]["pods"]["target"]["averageValue"] = values["metrics[0].pods.target.averageValue"]
    hpa["behavior"]["scaleUp"]["policies"][0]["value"] = values[UP]
    hpa["behavior"]["scaleDown"]["stabilizationWindowSeconds"] = values[DOWN]
    return test

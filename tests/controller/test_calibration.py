"""The calibration that a test refers to is read from the ConfigMap of the other test's report, or refused by name."""
from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from elastometer.controller.act import _report_map
from elastometer.controller.calibration import read_calibration
from elastometer.controller.inputs import Unusable
from elastometer.model import reasons
from elastometer.model.bundle_files import JUNIT, REPORT_JSON, REPORT_MARKDOWN
from elastometer.model.calibration import server_settings
from elastometer.model.spec import parse
from elastometer.plan import Environment, TestPlan

TARGET: dict[str, Any] = {"model": {"name": "m"}, "server": {"image": "i", "args": ["--max-num-seqs=4"]}}


class Held:
    """A cluster that has at most one ConfigMap."""

    def __init__(self, found: dict[str, Any] | None) -> None:
        self.found = found
        self.asked: tuple[str, ...] = ()

    async def get(self, *where: str) -> dict[str, Any] | None:
        self.asked = where
        return self.found


def plan(demand: dict[str, Any] | None = None) -> TestPlan:
    spec: dict[str, Any] = {
        "target": TARGET, "autoscaler": {"type": "None"},
        "load": {"stages": [{"name": "a", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1"}],
                 "tasks": [{"name": "t", "messages": [{"role": "user", "content": "x"}]}]}}
    if demand is not None:
        spec["demand"] = demand
    return TestPlan(parse({"metadata": {"name": "demo", "namespace": "lab", "uid": "u"}, "spec": spec}),
                    Environment("", "", "", 0, "", ""))


REFERS = {"calibrationRef": {"name": "other"}}


def held(target: dict[str, Any] = TARGET, **changes: Any) -> Held:
    document = {"test": "other", "uid": "v", "server": server_settings(target), "requestsPerSecond": 2.5,
                "secondsPerRequest": 0.1, "secondsPerPromptToken": 0.0, "secondsPerOutputToken": 0.0075,
                "errorPercent": 2.0, "rule": "r", "linearity": "l", **changes}
    return Held({"data": {"calibration.json": json.dumps(document)}})


async def test_a_test_without_a_reference_reads_nothing() -> None:
    cluster = Held(None)
    assert await read_calibration(plan(), cluster) is None
    assert cluster.asked == ()


async def test_the_calibration_is_read_from_the_report_of_the_other_test() -> None:
    cluster = held()
    found = await read_calibration(plan(REFERS), cluster)
    assert found is not None
    assert found["requestsPerSecond"] == 2.5
    assert cluster.asked == ("v1", "ConfigMap", "lab", "other-report")


@pytest.mark.parametrize(("cluster", "expected"), [
    (Held(None), "whose ConfigMap other-report does not exist"),
    (Held({"data": {}}), "has no usable calibration.json"),
    (Held({"data": {"calibration.json": "{"}}), "has no usable calibration.json"),
    (held(requestsPerSecond=None), "has no usable calibration.json"),
    (held({"model": {"name": "m"}, "server": {"image": "i", "args": ["--max-num-seqs=8"]}}),
     "spec.target.server.args: must be ['--max-num-seqs=8'], as in the calibration 'other', is ['--max-num-seqs=4']"),
    (held({**TARGET, "model": {"name": "n"}}),
     "spec.target.model.name: must be 'n', as in the calibration 'other', is 'm'"),
])
async def test_what_cannot_be_used_is_refused_by_name(cluster: Held, expected: str) -> None:
    with pytest.raises(Unusable) as error:
        await read_calibration(plan(REFERS), cluster)
    assert error.value.reason == reasons.CALIBRATION_UNUSABLE
    assert expected in str(error.value)


@pytest.mark.parametrize(("calibration", "expected"), [
    ({"found": {"requestsPerSecond": 2.5}, "reason": None}, {"requestsPerSecond": 2.5}),
    ({"found": None, "reason": "no step failed"}, None),
    (None, None),
])
def test_the_report_of_a_calibration_run_keeps_what_it_found(calibration: Any, expected: Any) -> None:
    session: Any = SimpleNamespace(plan=plan())
    files = {REPORT_JSON: json.dumps({"calibration": calibration}).encode(), REPORT_MARKDOWN: b"#", JUNIT: b"<x/>"}
    data = _report_map(session, files)["data"]
    assert (json.loads(data["calibration.json"]) if "calibration.json" in data else None) == expected
    assert data[REPORT_MARKDOWN] == "#"

"""Every bad spec of the table is refused by name, or ended by the operator with a reason; none crashes anything."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from elastometer.model.errors import SpecError
from elastometer.plan import Environment, TestPlan, describe
from elastometer.resources.scaler import scaler
from elastometer.resources.target import deployment, service
from elastometer.twin.accepted import accepted_test
from support.bad_specs import TABLE, bad

REFUSED = [row for row in TABLE if "refused" in row]
ENDED = [row for row in TABLE if "ended" in row]
HARMLESS = [row for row in TABLE if "harmless" in row]
VERDICT_SECONDS = 60
"""Taking up + parsing + dry runs of all rows at once; none of these specs waits for anything else."""


def named(row: dict[str, Any]) -> str:
    return str(row["name"])


def served(test: dict[str, Any]) -> dict[str, Any]:
    """As the API server would hand it to the operator; its defaults do not matter for these rows."""
    meta = {**test["metadata"], "namespace": "staging", "uid": "0a1b2c3d-0000-4000-8000-000000000001", "generation": 1}
    return {**test, "metadata": meta}


def built(test: dict[str, Any]) -> list[Any]:
    """Everything that the operator makes of an accepted spec before it asks the API server."""
    environment = Environment("elastometer", "elastometer", "http://elastometer.elastometer.svc:8081", 8081,
                              "http://prometheus.monitoring:9090", "elastometer/loadgen:0.1.0")
    plan = TestPlan(accepted_test(served(test)), environment)
    return [describe(plan), plan.gpus_per_replica, deployment(plan), service(plan), scaler(plan)]


def _flaw(test: dict[str, Any]) -> str | None:
    try:
        assert built(test)
    except SpecError as error:
        return str(error)
    return None


def test_the_table_is_long_and_every_name_is_there_once():
    assert len(REFUSED) >= 60
    assert len(ENDED) >= 20
    assert len({row["name"] for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", ENDED, ids=named)
def test_the_operator_s_own_reading_of_a_bad_spec_ends_in_words_and_never_in_a_crash(row: dict[str, Any]):
    flaw = _flaw(bad(row))
    if flaw is None:
        assert row["ended"]["reasons"] != ["SpecInvalid"]
    else:
        assert "SpecInvalid" in row["ended"]["reasons"], flaw
        assert [text for text in row["ended"]["message"] if text not in flaw] == []


@pytest.mark.parametrize("row", HARMLESS, ids=named)
def test_hostile_text_is_carried_as_data(row: dict[str, Any]):
    assert built(bad(row))


def dry_run(cluster: Any, test: dict[str, Any]) -> str:
    """What the API server says to it, asked strictly; nothing is created."""
    arguments = ("create", "--dry-run=server", "--validate=strict", "-f", "-")
    return str(cluster.kubectl(*arguments, stdin=json.dumps(test), check=False))


@pytest.mark.lab
@pytest.mark.parametrize("row", REFUSED, ids=named)
def test_the_api_server_refuses(row: dict[str, Any], cluster: Any):
    said = dry_run(cluster, bad(row))
    assert "created" not in said, said
    for text in row["refused"]:
        assert text in said


@pytest.mark.lab
@pytest.mark.parametrize("row", [*ENDED, *HARMLESS], ids=named)
def test_the_api_server_accepts(row: dict[str, Any], cluster: Any):
    said = dry_run(cluster, bad(row))
    assert "created (server dry run)" in said, said


@pytest.fixture(scope="module")
def rejections(cluster: Any, module_namespace: str) -> dict[str, dict[str, Any]]:
    """All specs that the operator must end, created at once; the condition Accepted of each, once it is False."""
    tests = [bad(row) for row in ENDED]
    for test in tests:
        cluster.kubectl("-n", module_namespace, "create", "--validate=strict", "-f", "-", stdin=json.dumps(test))
    deadline = time.monotonic() + VERDICT_SECONDS
    found: dict[str, dict[str, Any]] = {}
    while len(found) < len(tests) and time.monotonic() < deadline:
        for item in cluster.get("etest", "-n", module_namespace)["items"]:
            for condition in item.get("status", {}).get("conditions", ()):
                if condition["type"] == "Accepted" and condition["status"] == "False":
                    found[item["metadata"]["name"]] = condition
        time.sleep(0.5)
    return found


@pytest.mark.lab
@pytest.mark.parametrize("row", ENDED, ids=named)
def test_the_operator_ends(row: dict[str, Any], rejections: dict[str, dict[str, Any]]):
    name = bad(row)["metadata"]["name"]
    assert name in rejections, f"not ended within {VERDICT_SECONDS} s"
    assert rejections[name]["reason"] in row["ended"]["reasons"], rejections[name]
    for text in row["ended"]["message"]:
        assert text in rejections[name]["message"]

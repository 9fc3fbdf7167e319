"""Every bad study of the table is refused by name, or ended by the operator with a reason; none crashes anything."""
from __future__ import annotations

import json
import time
from typing import Any

import pytest

from support.bad_studies import TABLE, bad_study
from support.study_lab import restarts, small_study

REFUSED = [row for row in TABLE if "refused" in row]
ENDED = [row for row in TABLE if "ended" in row]
# Taking up, parsing and the dry runs of all rows at once; none of these studies waits for anything else.
VERDICT_SECONDS = 60

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


def named(row: dict[str, Any]) -> str:
    return str(row["name"])


@pytest.mark.parametrize("row", REFUSED, ids=named)
def test_the_api_server_refuses(row: dict[str, Any], cluster: Any) -> None:
    arguments = ("create", "--dry-run=server", "--validate=strict", "-f", "-")
    said = cluster.kubectl(*arguments, stdin=json.dumps(bad_study(row)), check=False)
    assert "created" not in said, said
    for text in row["refused"]:
        assert text in said


def conditions(cluster: Any, namespace: str, names: set[str]) -> dict[str, dict[str, Any]]:
    """The condition Accepted of each study, once it is False."""
    deadline, found = time.monotonic() + VERDICT_SECONDS, {}
    while set(found) < names and time.monotonic() < deadline:
        for item in cluster.get("estudy", "-n", namespace)["items"]:
            for condition in item.get("status", {}).get("conditions", ()):
                if condition["type"] == "Accepted" and condition["status"] == "False":
                    found[item["metadata"]["name"]] = condition
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def rejections(cluster: Any, module_namespace: str) -> dict[str, dict[str, Any]]:
    """All studies that the operator must end, created at once; and that its process is the same afterwards."""
    before = restarts(cluster)
    studies = [bad_study(row) for row in ENDED]
    for study in studies:
        cluster.kubectl("-n", module_namespace, "create", "--validate=strict", "-f", "-", stdin=json.dumps(study))
    found = conditions(cluster, module_namespace, {study["metadata"]["name"] for study in studies})
    assert restarts(cluster) == before
    assert cluster.get("etest", "-n", module_namespace)["items"] == []
    return found


@pytest.mark.parametrize("row", ENDED, ids=named)
def test_the_operator_ends(row: dict[str, Any], rejections: dict[str, dict[str, Any]]) -> None:
    name = bad_study(row)["metadata"]["name"]
    assert name in rejections, f"not ended within {VERDICT_SECONDS} s"
    assert rejections[name]["reason"] == "SpecInvalid"
    for text in row["ended"]:
        assert text in rejections[name]["message"]


def test_a_study_whose_run_would_have_the_name_of_a_test_of_somebody_else_ends_and_the_test_stays(
    cluster: Any, namespace: str,
) -> None:
    study = small_study("taken")
    test = {"apiVersion": study["apiVersion"], "kind": "ElasticityTest", "metadata": {"name": "taken-two-1"},
            "spec": {**study["spec"]["template"], "autoscaler": {"type": "None"}}}
    test["spec"]["target"]["server"]["image"] = "example.invalid/none:1"
    cluster.kubectl("-n", namespace, "create", "-f", "-", stdin=json.dumps(test))
    uid = cluster.get("etest", "taken-two-1", "-n", namespace)["metadata"]["uid"]
    cluster.kubectl("-n", namespace, "create", "-f", "-", stdin=json.dumps(study))
    found = conditions(cluster, namespace, {"taken"})
    assert found["taken"]["reason"] == "NameTaken"
    assert "an ElasticityTest called 'taken-two-1' exists" in found["taken"]["message"]
    assert cluster.get("etest", "taken-two-1", "-n", namespace)["metadata"]["uid"] == uid

"""A target at 0 replicas on a real Kubernetes with KEDA, whose HPA has a name of the user's choice.

What the report says of the wake is checked against the audit log, the load generator's records and KEDA's own words.
KEDA must be in the cluster: `make e2e-full` brings it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).parent.parent.parent
NAME = "demo-zero"
SERVER = f"{NAME}-server"
HPA = "keda-hpa-optimized-baseline"
CHILDREN = "deploy,hpa,scaledobject,job,svc,pod"
KEDA = "system:serviceaccount:keda:keda-operator"
STAMP_SECONDS = 2.0
# KEDA polls every 5 s, and the rate has a value once two scrapes, 2 s apart, saw the load Pod.
WAKE_SECONDS = 5 + 2 * 2 + 30
GONE_SECONDS = 90


def sample(namespace: str, cluster: Any) -> dict[str, Any]:
    if "keda.sh" not in cluster.kubectl("api-versions"):
        pytest.skip("NO KEDA: `make e2e-full` brings it, or `python -m elastometer_lab up --keda`")
    text = (ROOT / "manifests/samples/zero.yaml").read_text()
    assert text.count('namespace="default"') == 1
    test: dict[str, Any] = yaml.safe_load(text.replace('namespace="default"', f'namespace="{namespace}"'))
    test["spec"]["autoscaler"]["scaledObject"]["advanced"]["horizontalPodAutoscalerConfig"]["name"] = HPA
    return test


@dataclass(frozen=True)
class Ran:
    """The sample, carried out."""

    code: int
    output: str
    namespace: str
    status: dict[str, Any]
    bundle: Any

    @property
    def wake(self) -> dict[str, Any]:
        [wake] = self.bundle.report["wakes"]
        return dict(wake)

    def seconds(self, name: str) -> float:
        found = next(one["stamp"] for one in self.wake["instants"] if one["name"] == name)
        assert found is not None, name
        return float(found["seconds"])


@pytest.fixture(scope="module")
def ran(cluster: Any, module_namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    directory = tmp_path_factory.mktemp(NAME)
    (directory / "test.yaml").write_text(yaml.safe_dump(sample(module_namespace, cluster)))
    code, output = cluster.run(
        "run", str(directory / "test.yaml"), "-n", module_namespace, "--out", str(directory / "bundle"))
    assert (directory / "bundle/report.json").is_file(), output
    status = cluster.get("etest", NAME, "-n", module_namespace)["status"]
    return Ran(code, output, module_namespace, status, cluster.bundle(directory / "bundle"))


def test_the_test_begins_at_zero_replicas_and_passes(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{NAME}: {ran.bundle.report['summary']}")
        for one in ran.wake["instants"]:
            print(f"  {one['name']:14} {one['stamp'] or one['reason']}")
        print(f"  {ran.wake['fates']}")
    assert ran.code == 0, ran.output
    assert ran.bundle.report["verdict"] == ran.status["verdict"] == "Pass"
    assert "NoReplicasWanted" in ran.output
    assert "AutoscalerAtRest" in ran.output


def test_each_instant_of_the_wake_is_known_and_follows_the_one_before(ran: Ran) -> None:
    order = ("firstRequest", "visible", "decided", "created", "scheduled", "ready", "inEndpoints", "firstToken")
    found = [ran.seconds(name) for name in order]
    assert found == sorted(found)
    assert found[0] < 2
    assert found[-1] < WAKE_SECONDS
    assert ran.seconds("activated") >= ran.seconds("decided")
    assert ran.wake["whole"]["milliseconds"] == pytest.approx(1000 * (found[-1] - found[0]), abs=2)


def test_the_decision_is_kedas_write_in_the_audit_log(ran: Ran, cluster: Any) -> None:
    audited = cluster.scale_writes(ran.namespace, SERVER, KEDA)
    events = ran.bundle.report["scaleEvents"]
    assert [event["toReplicas"] for event in events] == [replicas for _, replicas in audited]
    assert (events[0]["fromReplicas"], events[0]["writer"]) == (0, "keda")
    assert events[0]["reason"] == "triggered by s0-prometheus"
    assert (events[-1]["toReplicas"], events[-1]["writer"]) == (0, "keda-operator"), "at zero again after the load"
    assert events[-1]["reason"] == "no trigger is active"
    for event, (when, _) in zip(events, audited, strict=True):
        assert abs((datetime.fromisoformat(event["seen"]["time"]) - when).total_seconds()) < STAMP_SECONDS


def test_every_request_to_the_target_at_zero_has_a_fate(ran: Ran) -> None:
    served, start = ran.wake["servedSeconds"], ran.bundle.document("start.json")["startTime"]
    waiting = [one for one in ran.bundle.requests if seconds(start, one["intendedTime"]) < served]
    assert len(waiting) == ran.wake["requestCount"] > 3
    assert sum(ran.wake["fates"].values()) == len(waiting)
    assert ran.wake["outcomes"]["Refused"] == sum(one["outcome"] == "Refused" for one in waiting) > 0
    summary = ran.bundle.report["summary"]
    assert ran.status["summary"]["wakeRequestCount"] == summary["wakeRequestCount"] == len(waiting)
    assert "LostDuringWake" in {one["name"] for one in ran.bundle.report["findings"]}


def test_the_pages_tell_the_wake(ran: Ran) -> None:
    for page in ("report.md", "report.html"):
        text = (ran.bundle.path / page).read_text()
        assert "Wake 1" in text
        assert "visible in the metric" in text


def test_the_renamed_autoscaler_is_followed(ran: Ran) -> None:
    kept = ran.bundle.document("provenance.json")
    assert kept["autoscaler"]["metadata"]["name"] == HPA
    assert kept["scaledObject"]["status"]["hpaName"] == HPA
    desired = next(one for one in ran.bundle.series if one["name"] == "autoscaler_desired_replicas")
    assert f'horizontalpodautoscaler="{HPA}"' in desired["query"]
    outs = [one for one in ran.bundle.report["scaleEvents"] if one["toReplicas"] > one["fromReplicas"] > 0]
    assert outs
    assert all("s0-prometheus" in one["reason"] for one in outs)
    assert "MetricMissing" not in {one["name"] for one in ran.bundle.report["findings"]}


def test_the_replay_decides_as_the_live_controller_did(ran: Ran, cluster: Any) -> None:
    found = cluster.explained(ran.bundle.path, ran.namespace, SERVER)
    assert found.fidelity.seen.of > 3
    assert found.fidelity.all.percent == 100, str(found)


def test_nothing_of_the_run_is_left(ran: Ran, cluster: Any) -> None:
    assert cluster.left(ran.namespace, CHILDREN, NAME, GONE_SECONDS) == set()
    assert cluster.left(ran.namespace, "hpa", HPA, GONE_SECONDS) == set()


def test_an_autoscaler_that_has_the_name_already_is_kept(cluster: Any, namespace: str, tmp_path: Path) -> None:
    theirs = {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": HPA},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs"}, "maxReplicas": 2}}
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=yaml.safe_dump(theirs))
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(sample(namespace, cluster)))
    code, output = cluster.run("run", str(tmp_path / "test.yaml"), "-n", namespace)
    assert code != 0
    assert "ScalerRejected" in output
    assert f"{HPA} already exists" in output
    kept = cluster.get("hpa", HPA, "-n", namespace)
    assert kept["spec"]["scaleTargetRef"]["name"] == "theirs"


def test_triggers_that_read_only_the_absent_server_never_wake_it(
    cluster: Any, namespace: str, tmp_path: Path
) -> None:
    test = sample(namespace, cluster)
    [trigger] = test["spec"]["autoscaler"]["scaledObject"]["triggers"]
    trigger["metadata"]["query"] = f'sum(vllm:num_requests_waiting{{namespace="{namespace}",pod=~"{SERVER}-.+"}})'
    test["spec"]["load"]["stages"] = [
        {"name": "knock", "type": "Rate", "durationSeconds": 15, "endRequestsPerSecond": "1"}]
    test["spec"]["measurement"]["settleSeconds"] = 0
    del test["spec"]["objectives"]
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    _, output = cluster.run(
        "run", str(tmp_path / "test.yaml"), "-n", namespace, "--out", str(tmp_path / "bundle"))
    assert "WakeDoubtful" in output
    report = cluster.bundle(tmp_path / "bundle").report
    [wake] = report["wakes"]
    assert sum(wake["fates"].values()) == wake["requestCount"] == report["summary"]["requestCount"] > 5
    # Linux limits how many refusals it sends: a connection whose refusal is withheld waits until its time is up.
    assert set(wake["fates"]) <= {"Refused", "TimedOut"}
    assert wake["scaleEvent"] is None
    found = next(one for one in report["findings"] if one["name"] == "NeverWoke")
    assert "its query had no value" in found["evidence"]


def test_a_second_autoscaler_of_the_target_ends_the_test_by_its_name(
    cluster: Any, namespace: str, tmp_path: Path
) -> None:
    rival = {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "of-the-team"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": SERVER}, "maxReplicas": 2}}
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=yaml.safe_dump(rival))
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(sample(namespace, cluster)))
    code, output = cluster.run("run", str(tmp_path / "test.yaml"), "-n", namespace)
    assert code != 0
    assert "AutoscalerConflict" in output
    assert "of-the-team" in output


def seconds(early: str, late: str) -> float:
    return (datetime.fromisoformat(late) - datetime.fromisoformat(early)).total_seconds()

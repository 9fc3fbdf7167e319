"""The samples of the other autoscalers on a real Kubernetes: KEDA on Prometheus, the HPA on CPU.

What the report says is checked against the API server's audit log, the servers' own counters and the objects that
KEDA made. KEDA must be in the cluster: `make e2e-full` brings it.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).parent.parent.parent
SAMPLES = ("keda", "cpu")
# How a metric of a scale event reads, and what the autoscaler says of it.
SHOWN = {
    "keda": re.compile(r"s0-prometheus (?P<current>\d+m?) \(target (?P<target>2)\)"),
    "cpu": re.compile(r"cpu (?P<current>\d+) % \(target (?P<target>80) %\)"),
}
REASONS = {"keda": "external metric s0-prometheus", "cpu": "cpu resource utilization (percentage of request)"}
CHILDREN = "deploy,hpa,job,svc,pod"
# Watch line and audit line are of one host's clock; more than this between them is not the network's doing.
STAMP_SECONDS = 2.0
# Of the controller's looks, so many are decided by our replay as they were.
FIDELITY_PERCENT = 99
# A look is dated by what it wrote, some milliseconds later; two cores carry everything. One that wrote nothing is put
# where the period has it, and the controller may have been held up.
LOOK_SECONDS = {True: 0.25, False: 1.0}
# A deleted test takes its children with it: KEDA's finalizer, then the pods' grace period of 40 s at the most.
GONE_SECONDS = 90


@dataclass(frozen=True)
class Ran:
    """One sample, carried out."""

    sample: str
    name: str
    code: int
    output: str
    namespace: str
    status: dict[str, Any]
    bundle: Any

    @property
    def server(self) -> str:
        return f"{self.name}-server"

    @property
    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.bundle.report["scaleEvents"]
        return events


def loaded(sample: str, namespace: str, cluster: Any) -> dict[str, Any]:
    """The sample as a test in another namespace: its query selects by namespace."""
    if sample == "keda" and "keda.sh" not in cluster.kubectl("api-versions"):
        pytest.skip("NO KEDA: `make e2e-full` brings it, or `python -m elastometer_lab up --keda`")
    text = (ROOT / f"manifests/samples/{sample}.yaml").read_text()
    assert text.count('namespace="default"') == (1 if sample == "keda" else 0)
    test: dict[str, Any] = yaml.safe_load(text.replace('namespace="default"', f'namespace="{namespace}"'))
    return test


@pytest.fixture(scope="module", params=SAMPLES)
def ran(request: Any, cluster: Any, module_namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    test = loaded(request.param, module_namespace, cluster)
    name = test["metadata"]["name"]
    directory = tmp_path_factory.mktemp(name)
    (directory / "test.yaml").write_text(yaml.safe_dump(test))
    code, output = cluster.run(
        "run", str(directory / "test.yaml"), "-n", module_namespace, "--out", str(directory / "bundle")
    )
    assert (directory / "bundle/report.json").is_file(), output
    status = cluster.get("etest", name, "-n", module_namespace)["status"]
    return Ran(request.param, name, code, output, module_namespace, status, cluster.bundle(directory / "bundle"))


def amount(quantity: str) -> float:
    """`11334m` as 11.334."""
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def seconds(early: str, late: str) -> float:
    return (datetime.fromisoformat(late) - datetime.fromisoformat(early)).total_seconds()


def test_the_sample_passes(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    report = ran.bundle.report
    with capsys.disabled():
        print(f"\n{ran.name}: {report['summary']}")
        for event in ran.events:
            print(f"  {event['seen']['seconds']:7.1f} s  {event['fromReplicas']} -> {event['toReplicas']}  "
                  f"by {event['writer']}, {event['metrics']}, {event['reason']}")
        for start in report["coldStarts"]:
            print(f"  {start['pod']} {start['origin']} cold start {start['coldStart']['milliseconds']} ms")
    assert ran.code == 0, ran.output
    assert report["verdict"] == ran.status["verdict"] == "Pass"


def test_the_autoscaler_scaled_out_and_in(ran: Ran) -> None:
    directions = Counter(event["direction"] for event in ran.events)
    assert directions["Out"] >= 1
    assert directions["In"] >= 1
    assert ran.bundle.report["summary"]["peakReadyReplicas"] >= 2


def test_scale_events_are_those_of_the_audit_log(ran: Ran, cluster: Any, capsys: pytest.CaptureFixture[str]) -> None:
    audited = cluster.scale_writes(ran.namespace, ran.server)
    assert audited
    assert [event["toReplicas"] for event in ran.events] == [replicas for _, replicas in audited]
    apart = [
        (datetime.fromisoformat(event["seen"]["time"]) - when).total_seconds()
        for event, (when, _) in zip(ran.events, audited, strict=True)
    ]
    with capsys.disabled():
        print(f"\n{ran.name}: {len(apart)} scale events, watch stamp - audit stamp: "
              f"{min(apart) * 1000:.1f} to {max(apart) * 1000:.1f} ms")
    assert max(abs(each) for each in apart) < STAMP_SECONDS


def test_each_scale_event_names_its_writer_its_reason_and_its_metric_beside_the_target(ran: Ran) -> None:
    assert ran.events
    for event in ran.events:
        assert event["writer"] == "kube-controller-manager"
        assert abs(seconds(event["written"]["time"], event["seen"]["time"])) < STAMP_SECONDS
        shown = SHOWN[ran.sample].fullmatch(event["metrics"][0])
        assert shown is not None, event["metrics"]
        if event["direction"] == "Out":
            assert REASONS[ran.sample] in event["reason"]
            assert amount(shown["current"]) > amount(shown["target"])


def test_requests_and_tokens_equal_the_servers_own_counters(ran: Ran, cluster: Any) -> None:
    requests = ran.bundle.requests
    assert len(requests) == ran.bundle.report["summary"]["requestCount"] > 500
    assert {record["outcome"] for record in requests} == {"Success"}
    for metric, field in (
        ("vllm:request_success_total", None),
        ("vllm:prompt_tokens_total", "promptTokens"),
        ("vllm:generation_tokens_total", "completionTokens"),
    ):
        recorded: Counter[str] = Counter()
        for record in requests:
            recorded[record["pod"]] += 1 if field is None else record[field]
        assert cluster.counted(metric, ran.namespace, ran.server) == dict(recorded), metric


def test_the_autoscaler_as_served_is_kept_with_the_bundle(ran: Ran) -> None:
    kept = ran.bundle.document("provenance.json")
    hpa = kept["autoscaler"]
    if ran.sample == "keda":
        assert hpa["metadata"]["name"] == f"keda-hpa-{ran.server}"
        assert [owner["kind"] for owner in hpa["metadata"]["ownerReferences"]] == ["ScaledObject"]
        assert kept["scaledObject"]["metadata"]["name"] == ran.server
        assert {line["kind"] for line in ran.bundle.observations} >= {"ScaledObject"}
    else:
        assert hpa["metadata"]["name"] == ran.server
        assert kept["scaledObject"] is None
    assert hpa["spec"]["scaleTargetRef"]["name"] == ran.server
    assert dict(ran.bundle.report["provenance"])["autoscaler as served"]


def test_the_replay_decides_as_the_live_controller_did_by_its_own_log(
    ran: Ran, cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found = cluster.explained(ran.bundle.path, ran.namespace, ran.server)
    with capsys.disabled():
        print(f"\n{ran.name}: {found}")
    assert found.fidelity.seen.of > 10
    assert found.fidelity.all.percent >= FIDELITY_PERCENT
    assert found.fidelity.seen.percent >= FIDELITY_PERCENT
    assert len(found.wrong) <= len(found.pairs) * (1 - FIDELITY_PERCENT / 100)
    assert (found.only_in_log, found.only_ours) == ([], [])
    for _, ours, apart in found.pairs:
        assert abs(apart) < LOOK_SECONDS[ours.sync.seen]


def test_nothing_of_the_run_is_left(ran: Ran, cluster: Any) -> None:
    scaled_objects = ",scaledobjects" if ran.sample == "keda" else ""
    assert cluster.left(ran.namespace, CHILDREN + scaled_objects, ran.name, GONE_SECONDS) == set()
    cluster.kubectl("-n", ran.namespace, "delete", "etest", ran.name, "--timeout=60s")
    assert cluster.left(ran.namespace, f"all,cm,secret,{CHILDREN}{scaled_objects}", ran.name, GONE_SECONDS) == set()


def test_a_test_deleted_in_the_middle_takes_its_scaled_object_and_kedas_autoscaler_with_it(
    cluster: Any, namespace: str
) -> None:
    test = loaded("keda", namespace, cluster)
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=yaml.safe_dump(test))
    deadline = time.monotonic() + GONE_SECONDS
    while "keda-hpa-demo-keda-server" not in cluster.kubectl("-n", namespace, "get", "hpa", "-o", "name"):
        assert time.monotonic() < deadline, cluster.kubectl("-n", namespace, "describe", "etest,scaledobject")
        time.sleep(1)
    cluster.kubectl("-n", namespace, "delete", "etest", "demo-keda", "--timeout=60s")
    assert cluster.left(namespace, f"{CHILDREN},scaledobjects", "demo-keda", GONE_SECONDS) == set()

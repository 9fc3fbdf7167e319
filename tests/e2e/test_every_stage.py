"""Every type of stage in one run on a real Kubernetes: files from a ConfigMap, a key from a Secret, load on every Pod.

What was recorded is checked against the files that were given, the worker's own account and the API's endpoints.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
KEY = "sk-e2e-3f9b7c"
THEMES = "\ufefftheme,more\r\nautumn,x\r\nthe sea,y\r\n"
SIZES = [(40 + 10 * (number % 3), 8 + number % 5) for number in range(24)]
COUNTED = 120
# A new Pod is Ready, its endpoint is published, and one of a dozen users asks again.
FIRST_REQUEST_SECONDS = 3.0
TEST = """
apiVersion: elastometer.dev/v1alpha1
kind: ElasticityTest
metadata: {name: stages}
spec:
  target:
    model: {name: Qwen/Qwen2.5-0.5B-Instruct}
    server:
      image: elastometer/standin:0.1.0
      args:
        - --max-num-seqs=4
        - --max-model-len=4096
        - --shutdown-timeout=20
        - --api-key=$(SERVER_KEY)
        - --standin-startup=import=1,config=0.2,weights=2,compile=1,profile=0.4,graphs=0.6,http=0.1
        - --standin-prefill-tokens-per-second=4000
        - --standin-prefill-overhead-ms=20
        - --standin-decode-ms-per-token=40
      terminationGracePeriodSeconds: 40
      podTemplate:
        spec:
          containers:
            - name: server
              env: [{name: SERVER_KEY, valueFrom: {secretKeyRef: {name: server-key, key: token}}}]
              lifecycle: {preStop: {sleep: {seconds: 6}}}
              resources:
                requests: {cpu: 50m, memory: 96Mi}
                limits: {nvidia.com/gpu: "1", memory: 512Mi}
  autoscaler:
    type: HorizontalPodAutoscaler
    horizontalPodAutoscaler:
      maxReplicas: 3
      metrics:
        - type: Pods
          pods: {metric: {name: vllm_num_requests_waiting}, target: {type: AverageValue, averageValue: "2"}}
      behavior: {scaleUp: {stabilizationWindowSeconds: 0, policies: [{type: Pods, value: 2, periodSeconds: 15}]}}
  load:
    seed: 7
    timeoutSeconds: 30
    # Two cores carry the cluster, and whatever else the host does: how late a send may be is not the question here.
    latenessBoundMilliseconds: 10000
    connection: {policy: SpreadOverPods}
    filesFrom: {configMapRef: {name: files}}
    apiKeyFrom: {secretKeyRef: {name: server-key, key: token}}
    tasks:
      - name: poem
        messages: [{role: user, content: "Write a short poem about {{ theme }}."}]
        dataset: {file: themes.csv}
        maximumTokens: {minimum: 30, maximum: 50}
        checks: [{type: MinimumTokens, minimum: 2}]
    stages:
      - {name: lengths, type: Sweep, inputTokens: [16, 256], outputTokens: 10, requestsEach: 3}
      - name: knee
        type: Knee
        of: Users
        start: 2
        step: 6
        stepSeconds: 8
        maximum: 20
        soakSeconds: 8
        objectives: [{indicator: TimeToFirstToken, percentile: 50, maximumMilliseconds: 800}]
      - {name: count, type: Concurrency, concurrency: 12, requests: 120}
      - {name: replay, type: Trace, file: azure.csv, format: AzureLLM, timeScale: "0.5"}
      - {name: after, type: Rate, durationSeconds: 5, endRequestsPerSecond: "2", arrivals: Constant}
  objectives:
    - {name: served, indicator: RequestSuccess, minimumPercent: 99}
    - {name: replayed, indicator: RequestSuccess, minimumPercent: 99, stageName: replay}
  measurement: {scrapePeriodSeconds: 2, settleSeconds: 10, readyDeadlineSeconds: 120}
"""


@dataclass(frozen=True)
class Ran:
    """A finished run, with what the API said of the endpoints meanwhile."""

    path: Path
    namespace: str
    report: dict[str, Any]
    records: dict[str, list[dict[str, Any]]]
    account: dict[str, Any]

    @property
    def windows(self) -> dict[str, tuple[float, float]]:
        return {band["name"]: (band["startSeconds"], band["endSeconds"]) for band in self.report["stages"]}

    def seconds(self, time: str) -> float:
        return (datetime.fromisoformat(time) - datetime.fromisoformat(self.report["loadStart"])).total_seconds()


def azure() -> str:
    """A trace in the format of Azure, one request a second."""
    rows = [f"2023-11-16 18:15:{number:02d}.0,{size[0]},{size[1]}" for number, size in enumerate(SIZES)]
    return "\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]) + "\n"


@pytest.fixture(scope="module")
def ran(cluster: Any, module_namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("stages")
    (folder / "azure.csv").write_text(azure())
    (folder / "themes.csv").write_bytes(THEMES.encode())
    (folder / "token").write_text(f"{KEY}\n")
    (folder / "test.yaml").write_text(TEST)
    make = ("-n", module_namespace, "create")
    cluster.kubectl(*make, "configmap", "files", f"--from-file={folder}/azure.csv", f"--from-file={folder}/themes.csv")
    cluster.kubectl(*make, "secret", "generic", "server-key", f"--from-literal=token={KEY}")
    code, output = cluster.run("run", str(folder / "test.yaml"), "-n", module_namespace, "--out", str(folder / "run"))
    bundle = cluster.bundle(folder / "run")
    assert code == 0, output
    assert KEY not in output
    records: dict[str, list[dict[str, Any]]] = {}
    for record in sorted(bundle.requests, key=lambda one: one["intendedTime"]):
        records.setdefault(record["stage"], []).append(record)
    (account,) = json.loads((bundle.path / "generator.json").read_text())
    return Ran(bundle.path, module_namespace, bundle.report, records, account)


def test_each_stage_sent_what_it_was_asked_to_and_the_server_took_the_key(ran: Ran) -> None:
    assert list(ran.records) == ["lengths", "knee", "count", "replay", "after"]
    assert Counter(record["task"] for record in ran.records["lengths"]) == {"sweep-16": 3, "sweep-256": 3}
    assert {(record["task"], record["completionTokens"]) for record in ran.records["lengths"]} == {
        ("sweep-16", 10), ("sweep-256", 10),
    }
    assert len(ran.records["count"]) == COUNTED
    assert [record["completionTokens"] for record in ran.records["replay"]] == [output for _, output in SIZES]
    extra = {record["promptTokens"] - size[0] for record, size in zip(ran.records["replay"], SIZES, strict=True)}
    assert len(extra) == 1  # the chat template's own tokens
    assert len(ran.records["after"]) == 10
    assert {record["outcome"] for records in ran.records.values() for record in records} == {"Success"}


def test_stages_follow_each_other_at_once_and_hold_their_requests(ran: Ran) -> None:
    windows = ran.windows
    assert list(windows) == list(ran.records)
    for before, after in itertools.pairwise(windows.values()):
        assert before[1] == after[0]
    for stage, (start, end) in windows.items():
        wanted = [ran.seconds(record["intendedTime"]) for record in ran.records[stage]]
        assert start - 0.05 <= min(wanted), stage
        assert max(wanted) <= end + 0.05, stage
    assert windows["after"][1] - windows["after"][0] == pytest.approx(5)
    assert windows["replay"][1] - windows["replay"][0] == pytest.approx(12)
    first = ran.seconds(ran.records["replay"][0]["intendedTime"])
    offsets = [ran.seconds(record["intendedTime"]) - first for record in ran.records["replay"]]
    assert offsets == pytest.approx([0.5 * number for number in range(24)], abs=0.001)


def test_the_plan_says_which_times_are_the_latest(ran: Ran) -> None:
    plan = json.loads((ran.path / "plan.json").read_text())
    exact = [(row["startIsExact"], row["endIsExact"]) for row in plan["stages"]]
    assert exact == [(True, False), *[(False, False)] * 4]
    assert plan["stages"][3]["expectedRequests"] == len(SIZES)
    for row in plan["stages"]:
        start, end = ran.windows[row["name"]]
        assert start <= row["startSeconds"] + 0.1
        assert end <= row["endSeconds"] + 0.1


def test_what_the_knee_found_is_in_the_bundle(ran: Ran) -> None:
    (knee,) = ran.account["knees"]
    assert (knee["stage"], knee["of"]) == ("knee", "Users")
    values = [step["value"] for step in knee["steps"]]
    assert values == [2, 8, 14, 20][: len(values)]
    assert len(values) >= 2
    held = [step["value"] for step in knee["steps"] if step["failed"] is None]
    assert knee["good"] == held[-1]
    assert knee["soak"]["value"] == knee["good"]
    # The report's start of the load is cut to the millisecond, and its seconds are rounded to it.
    assert ran.seconds(knee["soak"]["endTime"]) == pytest.approx(ran.windows["knee"][1], abs=0.002)
    assert [check["check"] for check in ran.account["checks"]] == ["MinimumTokens"] * len(ran.account["checks"])
    assert {check["stage"] for check in ran.account["checks"]} == {"knee", "count", "after"}


def test_a_new_pod_gets_requests_as_soon_as_it_is_ready_over_connections_that_are_kept(
    ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [record for found in ran.records.values() for record in found]
    first = {}
    for record in sorted(records, key=lambda one: one["sendTime"]):
        first.setdefault(record["pod"], ran.seconds(record["sendTime"]))
    waits = {}
    for start in ran.report["coldStarts"]:
        ready = [one["stamp"]["seconds"] for one in start["instants"] if one["name"] == "ready" and one["used"]]
        if start["origin"] == "ScaleOut" and ready and ready[0] < ran.windows["count"][1] - FIRST_REQUEST_SECONDS:
            waits[start["pod"]] = first.get(start["pod"], float("inf")) - ready[0]
    kept = sum(record["connectTime"] is None for record in records) / len(records)
    with capsys.disabled():
        print(f"\nfrom Ready to the first request: {', '.join(f'{wait:.2f} s' for wait in waits.values())}; "
              f"{100 * kept:.0f} % of {len(records)} requests on a connection that was there")
    assert waits
    assert max(waits.values()) < FIRST_REQUEST_SECONDS
    assert kept > 0.5
    pairs = {(record["pod"], record["address"]) for record in records}
    assert len(pairs) == len({pod for pod, _ in pairs}) == len({address for _, address in pairs}) >= 2


def test_the_key_is_in_no_file_of_the_run_and_in_no_object_but_its_secret(ran: Ran, cluster: Any) -> None:
    for path in sorted(ran.path.iterdir()):
        content = path.read_bytes()
        if path.name.endswith(".zst"):
            with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as plain:
                content = plain.read()
        assert KEY.encode() not in content, path.name
    assert KEY not in cluster.kubectl("-n", ran.namespace, "get", "configmaps,events,etest", "-o", "yaml")
    assert KEY not in cluster.kubectl("-n", "elastometer", "logs", "deploy/elastometer", "--since=30m")


def test_nothing_is_left_of_the_copied_files_and_the_given_ones_are_untouched(ran: Ran, cluster: Any) -> None:
    assert cluster.left(ran.namespace, "deploy,hpa,job,svc,pod") == set()
    left = {item["metadata"]["name"] for item in cluster.get("configmap", "-n", ran.namespace)["items"]}
    assert left - {"kube-root-ca.crt"} == {"files", "stages-report"}
    given = cluster.get("configmap", "files", "-n", ran.namespace)
    assert given["data"] == {"azure.csv": azure(), "themes.csv": THEMES}
    sources = json.loads((ran.path / "provenance.json").read_text())["loadFiles"]
    assert [(one["name"], one["bytes"]) for one in sources] == [
        ("azure.csv", len(azure().encode())), ("themes.csv", len(THEMES.encode())),
    ]

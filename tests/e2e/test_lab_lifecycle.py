"""The lab withstands kills and leaves nothing: run against the real lab of this host, which it ends and brings back.

Needs root on Linux; minutes long. A lab that was up before is up again afterwards.
"""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elastometer_lab import cgroups, namespaces
from elastometer_lab.api import Api, ApiError
from elastometer_lab.paths import NETWORK_NAMESPACE, Paths
from elastometer_lab.processes import read_record

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.wrecks("lab"), pytest.mark.timeout(900),
              pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="the lab needs root on Linux")]

UP_SECONDS = 240.0
"""Start of the control plane and the stack on a busy host of two cores; a warm `up` takes a tenth."""
DOWN_SECONDS = 45.0
PATHS = Paths.from_environment()
PODS = "/api/v1/namespaces/default/pods"
GPU_POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lifecycle", "namespace": "default"},
    "spec": {"terminationGracePeriodSeconds": 1, "restartPolicy": "Always", "containers": [{
        "name": "sleeper", "image": "docker.io/elastometer/standin:0.1.0", "command": ["sleep", "3600"],
        "resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
}


def lab(*arguments: str, budget_seconds: float = UP_SECONDS) -> str:
    done = subprocess.run([sys.executable, "-m", "elastometer_lab", *arguments], capture_output=True, text=True,
                          check=False, timeout=budget_seconds)
    assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _lab_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.config.getoption("--cluster") != "lab":
        pytest.skip("NO LAB: these tests end and bring back the lab itself")
    was_up = status_code() != 3
    lab("up")
    yield
    lab("up") if was_up else lab("down")


def status_code() -> int:
    return subprocess.run([sys.executable, "-m", "elastometer_lab", "status"], capture_output=True, check=False,
                          timeout=60).returncode


def pid_of(name: str) -> int:
    record = read_record(PATHS.pids / f"{name}.json")
    assert record is not None, f"{name} has no record"
    return record.pid


@pytest.fixture
def gpu_pod() -> Iterator[str]:
    api = Api.connect(PATHS.pki)
    api.apply(GPU_POD)
    wait_for_pod()
    yield f"{PODS}/lifecycle"
    deadline = time.monotonic() + 60
    while not is_deleted(f"{PODS}/lifecycle"):
        assert time.monotonic() < deadline, "the pod of the test is not gone after 60 s"
        time.sleep(0.5)


def is_deleted(path: str) -> bool:
    """Asks again and again: the API server may be the one that was killed."""
    try:
        Api.connect(PATHS.pki).call("DELETE", path)
    except ApiError as error:
        return error.status == 404
    except OSError:
        return False
    return False


def wait_for_pod(seconds: float = 60.0) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while True:
        pod = Api.connect(PATHS.pki).get(f"{PODS}/lifecycle")
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", [])):
            return pod
        assert time.monotonic() < deadline, f"the pod is not ready after {seconds} s: {json.dumps(pod['status'])}"
        time.sleep(0.2)


@pytest.mark.parametrize("killed", [
    ("kubelet",), ("containerd",), ("kube-apiserver",), ("etcd",), ("kube-proxy", "forwarder", "keeper"),
    ("kubelet", "containerd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"),
], ids="+".join)
def test_up_restarts_what_was_killed_and_a_running_pod_survives(gpu_pod: str, killed: tuple[str, ...]) -> None:
    before = Api.connect(PATHS.pki).get(gpu_pod)
    for name in killed:
        os.kill(pid_of(name), signal.SIGKILL)
    lab("up")
    after = wait_for_pod()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0
    assert status_code() == 0


def test_the_gpus_are_there_after_a_restart_of_the_kubelet() -> None:
    os.kill(pid_of("kubelet"), signal.SIGKILL)
    lab("up", "--gpus", "4")
    deadline = time.monotonic() + 10
    while (node := Api.connect(PATHS.pki).get("/api/v1/nodes/node"))["status"]["allocatable"]["nvidia.com/gpu"] != "4":
        assert time.monotonic() < deadline, node["status"]["allocatable"]
        time.sleep(0.1)


def test_up_brings_the_cluster_back_after_every_process_and_namespace_vanished(gpu_pod: str) -> None:
    """What a reboot leaves: the state on disk, records of dead pids, and nothing in the kernel."""
    before = Api.connect(PATHS.pki).get(gpu_pod)
    cgroups.kill_everything()
    namespaces.remove(PATHS)
    cgroups.remove()
    lab("up")
    after = wait_for_pod()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert status_code() == 0


def test_a_second_up_changes_no_process() -> None:
    pids = {path.stem: pid_of(path.stem) for path in PATHS.pids.glob("*.json")}
    assert len(pids) == 9
    lab("up")
    assert {path.stem: pid_of(path.stem) for path in PATHS.pids.glob("*.json")} == pids


def host() -> dict[str, object]:
    """Everything on the host that a lab could leave behind."""
    def output(*argv: str) -> list[str]:
        text = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
        return sorted(line for line in text.splitlines() if not line.startswith((":", "#")))

    mounts = sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    links = sorted(link.name for link in Path("/sys/class/net").iterdir())
    groups = sorted(str(point / child) for point in cgroups.mounted().values()
                    for child in os.listdir(point) if (point / child).is_dir() and "elastometer" in child)
    return {"namespaces": output("ip", "netns", "list"), "mounts": mounts, "links": links, "groups": groups,
            "rules": output("iptables-save"), "routes": output("ip", "route"), "processes": lab_processes()}


def lab_processes() -> list[str]:
    """Command lines that name a place of the lab; zombies have none."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if any(str(place) in text for place in (PATHS.state, PATHS.run)):
            found.append(text)
    return sorted(found)


@pytest.mark.parametrize("ruined", [False, True], ids=["in good health", "with its daemons killed"])
def test_down_leaves_nothing_on_the_host(ruined: bool) -> None:
    lab("down", budget_seconds=DOWN_SECONDS)
    before = host()
    lab("up")
    api = Api.connect(PATHS.pki)
    api.apply(GPU_POD)
    wait_for_pod()
    assert lab_processes(), "a test that sees no lab would prove nothing"
    assert NETWORK_NAMESPACE.exists()
    if ruined:
        for name in ("kubelet", "containerd", "kube-apiserver", "etcd"):
            os.kill(pid_of(name), signal.SIGKILL)
    begun = time.monotonic()
    lab("down", budget_seconds=DOWN_SECONDS)
    assert time.monotonic() - begun < DOWN_SECONDS
    assert host() == before
    assert not PATHS.state.exists()
    assert not PATHS.run.exists()
    assert status_code() == 3

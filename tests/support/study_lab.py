"""A study on a real cluster: short studies of the sample, waiting for them, and who created what by the audit log."""
from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "manifests/samples/study-demo.yaml"
# What a run leaves in its namespace, besides the objects that every namespace has.
KINDS = "estudy,etest,deploy,job,hpa,svc,cm,secret,pods"
OPERATOR = ("-n", "elastometer", "-l", "app.kubernetes.io/name=elastometer")
DIRECTORIES = "import os; print(*(d + '/' + n for d in ('runs', 'studies') for n in " \
              "(os.listdir(f'/data/{{d}}/{0}') if os.path.isdir(f'/data/{{d}}/{0}') else ())))"


def sample_study(name: str, **spec: Any) -> dict[str, Any]:
    """The sample under another name, with these fields of its spec."""
    study: dict[str, Any] = yaml.safe_load(SAMPLE.read_text())
    study["metadata"]["name"] = name
    study["spec"] |= spec
    return study


def small_study(name: str, **spec: Any) -> dict[str, Any]:
    """Two variants without an autoscaler, one short run each, both at a time: nothing waits for a sync."""
    variants = [{"name": "one", "preset": "StaticMinimum"}, {"name": "two", "preset": "StaticMaximum",
                 "patch": {"autoscaler": {"replicas": 2}}}]
    study = sample_study(name, variants=variants, baseline="one", repetitions=1, parallelism=2, **spec)
    study["spec"]["template"]["load"]["stages"] = [
        {"name": "calm", "type": "Rate", "durationSeconds": 15, "startRequestsPerSecond": "1",
         "endRequestsPerSecond": "1"}]
    return study


def create(cluster: Any, namespace: str, study: dict[str, Any]) -> str:
    """Creates the study; its uid."""
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(study))
    uid: str = cluster.get("estudy", study["metadata"]["name"], "-n", namespace)["metadata"]["uid"]
    return uid


def status_of(cluster: Any, namespace: str, name: str) -> dict[str, Any]:
    """The status of a study; empty if there is none."""
    found = cluster.kubectl("-n", namespace, "get", "estudy", name, "-o", "json", check=False)
    status: dict[str, Any] = json.loads(found).get("status", {}) if found.startswith("{") else {}
    return status


def wait_for(look: Callable[[], Any], what: Callable[[], Any], seconds: float, period: float = 1.0) -> Any:
    """What `look` finds, once it is true; `what` says what there is instead."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(period)
    raise AssertionError(f"not within {seconds:g} s: {what()}")


def ended(cluster: Any, namespace: str, name: str, seconds: float) -> dict[str, Any]:
    """The status of the study once it has ended."""
    def look() -> dict[str, Any] | None:
        status = status_of(cluster, namespace, name)
        return status if "completionTime" in status else None

    found: dict[str, Any] = wait_for(look, lambda: status_of(cluster, namespace, name), seconds, 2.0)
    return found


def created(log: Path, namespace: str, resource: str) -> Counter[str]:
    """How often an object of each name was created in a namespace, by the audit log; dry runs create nothing."""
    return Counter(_created(log, namespace, resource))


def _created(log: Path, namespace: str, resource: str) -> Iterator[str]:
    with log.open() as lines:
        for line in lines:
            if f'"{namespace}"' not in line or f'"{resource}"' not in line or '"verb":"create"' not in line:
                continue
            entry = json.loads(line)
            ref, code = entry.get("objectRef", {}), entry.get("responseStatus", {}).get("code")
            is_made = code == 201 and "dryRun" not in entry["requestURI"] and "subresource" not in ref
            if is_made and (ref.get("resource"), ref.get("namespace")) == (resource, namespace):
                yield ref.get("name") or entry["responseObject"]["metadata"]["name"]


def directories(cluster: Any, namespace: str) -> list[str]:
    """What the operator's volume has of a namespace: runs and studies."""
    listed = cluster.kubectl("-n", "elastometer", "exec", "deploy/elastometer", "--", "python3", "-c",
                             DIRECTORIES.format(namespace))
    return sorted(listed.split())


def restarts(cluster: Any) -> dict[str, int]:
    """How often each container of the operator's Pods has been restarted."""
    return {pod["metadata"]["uid"]: status["restartCount"] for pod in cluster.get("pods", *OPERATOR)["items"]
            for status in pod["status"].get("containerStatuses", ())}

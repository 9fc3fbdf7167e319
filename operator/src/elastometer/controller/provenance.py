"""What the run was made with: versions, objects as served, image digests and nodes. Written when recording ends."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from elastometer.controller.session import Session
from elastometer.model.calibration import CALIBRATION, CALIBRATION_JSON
from elastometer.model.names import SERVER

Json = dict[str, Any]


async def provenance(session: Session) -> Json:
    """The content of provenance.json. What cannot be read from inside a cluster is stated as such."""
    plan, latest = session.plan, session.recorder.latest if session.recorder is not None else (lambda _: {})
    kubernetes = await session.context.cluster.version()
    pods = latest("Pod").values()
    return {
        "tool": {"name": "elastometer", "version": version("elastometer")},
        "kubernetes": {key: kubernetes.get(key) for key in ("gitVersion", "platform")},
        "autoscaler": session.autoscaler,
        "scaledObject": latest("ScaledObject").get(plan.names.server),
        "target": latest("Deployment").get(plan.names.server),
        "images": sorted(
            {
                (item.get("image", ""), item.get("imageID", ""))
                for pod in pods
                for item in pod.get("status", {}).get("containerStatuses", ())
            }
        ),
        "model": {"name": plan.spec.server.model, "revision": plan.spec.server.revision},
        "nodes": [_node(node) for node in latest("Node").values()],
        "prometheus": {"url": plan.prometheus_url, "scrapePeriodSeconds": plan.spec.measurement.scrape_period_seconds},
        "controllerFlags": "not readable from inside the cluster",
        "loadFiles": [_file(name, text) for name, text in sorted(plan.spec.files.items())],
        **({} if (found := session.store.read_json(CALIBRATION_JSON)) is None else {CALIBRATION: found}),
        "component": SERVER,
    }


def _file(name: str, text: str) -> Json:
    """What identifies a file without any of its content, which may be confidential."""
    content = text.encode()
    return {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _node(node: Mapping[str, Any]) -> Json:
    status = node.get("status", {})
    return {
        "name": node["metadata"]["name"],
        "allocatable": status.get("allocatable"),
        "nodeInfo": status.get("nodeInfo"),
    }

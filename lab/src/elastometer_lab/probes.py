"""Health checks of the lab's programs, made from inside its network namespace."""
from __future__ import annotations

import socket
import ssl
import subprocess
import urllib.request
from pathlib import Path

from elastometer_lab.api import Api, ApiError
from elastometer_lab.component import Probe
from elastometer_lab.namespaces import inside_network

TIMEOUT_SECONDS = 2.0


def http_health(url: str) -> Probe:
    """Healthy when the URL answers 200. Certificates are not verified, as it is the lab's own loopback interface."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    # An empty ProxyHandler: a proxy in the environment must not be asked for the lab's loopback addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=unchecked))

    def probe() -> str | None:
        try:
            with inside_network(), opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
                return None if answer.status == 200 else f"{url} answers {answer.status}"
        except OSError as error:
            return f"{url}: {error}"
    return probe


def api_path(pki: Path, path: str) -> Probe:
    """Healthy when the API server answers this path to the administrator."""
    def probe() -> str | None:
        try:
            Api.connect(pki).get(path)
        except ApiError as error:
            return f"{path} answers {error}"
        except OSError as error:
            return f"{path}: {error}"
        return None
    return probe


def node_ready(pki: Path, node: str) -> Probe:
    """Healthy when the node is Ready in the API."""
    def probe() -> str | None:
        try:
            conditions = Api.connect(pki).get(f"/api/v1/nodes/{node}")["status"].get("conditions", [])
        except (ApiError, OSError) as error:
            return f"node {node}: {error}"
        for condition in conditions:
            if condition["type"] == "Ready":
                return None if condition["status"] == "True" else f"node {node}: {condition.get('message')}"
        return f"node {node} has reported no condition yet"
    return probe


def all_of(*probes: Probe) -> Probe:
    """Healthy when all probes are; reports the first fault."""
    def check_all() -> str | None:
        return next((fault for probe in probes if (fault := probe()) is not None), None)
    return check_all


def containerd_answers(ctr: tuple[str, ...]) -> Probe:
    """Healthy when containerd answers its own client, which asks for the versions of both."""
    def probe() -> str | None:
        try:
            done = subprocess.run([*ctr, "version"], capture_output=True, text=True, check=False,
                                  timeout=TIMEOUT_SECONDS * 2)
        except subprocess.TimeoutExpired:
            return "containerd does not answer"
        return None if done.returncode == 0 else f"containerd: {done.stderr.strip()}"
    return probe


def loopback_open(port: int) -> Probe:
    """Healthy when something listens on this port of the host's loopback interface."""
    def probe() -> str | None:
        try:
            socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS).close()
        except OSError as error:
            return f"127.0.0.1:{port}: {error}"
        return None
    return probe

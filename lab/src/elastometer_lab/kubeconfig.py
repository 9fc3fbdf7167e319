"""Kubeconfig files: one for people, by way of the forwarder on loopback, and one for each component inside the lab."""
from __future__ import annotations

import base64
from pathlib import Path

import yaml

from elastometer_lab import settings
from elastometer_lab.paths import NAME

SERVER_INSIDE = f"https://127.0.0.1:{settings.API_PORT}"


def kubeconfig(server: str, user: str, pki: Path) -> str:
    """The text of a kubeconfig. Certificates are embedded, so that the file can be copied to another place."""
    def embedded(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    return yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": {
            "server": server, "certificate-authority-data": embedded("ca.crt")}}],
        "users": [{"name": user, "user": {
            "client-certificate-data": embedded(f"{user}.crt"), "client-key-data": embedded(f"{user}.key")}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": user}}],
    }, sort_keys=False)


def write_kubeconfig(path: Path, text: str) -> None:
    """Write a kubeconfig that only its owner can read; an unchanged file keeps its modification time."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Both: `touch` so that a new file is never readable by others, `chmod` for one that was.
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)

"""Addresses and ports that several of the lab's programs must agree on, and the settings that a person can choose."""
from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import orjson

BRIDGE = "cni0"
NODE_ADDRESS = "10.244.0.1"
"""The address of the bridge, the node and the API server: endpoints may not be on loopback."""
POD_NETWORK = "10.244.0.0/16"
POD_SUBNET = "10.244.0.0/24"
FIRST_POD_ADDRESS = "10.244.0.10"
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_ADDRESS = "10.96.0.10"
API_PORT = 6443
ETCD_PORT = 2379
KUBELET_PORT = 10250
KUBELET_HEALTH_PORT = 10248
PROXY_HEALTH_PORT = 10256
CONTROLLER_MANAGER_PORT = 10257
SCHEDULER_PORT = 10259
FORWARDED_PORT = 16443
"""The API server's port on the host's loopback interface; not 6443, which another cluster may use."""
GPU_RESOURCE = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of `up`. Those that are not given keep the running lab's values."""

    node: str = "node"
    gpus: int = 4
    hpa_sync_seconds: int = 15
    keda: bool = False
    port: int = FORWARDED_PORT

    def merged(self, chosen: dict[str, Any]) -> Settings:
        """These settings, overridden by every value that is not None."""
        given = {name: value for name, value in chosen.items() if value is not None}
        return replace(self, **given)


def load_settings(path: Path) -> Settings | None:
    """The settings of the last `up`; None before the first one. Keys that another version wrote are ignored."""
    try:
        data = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    known = {field.name for field in fields(Settings)}
    return Settings(**{key: value for key, value in data.items() if key in known})


def save_settings(path: Path, settings: Settings) -> None:
    """Write the settings, at the start of `up`: after an interruption, `up` without options makes the same lab."""
    path.write_bytes(orjson.dumps(asdict(settings), option=orjson.OPT_INDENT_2))

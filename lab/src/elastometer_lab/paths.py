"""Where the lab keeps things. There is one lab per host, so its names in the kernel are constants."""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

NAME = "elastometer-lab"
"""Name of the network namespace, of the cgroup and of the lock: one each on a host."""

REPOSITORY = Path(__file__).resolve().parents[3]
NETWORK_NAMESPACE = Path("/run/netns") / NAME
LOCK = Path("/run") / f"{NAME}.lock"


@dataclass(frozen=True, slots=True)
class Paths:
    """`state` dies with `down`; `cache` holds what is costly to make; `run` holds sockets, pids and pins."""

    state: Path
    cache: Path
    run: Path = Path("/run") / NAME

    @classmethod
    def from_environment(cls) -> Paths:
        """ELASTOMETER_LAB_STATE and ELASTOMETER_LAB_CACHE override the places under /var."""
        return cls(
            state=Path(os.environ.get("ELASTOMETER_LAB_STATE", f"/var/lib/{NAME}")).absolute(),
            cache=Path(os.environ.get("ELASTOMETER_LAB_CACHE", f"/var/cache/{NAME}")).absolute(),
        )

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def settings(self) -> Path:
        return self.state / "settings.json"

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    @property
    def pin_directory(self) -> Path:
        return self.run / "namespaces"

    @property
    def mount_namespace(self) -> Path:
        return self.pin_directory / "mount"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def containerd_root(self) -> Path:
        """In the cache: imported images survive `down`, so that the next `up` need not unpack them again."""
        return self.cache / "containerd"

"""Where the lab keeps its files. There is one lab per host, so the names that the kernel knows are constants."""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

NAME = "elastometer-lab"
"""Name of the network namespace, of the cgroup and of the lock: one each on a host."""

REPOSITORY = Path(__file__).resolve().parents[3]
NETWORK_NAMESPACE = Path("/run/netns") / NAME
LOCK = Path("/run") / f"{NAME}.lock"
"""Not below `Paths.run`: `down` removes that, and a lock file that is removed no longer excludes anybody."""


@dataclass(frozen=True, slots=True)
class Paths:
    """`state` is removed by `down`; `cache` has what is expensive to make; `run` has sockets, pids and pins."""

    state: Path
    cache: Path
    run: Path = Path("/run") / NAME

    @classmethod
    def from_environment(cls) -> Paths:
        """The paths; ELASTOMETER_LAB_STATE and ELASTOMETER_LAB_CACHE override those under /var."""
        return cls(
            state=Path(os.environ.get("ELASTOMETER_LAB_STATE", f"/var/lib/{NAME}")).absolute(),
            cache=Path(os.environ.get("ELASTOMETER_LAB_CACHE", f"/var/cache/{NAME}")).absolute(),
        )

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.state / "pki"

    @property
    def log(self) -> Path:
        """Logs of components and containers, and the audit log."""
        return self.state / "log"

    @property
    def config(self) -> Path:
        """Configuration files of components."""
        return self.state / "config"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig for people and tests on the host."""
        return self.state / "kubeconfig"

    @property
    def settings(self) -> Path:
        """The settings of the last `up`."""
        return self.state / "settings.json"

    @property
    def pids(self) -> Path:
        """Process records, one per component."""
        return self.run / "pids"

    @property
    def pin_directory(self) -> Path:
        """A private mount, on which the mount namespace can be pinned."""
        return self.run / "namespaces"

    @property
    def mount_namespace(self) -> Path:
        """The pin of the mount namespace."""
        return self.pin_directory / "mount"

    @property
    def containerd_socket(self) -> Path:
        """The socket of the lab's containerd."""
        return self.run / "containerd.sock"

    @property
    def containerd_root(self) -> Path:
        """containerd's root, in the cache: imported images survive `down`, so the next `up` need not unpack them."""
        return self.cache / "containerd"

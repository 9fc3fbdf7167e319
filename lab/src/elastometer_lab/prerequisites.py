"""What the host must have. It is checked before anything is changed, and missing Debian packages are installed."""
from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from elastometer_lab import cgroups
from elastometer_lab.errors import LabError
from elastometer_lab.node import CNI_BINARIES

ALTERNATIVES = "run `make demo CLUSTER=kind` (with Docker) or `make demo CLUSTER=current` (any cluster) instead"
NET_ADMIN, SYS_ADMIN = 12, 21
"""Capability numbers of linux/capability.h; capabilities(7) says what they allow."""

DISK_BYTES = 4 << 30
"""0.8 GiB of binaries, 2 GiB of images (as layers and unpacked), and the rest for logs and volumes."""

PACKAGES = {
    "containerd": "containerd", "ctr": "containerd", "runc": "runc", "iptables": "iptables", "ip": "iproute2",
    "conntrack": "conntrack", "socat": "socat", "mmdebstrap": "mmdebstrap", "openssl": "openssl",
    "nsenter": "util-linux", "unshare": "util-linux", "mount": "mount",
}
"""Program -> the Debian package that contains it."""


def faults() -> list[str]:
    """The reasons why a lab is impossible on this host, each as one sentence."""
    if platform.system() != "Linux":
        return [f"The lab needs Linux; this is {platform.system()}."]
    found = []
    if os.geteuid() != 0:
        found.append("The lab must run as root: it makes network namespaces, mounts and cgroups.")
    elif missing := missing_capabilities(Path("/proc/self/status").read_text()):
        found.append(f"This root lacks {' and '.join(missing)}: the container it runs in must be privileged.")
    if "overlay" not in Path("/proc/filesystems").read_text():
        found.append("The kernel has no overlay file system (modprobe overlay).")
    # A full disk would show up much later, as evictions and failed imports.
    free = shutil.disk_usage("/var").free
    if free < DISK_BYTES:
        found.append(f"/var has {free >> 20} MiB free; binaries and images of a lab need {DISK_BYTES >> 20} MiB.")
    if not cgroups.mounted():
        found.append("No cgroup hierarchy is mounted.")
    return found


def missing_capabilities(status: str) -> list[str]:
    """Those of the indispensable capabilities that the effective set in /proc/self/status does not have."""
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    effective = int(line.split()[1], 16)
    return [name for name, bit in (("CAP_NET_ADMIN", NET_ADMIN), ("CAP_SYS_ADMIN", SYS_ADMIN))
            if not effective >> bit & 1]


def missing_packages() -> list[str]:
    """The Debian packages whose programs the host does not have."""
    missing = {package for program, package in PACKAGES.items() if shutil.which(program) is None}
    if not any((directory / "bridge").exists() for directory in CNI_BINARIES):
        missing.add("containernetworking-plugins")
    return sorted(missing)


def ensure_prerequisites() -> list[str]:
    """Refuse a host that cannot have a lab; install what is missing, and return what was installed."""
    if found := faults():
        raise LabError("\n".join([*found, f"The lab cannot run here: {ALTERNATIVES}."]))
    missing = missing_packages()
    if not missing:
        return []
    if shutil.which("apt-get") is None:
        raise LabError(f"Missing on this host: {', '.join(missing)} (Debian's names), and there is no apt-get to "
                       f"install them. Install them, or {ALTERNATIVES}.")
    install(missing)
    return missing


def install(packages: list[str]) -> None:
    """Install packages with apt-get. A failing `update` is ignored: one broken third-party source makes it fail."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet"], capture_output=True, check=False, env=environment)
    done = subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", *packages],
                          capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        tail = " ".join(done.stderr.strip().splitlines()[-3:])
        raise LabError(f"apt-get could not install {', '.join(packages)}: {tail}. Install them, or {ALTERNATIVES}.")

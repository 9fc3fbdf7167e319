"""The lab's cgroup, which contains every process that the lab ever started.

Daemons go into `daemons` and Pods into `kubepods`, which the kubelet makes. So a process of the lab is found here even
if its pid file is lost. Works with cgroup versions 1 and 2 and with both mounted (hybrid).
"""
from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from elastometer_lab.errors import LabError
from elastometer_lab.paths import NAME

MOUNTS = Path("/proc/self/mountinfo")


def hierarchies(mountinfo: str) -> dict[str, Path]:
    """Mounted cgroup hierarchies: comma-joined controllers (or `unified`) -> mount point."""
    found: dict[str, Path] = {}
    # proc(5): the mount point is the fifth field; after " - " come file system type, source and options.
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split()[:3]
        point = Path(left.split()[4])
        if kind == "cgroup2":
            found["unified"] = point
        elif kind == "cgroup":
            found[",".join(sorted(set(options.split(",")) - {"rw", "ro", "xattr"}))] = point
    return found


def mounted() -> dict[str, Path]:
    """The hierarchies of this host; without any, no lab is possible."""
    return hierarchies(MOUNTS.read_text())


def process_hierarchy(found: dict[str, Path]) -> Path:
    """The hierarchy in which the lab's processes are found: version 1's `pids` where there is one, else version 2's.

    In version 1 each controller has its own tree, and one of them is enough to find a process.
    """
    for controllers, point in found.items():
        if "pids" in controllers.split(","):
            return point
    if "unified" not in found:
        raise LabError("no cgroup hierarchy with the pids controller is mounted: "
                       "run `make demo CLUSTER=kind` or `CLUSTER=current` instead")
    return found["unified"]


def prepare() -> Path:
    """Make the lab's cgroup in every hierarchy, all of which the kubelet needs; returns the daemons' procs file."""
    found = mounted()
    only_unified = set(found) == {"unified"}
    for controllers, point in found.items():
        group = point / NAME
        if only_unified:
            delegate(point)
        group.mkdir(exist_ok=True)
        if only_unified:
            delegate(group)
        if "cpuset" in controllers.split(","):
            inherit_cpuset(point, group)
    daemons = process_hierarchy(found) / NAME / "daemons"
    daemons.mkdir(exist_ok=True)
    return daemons / "cgroup.procs"


def delegate(group: Path) -> None:
    """Version 2: children have a controller only if the parent enables it for them.

    One that cannot be enabled is skipped, since the lab may not need it; the kubelet's log says which it misses.
    """
    for name in (group / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (group / "cgroup.subtree_control").write_text(f"+{name}")


def inherit_cpuset(parent: Path, group: Path) -> None:
    """Version 1: a new cpuset is empty, and no process can enter an empty one."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (group / name).read_text().strip():
            (group / name).write_text((parent / name).read_text())


def members(group: Path) -> Iterator[int]:
    """The pids in a group and all groups below it; groups that disappear meanwhile are skipped."""
    for directory, _, _ in os.walk(group):
        try:
            yield from (int(pid) for pid in Path(directory, "cgroup.procs").read_text().split())
        except OSError:
            continue


def pids() -> list[int]:
    """Every process of the lab: daemons, shims and containers."""
    found = mounted()
    return list(members(process_hierarchy(found) / NAME)) if found else []


def pod_pids() -> list[int]:
    """The processes inside Pods."""
    return list(members(process_hierarchy(mounted()) / NAME / "kubepods"))


def signal_all(pids: list[int], sign: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            continue


def kill_everything(patience_seconds: float = 10.0) -> None:
    """Send SIGKILL until no process is left; one round is not enough, since a dying process may have forked."""
    deadline = time.monotonic() + patience_seconds
    while left := pids():
        if time.monotonic() > deadline:
            raise LabError(f"processes {left} of the lab did not end within {patience_seconds:.0f} s of SIGKILL: "
                           "look at them in /proc (state D waits for the disk) and run `down` again")
        signal_all(left, signal.SIGKILL)
        time.sleep(0.05)


def remove() -> None:
    """Remove the lab's groups in every hierarchy, the innermost first, as the kernel requires."""
    for point in mounted().values():
        for directory, _, _ in os.walk(point / NAME, topdown=False):
            remove_group(Path(directory))


def remove_group(group: Path, patience_seconds: float = 2.0) -> None:
    """Remove one empty group, which stays busy for a moment after its last process has ended."""
    deadline = time.monotonic() + patience_seconds
    while group.is_dir():
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)

"""The lab's cgroup: the kubelet's root for pods, and the net that holds every process the lab ever started.

Daemons go into `daemons`, pods into `kubepods` (the kubelet's). Whatever happened to pid files, a process of the
lab is found here. Works with version 1 and 2 hierarchies.
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
    """Hierarchies of this host; an empty answer means that nothing can be contained here."""
    return hierarchies(MOUNTS.read_text())


def home(found: dict[str, Path]) -> Path:
    """The hierarchy that holds the lab's processes: `pids` of version 1 where there is one, else version 2."""
    for controllers, point in found.items():
        if "pids" in controllers.split(","):
            return point
    if "unified" not in found:
        raise LabError("no cgroup hierarchy with the pids controller is mounted: "
                       "run `make demo CLUSTER=kind` or `CLUSTER=current` instead")
    return found["unified"]


def prepare() -> Path:
    """Makes the lab's cgroup in every hierarchy (the kubelet asks for all); returns the daemons' procs file."""
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
    daemons = home(found) / NAME / "daemons"
    daemons.mkdir(exist_ok=True)
    return daemons / "cgroup.procs"


def delegate(group: Path) -> None:
    """Version 2: children get a controller only when the parent hands it down; the kubelet says which it misses."""
    for name in (group / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (group / "cgroup.subtree_control").write_text(f"+{name}")


def inherit_cpuset(parent: Path, group: Path) -> None:
    """Version 1: an empty cpuset takes no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (group / name).read_text().strip():
            (group / name).write_text((parent / name).read_text())


def members(group: Path) -> Iterator[int]:
    """Pids in a group and all groups below it; groups that vanish meanwhile are skipped."""
    for directory, _, _ in os.walk(group):
        try:
            yield from (int(pid) for pid in Path(directory, "cgroup.procs").read_text().split())
        except (FileNotFoundError, OSError):
            continue


def pids() -> list[int]:
    """Every process of the lab: daemons, shims and containers."""
    found = mounted()
    return list(members(home(found) / NAME)) if found else []


def pod_pids() -> list[int]:
    """Processes inside pods alone."""
    return list(members(home(mounted()) / NAME / "kubepods"))


def signal_all(pids: list[int], sign: signal.Signals) -> None:
    """Sends a signal to each; one that is gone already is fine."""
    for pid in pids:
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            continue


def kill_everything(patience_seconds: float = 10.0) -> None:
    """KILLs until nothing is left, since a dying process may have forked."""
    deadline = time.monotonic() + patience_seconds
    while left := pids():
        if time.monotonic() > deadline:
            raise LabError(f"processes {left} of the lab do not die within {patience_seconds:.0f} s: "
                           "look at them in /proc (state D waits for the disk) and run `down` again")
        signal_all(left, signal.SIGKILL)
        time.sleep(0.05)


def remove() -> None:
    """Removes the lab's groups from the leaves up, in every hierarchy."""
    for point in mounted().values():
        for directory, _, _ in os.walk(point / NAME, topdown=False):
            remove_group(Path(directory))


def remove_group(group: Path, patience_seconds: float = 2.0) -> None:
    """An emptied group stays busy for a moment after its last process died."""
    deadline = time.monotonic() + patience_seconds
    while group.is_dir():
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)

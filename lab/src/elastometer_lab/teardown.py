"""`down`: ends the lab so that nothing of it is left, whatever state it was in, in bounded time.

A lab is thrown away whole, so nothing is deleted through its API (a finalizer could hold that up for ever). Pods get
the signal to end and a few seconds; then every process in the lab's cgroup is killed, and with the last of them go
the namespaces, and with those every mount, link and rule.
"""
from __future__ import annotations

import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from elastometer_lab import cgroups, namespaces
from elastometer_lab.component import running
from elastometer_lab.errors import LabError
from elastometer_lab.lock import exclusive
from elastometer_lab.node import ctr
from elastometer_lab.paths import NETWORK_NAMESPACE, Paths
from elastometer_lab.processes import end_process
from elastometer_lab.progress import Progress

GRACE_SECONDS = 3.0
"""For pods to end by themselves; long enough to flush a file, short enough not to be noticed."""


@dataclass(frozen=True, slots=True)
class TearDown:
    """One run of `down`."""

    paths: Paths
    progress: Progress
    purge: bool = False

    def run(self) -> None:
        """Each step works on the ruins of a lab as well as on a living one."""
        with exclusive(self.progress):
            self.refuse_foreign()
            with self.progress.step("processes") as step:
                step.outcome = f"{self.end_processes()} ended"
            with self.progress.step("namespaces, mounts and cgroups") as step:
                namespaces.remove(self.paths)
                cgroups.remove()
                step.outcome = "gone"
            with self.progress.step("state") as step:
                self.remove_files()
                step.outcome = "gone, with the cache" if self.purge else f"gone; the cache stays in {self.paths.cache}"

    def refuse_foreign(self) -> None:
        """A lab with another state directory is not this command's to end."""
        note = self.paths.run / "state-directory"
        if note.exists() and note.read_text() != str(self.paths.state):
            raise LabError(f"This host's lab has its state in {note.read_text()}: "
                           f"set ELASTOMETER_LAB_STATE={note.read_text()} to end it.")

    def end_processes(self) -> int:
        """The kubelet first, so that it restarts nothing; then pods kindly; then everything."""
        count = len(cgroups.pids())
        for name in ("kubelet", "kube-controller-manager"):
            if record := running(self.paths, name):
                end_process(record, 0.0)
        pods = cgroups.pod_pids()
        cgroups.signal_all(pods, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while pods and cgroups.pod_pids() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.drop_containers()
        cgroups.kill_everything()
        return count

    def drop_containers(self) -> None:
        """Takes containers out of containerd's books, which live on in the cache with the images."""
        if running(self.paths, "containerd"):
            cgroups.signal_all(cgroups.pod_pids(), signal.SIGKILL)
            remove_containers(self.paths)

    def remove_files(self) -> None:
        """No mount can be below any more; were one there, removing would reach into what it shows."""
        for place in (self.paths.state, self.paths.run, *([self.paths.cache] if self.purge else [])):
            refuse_mounts(place)
            shutil.rmtree(place, ignore_errors=False) if place.exists() else None


def refuse_mounts(place: Path) -> None:
    """Says which mount is in the way instead of deleting through it."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if line.split()[4].startswith(f"{place}/"):
            raise LabError(f"{line.split()[4]} is still mounted: `umount {line.split()[4]}`, then run `down` again")


def remove_stale_containers(paths: Paths) -> int:
    """At the start of a new cluster containerd may remember pods of one that was killed; its kubelet knows none."""
    if running(paths, "kubelet") or (paths.state / "kubelet").exists():
        return 0
    return remove_containers(paths)


def remove_containers(paths: Paths, patience_seconds: float = 10.0) -> int:
    """Deletes every task and container record; returns how many there were. A containerd that hangs keeps its own."""
    def ask(*arguments: str) -> list[str]:
        return subprocess.run(ctr(paths, *arguments), capture_output=True, text=True, check=False,
                              timeout=patience_seconds).stdout.split()

    try:
        names = ask("containers", "list", "--quiet")
        for command in (("tasks", "delete", "--force"), ("containers", "delete")) if names else ():
            ask(*command, *names)
    except subprocess.TimeoutExpired:
        return 0
    return len(names)


def is_absent(paths: Paths) -> bool:
    """Whether there is no lab on this host, not even its ruins."""
    return not (paths.state.exists() or NETWORK_NAMESPACE.exists() or cgroups.pids())

"""`down`: ends the lab in bounded time and leaves nothing behind, whatever state it was in.

A lab is discarded as a whole, so nothing is deleted through its API, where a finalizer could block that forever. Pods
get SIGTERM and a few seconds; then every process in the lab's cgroup is killed. With the last of them the namespaces
disappear, and with those all mounts, links and rules.
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
"""Time for Pods to end by themselves: long enough to flush a file, and too short to be annoying."""


@dataclass(frozen=True, slots=True)
class TearDown:
    """One run of `down`."""

    paths: Paths
    progress: Progress
    purge: bool = False

    def run(self) -> None:
        """End the lab. Every step also works on what is left of a broken one."""
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
        """Refuse to end a lab that has another state directory."""
        note = self.paths.run / "state-directory"
        if note.exists() and note.read_text() != str(self.paths.state):
            raise LabError(f"This host's lab has its state in {note.read_text()}: "
                           f"set ELASTOMETER_LAB_STATE={note.read_text()} to end it.")

    def end_processes(self) -> int:
        """End all processes; returns how many there were.

        The kubelet and the controller manager first, so that nothing is restarted; then Pods, gently; then everything.
        """
        count = len(cgroups.pids())
        for name in ("kubelet", "kube-controller-manager"):
            if record := running(self.paths, name):
                end_process(record, 0.0)  # no grace: whatever they would still finish is thrown away with the lab
        # Straight to the processes and not through containerd, which may be the part that is broken.
        pods = cgroups.pod_pids()
        cgroups.signal_all(pods, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while pods and cgroups.pod_pids() and time.monotonic() < deadline:
            time.sleep(0.05)
        # While containerd still runs: its records can be removed only through it.
        self.drop_containers()
        cgroups.kill_everything()
        return count

    def drop_containers(self) -> None:
        """Remove the containers from containerd's records, which stay in the cache together with the images."""
        if running(self.paths, "containerd"):
            cgroups.signal_all(cgroups.pod_pids(), signal.SIGKILL)
            remove_containers(self.paths)

    def remove_files(self) -> None:
        """Remove state and runtime files, but never through a mount: that would delete what is mounted there."""
        for place in (self.paths.state, self.paths.run, *([self.paths.cache] if self.purge else [])):
            refuse_mounts(place)
            shutil.rmtree(place, ignore_errors=False) if place.exists() else None


def refuse_mounts(place: Path) -> None:
    """Raise LabError if anything is mounted below a directory; it says what."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if line.split()[4].startswith(f"{place}/"):
            raise LabError(f"{line.split()[4]} is still mounted: `umount {line.split()[4]}`, then run `down` again")


def remove_stale_containers(paths: Paths) -> int:
    """Remove containers that containerd remembers from a cluster that was killed; returns how many there were.

    None are removed if this cluster already has, or had, a kubelet: then they are its own.
    """
    if running(paths, "kubelet") or (paths.state / "kubelet").exists():
        return 0
    return remove_containers(paths)


def remove_containers(paths: Paths, patience_seconds: float = 10.0) -> int:
    """Delete every task and container record; returns how many there were.

    The time is bounded, because `ctr` waits forever for a containerd that hangs; then the records stay.
    """
    def run_ctr(*arguments: str) -> list[str]:
        return subprocess.run(ctr(paths, *arguments), capture_output=True, text=True, check=False,
                              timeout=patience_seconds).stdout.split()

    try:
        names = run_ctr("containers", "list", "--quiet")
        for command in (("tasks", "delete", "--force"), ("containers", "delete")) if names else ():
            run_ctr(*command, *names)
    except subprocess.TimeoutExpired:
        return 0
    return len(names)


def is_absent(paths: Paths) -> bool:
    """Whether there is no lab on this host, not even the remains of one."""
    return not (paths.state.exists() or NETWORK_NAMESPACE.exists() or cgroups.pids())

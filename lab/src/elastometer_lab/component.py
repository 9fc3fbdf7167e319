"""A long-running program of the lab: what it is started from, and how to check that it works.

A healthy program that was started from the same inputs stays as it is; any other is ended and started again. So `up`
repairs whatever a crash or a kill left behind. Starting and waiting are separate, so that programs start in parallel.
"""
from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from elastometer_lab import namespaces
from elastometer_lab.errors import LabError
from elastometer_lab.paths import Paths
from elastometer_lab.processes import (
    Launch,
    ProcessRecord,
    end_process,
    is_alive,
    read_record,
    spawn,
    write_record,
)

Probe = Callable[[], str | None]
"""Returns None when all is well, otherwise what is wrong in a few words. Never raises for a program that is down."""

POLL_SECONDS = 0.05
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Outcome(StrEnum):
    """What `start_if_needed` had to do."""

    KEPT = "running"
    STARTED = "started"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Component:
    """One program. `reads` are files that it depends on; `inside` says whether it runs in the lab's namespaces."""

    name: str
    argv: tuple[str, ...]
    probe: Probe
    reads: tuple[Path, ...] = ()
    inside: bool = True
    start_seconds: float = 60.0
    """Time from start to healthy before it counts as failed; generous, since the host may be busy."""
    stop_seconds: float = 5.0
    recovery_seconds: float = 3.0
    """How long a running but unhealthy program may take to recover by itself before it is replaced.

    When etcd or the API server restarts, the others are unhealthy for a moment, and replacing them would take longer.
    """

    def digest(self, paths: Paths) -> str:
        """A digest of all inputs: arguments, the binary, configuration files and the namespaces it runs in."""
        parts = [*self.argv, namespaces.identity(paths)]
        binary = Path(self.argv[0])
        if binary.is_absolute():
            # Size and time instead of the content: hashing 140 MB for each component would take longer than the rest.
            stat = binary.stat()
            parts.append(f"{stat.st_size} {stat.st_mtime_ns}")
        parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.reads]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def record_path(paths: Paths, name: str) -> Path:
    """The file with the process record of this component."""
    return paths.pids / f"{name}.json"


def running(paths: Paths, name: str) -> ProcessRecord | None:
    """The record of this component's running process, if there is one."""
    record = read_record(record_path(paths, name))
    return record if record and is_alive(record) else None


def start_if_needed(component: Component, paths: Paths, cgroup: Path) -> Outcome:
    """Start or replace the process, unless it is healthy and has the same inputs; does not wait for its health."""
    digest = component.digest(paths)
    record = running(paths, component.name)
    if record and record.digest == digest and recovers(component):
        return Outcome.KEPT
    if record:
        end_process(record, component.stop_seconds)
    prefix = namespaces.enter_prefix(paths) if component.inside else ()
    # A fixed environment: what the caller's shell has set must not make one `up` differ from the next.
    launch = Launch((*prefix, *component.argv), paths.log / f"{component.name}.log", cgroup,
                    {"PATH": SYSTEM_PATH, "HOME": "/root", "LANG": "C.UTF-8",
                     "PYTHONPATH": str(Path(__file__).resolve().parents[1])})
    write_record(record_path(paths, component.name), spawn(launch, digest))
    return Outcome.REPLACED if record else Outcome.STARTED


def recovers(component: Component) -> bool:
    """Whether the running process is healthy now or becomes so within its recovery time."""
    deadline = time.monotonic() + component.recovery_seconds
    while component.probe() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def await_health(component: Component, paths: Paths) -> None:
    """Wait until the probe reports no fault. LabError, with the end of the log, if it ends or takes too long."""
    deadline = time.monotonic() + component.start_seconds
    while (fault := component.probe()) is not None:
        if running(paths, component.name) is None:
            raise LabError(f"{component.name} ended right after its start.\n{log_tail(paths, component.name)}")
        if time.monotonic() > deadline:
            raise LabError(f"{component.name} is not healthy after {component.start_seconds:.0f} s: {fault}.\n"
                           f"{log_tail(paths, component.name)}")
        time.sleep(POLL_SECONDS)


def log_tail(paths: Paths, name: str, lines: int = 12) -> str:
    """The path of a component's log, followed by its last lines."""
    log = paths.log / f"{name}.log"
    if not log.exists():
        return f"(no log at {log})"
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 16384), os.SEEK_SET)
        tail = stream.read().decode(errors="replace").splitlines()[-lines:]
    return "\n".join([f"The end of {log}:", *(f"  {line[:400]}" for line in tail)])

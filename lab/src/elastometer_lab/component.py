"""A long-running program of the lab: what it is started from, and how to see that it works.

`ensure` is the whole of bringing up: a healthy program started from the same inputs stays as it is, everything
else is ended and started again. So `up` heals whatever a crash or a kill left behind.
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
"""None when all is well, else what is wrong in a few words. Never raises for a program that is down."""

POLL_SECONDS = 0.05
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Outcome(StrEnum):
    """What `ensure` had to do."""

    KEPT = "running"
    STARTED = "started"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Component:
    """`reads` are files whose content is part of what the program is; `inside` says whether it runs in the lab."""

    name: str
    argv: tuple[str, ...]
    probe: Probe
    reads: tuple[Path, ...] = ()
    inside: bool = True
    start_seconds: float = 60.0
    """Budget from start to healthy; generous, since the host may be busy."""
    stop_seconds: float = 5.0
    recovery_seconds: float = 3.0
    """How long a running but unhealthy program may take to come back by itself before it is replaced."""

    def digest(self, paths: Paths) -> str:
        """Of all inputs: arguments, the binary, configuration files and the namespaces it lives in."""
        parts = [*self.argv, namespaces.identity(paths)]
        binary = Path(self.argv[0])
        if binary.is_absolute():
            stat = binary.stat()
            parts.append(f"{stat.st_size} {stat.st_mtime_ns}")
        parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.reads]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def record_path(paths: Paths, name: str) -> Path:
    return paths.pids / f"{name}.json"


def running(paths: Paths, name: str) -> ProcessRecord | None:
    """Record of the living process of this component, if there is one."""
    record = read_record(record_path(paths, name))
    return record if record and is_alive(record) else None


def ensure(component: Component, paths: Paths, cgroup: Path) -> Outcome:
    """Brings one component into the wanted state and waits until its probe is content."""
    outcome = start_if_needed(component, paths, cgroup)
    if outcome is not Outcome.KEPT:
        await_health(component, paths)
    return outcome


def start_if_needed(component: Component, paths: Paths, cgroup: Path) -> Outcome:
    """Starts or replaces the process without waiting for its health."""
    digest = component.digest(paths)
    record = running(paths, component.name)
    if record and record.digest == digest and recovers(component):
        return Outcome.KEPT
    if record:
        end_process(record, component.stop_seconds)
    prefix = namespaces.entering(paths) if component.inside else ()
    launch = Launch((*prefix, *component.argv), paths.log / f"{component.name}.log", cgroup,
                    {"PATH": SYSTEM_PATH, "HOME": "/root", "LANG": "C.UTF-8",
                     "PYTHONPATH": str(Path(__file__).resolve().parents[1])})
    write_record(record_path(paths, component.name), spawn(launch, digest))
    return Outcome.REPLACED if record else Outcome.STARTED


def recovers(component: Component) -> bool:
    """Whether the running process is healthy now or within its recovery time."""
    deadline = time.monotonic() + component.recovery_seconds
    while component.probe() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def await_health(component: Component, paths: Paths) -> None:
    """Returns when the probe is content; a process that died or takes too long is told with its last words."""
    deadline = time.monotonic() + component.start_seconds
    while (fault := component.probe()) is not None:
        if running(paths, component.name) is None:
            raise LabError(f"{component.name} ended right after its start.\n{last_words(paths, component.name)}")
        if time.monotonic() > deadline:
            raise LabError(f"{component.name} is not healthy after {component.start_seconds:.0f} s: {fault}.\n"
                           f"{last_words(paths, component.name)}")
        time.sleep(POLL_SECONDS)


def last_words(paths: Paths, name: str, lines: int = 12) -> str:
    """The end of a component's log, under its path."""
    log = paths.log / f"{name}.log"
    if not log.exists():
        return f"(no log at {log})"
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 16384), os.SEEK_SET)
        tail = stream.read().decode(errors="replace").splitlines()[-lines:]
    return "\n".join([f"The end of {log}:", *(f"  {line[:400]}" for line in tail)])

"""The lab's long-running processes: started so that they outlive `up`, found again, and reliably ended.

A pid alone identifies nothing, since the kernel reuses it. A record therefore also has the start time of the process
and the boot it belongs to, and a process that does not match its record is never touched.
"""
from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """What identifies a process. `start_ticks` is field 22 of /proc/PID/stat, in clock ticks since `boot`."""

    pid: int
    start_ticks: int
    boot: str
    digest: str
    """A digest of everything the process was started from; a different one means that it must be replaced."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a process. It writes its pid to the file `cgroup` before it becomes the program."""

    argv: tuple[str, ...]
    log: Path
    cgroup: Path
    environment: Mapping[str, str]


def boot_id() -> str:
    """The id of the host's present boot."""
    return BOOT_ID.read_text().strip()


def start_ticks(pid: int) -> int | None:
    """When the process was started; None for one that has ended or is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name is in brackets and may itself contain some, so the fields are counted from the last one.
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])


def is_alive(record: ProcessRecord) -> bool:
    """Whether this very process is running, and not another that got its pid."""
    return record.boot == boot_id() and start_ticks(record.pid) == record.start_ticks


def read_record(path: Path) -> ProcessRecord | None:
    """The record in a file; None if it is missing or incomplete, since a kill can happen while it is written."""
    try:
        return ProcessRecord(**orjson.loads(path.read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return None


def write_record(path: Path, record: ProcessRecord) -> None:
    """Write a record atomically: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(orjson.dumps(asdict(record)))
    draft.replace(path)


def spawn(launch: Launch, digest: str) -> ProcessRecord:
    """Start a process in its own session.

    A shell enters the cgroup and then becomes the program: if it were moved only afterwards, children that it has
    started by then would stay outside.
    """
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    # In "/", so that it keeps no directory or mount busy; in its own session, so that Ctrl-C does not reach it.
    with launch.log.open("ab") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(launch.cgroup), *launch.argv],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            env=dict(launch.environment))
    return ProcessRecord(process.pid, start_ticks(process.pid) or 0, boot_id(), digest)


def end_process(record: ProcessRecord, grace_seconds: float) -> None:
    """Send SIGTERM, and SIGKILL after the grace period; returns when the process has ended."""
    for sign, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        if not is_alive(record):
            return
        try:
            os.kill(record.pid, sign)
        except ProcessLookupError:
            return
        wait_until_gone([record], patience)


def wait_until_gone(records: Sequence[ProcessRecord], patience_seconds: float) -> bool:
    """Wait for all to end; returns whether they did in time. A zombie counts as ended."""
    deadline = time.monotonic() + patience_seconds
    while any(is_alive(record) for record in records):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def resident_bytes(pid: int) -> int | None:
    """The resident memory of a process in bytes; None if it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")

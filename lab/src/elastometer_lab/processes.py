"""Long-lived processes of the lab: started so that they outlive `up`, found again, and ended for certain.

A pid alone says nothing: it may have been given to another process. A record therefore holds the start time of
the process and the boot it belongs to, and a process that does not match its record is never touched.
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
    """`start_ticks` is field 22 of /proc/PID/stat: clock ticks since boot, so it needs the boot beside it."""

    pid: int
    start_ticks: int
    boot: str
    digest: str
    """Digest of all that the process was started from; a different one means that it must be replaced."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a process; `cgroup` is the file that takes its pid before it becomes the program."""

    argv: tuple[str, ...]
    log: Path
    cgroup: Path
    environment: Mapping[str, str]


def boot_id() -> str:
    """Changes with each boot of the host."""
    return BOOT_ID.read_text().strip()


def start_ticks(pid: int) -> int | None:
    """When the process began; None for a process that is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])


def is_alive(record: ProcessRecord) -> bool:
    """The very process of the record, not another with its number."""
    return record.boot == boot_id() and start_ticks(record.pid) == record.start_ticks


def read_record(path: Path) -> ProcessRecord | None:
    """None for a missing or torn file: a kill may have come while it was written."""
    try:
        return ProcessRecord(**orjson.loads(path.read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return None


def write_record(path: Path, record: ProcessRecord) -> None:
    """Atomic: a reader sees the old record or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(orjson.dumps(asdict(record)))
    draft.replace(path)


def spawn(launch: Launch, digest: str) -> ProcessRecord:
    """Starts a process in a session of its own. The shell joins the cgroup first, so nothing it starts can escape."""
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    with launch.log.open("ab") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(launch.cgroup), *launch.argv],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            env=dict(launch.environment))
    return ProcessRecord(process.pid, start_ticks(process.pid) or 0, boot_id(), digest)


def end_process(record: ProcessRecord, grace_seconds: float) -> None:
    """TERM, then KILL after the grace; returns when the process is gone."""
    for sign, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        if not is_alive(record):
            return
        try:
            os.kill(record.pid, sign)
        except ProcessLookupError:
            return
        wait_until_gone([record], patience)


def wait_until_gone(records: Sequence[ProcessRecord], patience_seconds: float) -> bool:
    """Whether all are gone in time; reaps those that are children of this process."""
    deadline = time.monotonic() + patience_seconds
    while any(is_alive(record) for record in records):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def resident_bytes(pid: int) -> int | None:
    """RSS in bytes, from the kernel; None where the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")

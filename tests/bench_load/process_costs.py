"""What a program and all its processes cost: CPU time to the nanosecond, and their highest memory use."""

import time
from pathlib import Path

# The CPU clock of a process as `clock_getcpuclockid` encodes it (Linux): user and system time of all its threads.
# /proc/PID/stat has the same in ticks of 10 ms, which is too coarse for runs of a few seconds.
SCHEDULER_CLOCK = 2


def family(root: int) -> list[int]:
    """A process, its descendants, and all others of its session, in which a worker stays when its parent ends."""
    parents: dict[int, int] = {}
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])  # proc(5): after the name come state, parent, group, session
        if int(fields[3]) == root:
            found.add(int(entry.name))
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return sorted(found)


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of those that are still running."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | SCHEDULER_CLOCK)
        except OSError:
            continue
    return total


def peak_megabytes(pids: list[int]) -> float:
    """The sum of each process's highest resident size so far; pages that they share count more than once."""
    kilobytes = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return kilobytes / 1024


def on_core(core: int, command: list[str]) -> list[str]:
    """The command, pinned to one core together with everything it starts."""
    return ["taskset", "-c", str(core), *command]

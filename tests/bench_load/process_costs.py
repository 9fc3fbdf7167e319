"""What a program and all its processes cost: CPU seconds to the nanosecond, and the most memory they ever held."""

import time
from pathlib import Path

# A process's CPU clock as `clock_getcpuclockid` gives it (Linux): user and system time of all its threads.
SCHEDULER_CLOCK = 2


def family(root: int) -> list[int]:
    """A process, its descendants, and whoever else is in its session."""
    parents: dict[int, int] = {}
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        if int(fields[3]) == root:
            found.add(int(entry.name))
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return sorted(found)


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of the living among them."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | SCHEDULER_CLOCK)
        except OSError:
            continue
    return total


def peak_megabytes(pids: list[int]) -> float:
    """The sum of each one's highest resident size so far; pages that they share count more than once."""
    kilobytes = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return kilobytes / 1024


def on_core(core: int, command: list[str]) -> list[str]:
    """The command, pinned to one core with all that it starts."""
    return ["taskset", "-c", str(core), *command]

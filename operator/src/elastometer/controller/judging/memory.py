"""How much memory the process that judges may have: what the container may use, less what the operator needs."""
from __future__ import annotations

import resource
from pathlib import Path

from elastometer.model.units import MEBIBYTE

# By how much the operator may grow meanwhile: other tests go on.
RESERVE = 192 * MEBIBYTE
# Less would not even load the analysis. Where the container's limit leaves less, the kernel is the bound.
LEAST = 192 * MEBIBYTE
_CGROUP = Path("/sys/fs/cgroup")
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
# Version 1 of cgroups states no limit as the largest number of whole pages.
_NONE_AT_LEAST = 1 << 60


def container_limit(cgroup: Path = _CGROUP) -> int | None:
    """Bytes that the container may use, by either version of cgroups; None where there is no limit."""
    for name in _LIMITS:
        try:
            text = (cgroup / name).read_text().strip()
        except OSError:
            continue
        return int(text) if text.isdigit() and int(text) < _NONE_AT_LEAST else None
    return None


def own_use() -> int:
    """The most bytes that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def judging_bound(limit: int | None, own: int) -> int | None:
    """Bytes for the process that judges, in a container with this limit whose operator holds `own`."""
    return None if limit is None else max(LEAST, limit - own - RESERVE)

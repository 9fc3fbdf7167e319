"""Memory that the process really holds, so that what measures it can be compared with a known amount.

Private anonymous mappings and not Python's objects: each page counts once it is touched, and unmapping gives it back
to the kernel at once. Instants are passed in.
"""

import contextlib
import mmap

from elastometer_standin.metrics import Family, Value
from elastometer_standin.settings import MemoryPlan

KIB, MIB = 1024, 1024 * 1024
ARENA_BYTES = 4 * MIB
ALLOCATED_HELP = "Bytes that the stand-in holds and has touched as its flags ask, the program itself aside."
_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


class Memory:
    """The memory of one server. For streams it holds as much as the most of them within the last `return_seconds` need.

    That is what an allocator does that keeps freed memory for a while: it grows with the load's peak, and not with the
    number of requests.
    """

    def __init__(self, plan: MemoryPlan) -> None:
        self._return_seconds = plan.return_seconds
        self._block_bytes = round(plan.kibibytes_per_stream * KIB)
        self._leak_bytes = round(plan.leak_kibibytes_per_request * KIB)
        self._value = Value()
        self.family = Family("standin_memory_allocated_bytes", "gauge", ALLOCATED_HELP, {(): self._value})
        self._blocks: list[tuple[mmap.mmap, int]] = []
        self._free_since: list[float] = []
        self._streams = 0
        self._leak = _Arena()
        self._base = _Arena()
        self._base.grow(round(plan.base_mebibytes * MIB))
        self._note()

    @property
    def allocated_bytes(self) -> int:
        """What is held now, in whole pages."""
        return self._base.touched + self._leak.touched + sum(size for _, size in self._blocks)

    def leak(self) -> None:
        """One more request has been taken on; its memory stays for good."""
        if self._leak_bytes:
            self._leak.grow(self._leak_bytes)
            self._note()

    def follow(self, streams: int, now: float) -> None:
        """Hold what this many streams need, and give back what has been free for long enough."""
        size = self._block_bytes
        if not size:
            return
        # The block used last is freed first, so block i has been free since there were last more than i streams.
        for index in range(streams, min(self._streams, len(self._blocks))):
            self._free_since[index] = now
        self._streams = streams
        before = len(self._blocks)
        while len(self._blocks) < streams:
            self._blocks.append((_touched(size), _pages(size)))
            self._free_since.append(now)
        while len(self._blocks) > streams and now - self._free_since[-1] >= self._return_seconds:
            self._blocks.pop()[0].close()
            self._free_since.pop()
        if len(self._blocks) != before:
            self._note()

    def _note(self) -> None:
        self._value.value = float(self.allocated_bytes)


class _Arena:
    """Memory that only grows. Its bytes are packed, so that small amounts do not take a page each."""

    def __init__(self) -> None:
        self._maps: list[mmap.mmap] = []
        self._wanted = 0
        self.touched = 0

    def grow(self, size: int) -> None:
        self._wanted += size
        while self.touched < self._wanted:
            offset = self.touched % ARENA_BYTES
            if offset == 0:
                self._maps.append(_reserved(ARENA_BYTES))
            end = min(ARENA_BYTES, offset + _pages(self._wanted - self.touched))
            _touch(self._maps[-1], offset, end)
            self.touched += end - offset


def _pages(size: int) -> int:
    """Bytes of the pages that this many bytes fill or begin."""
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def _reserved(size: int) -> mmap.mmap:
    found = mmap.mmap(-1, size, flags=_PRIVATE)
    # A huge page would make 2 MiB of the first byte that is touched. A kernel without huge pages refuses the advice.
    with contextlib.suppress(OSError):
        found.madvise(mmap.MADV_NOHUGEPAGE)
    return found


def _touched(size: int) -> mmap.mmap:
    found = _reserved(_pages(size))
    _touch(found, 0, len(found))
    return found


def _touch(memory: mmap.mmap, start: int, end: int) -> None:
    # A page that was only reserved is not in memory; one byte written to it brings it there.
    memory[start : end : mmap.PAGESIZE] = b"\1" * len(range(start, end, mmap.PAGESIZE))

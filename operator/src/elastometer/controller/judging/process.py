"""What every process does that works for the operator: it is bounded, answers on standard output, and ends with the
operator."""
from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from elastometer.controller.judging.supervise import OUT_OF_MEMORY

_PR_SET_PDEATHSIG = 1
# The operator takes stamps; this work can wait.
_NICENESS = 10


def answer_with(work: Callable[[Path], bytes], words: Sequence[str]) -> int:
    """Works in the directory that the first word names, with at most so many bytes as the second says. The exit code:
    OUT_OF_MEMORY where the bound was met."""
    _end_with_the_operator()
    os.nice(_NICENESS)
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)  # whatever a library prints is no part of the answer
        if len(words) > 1:
            _confine(int(words[1]))
        try:
            answer.write(work(Path(words[0])))
        except MemoryError:
            return OUT_OF_MEMORY
    return 0


def _confine(most: int) -> None:
    """Bounds what the process writes to. Address space would be the wrong measure: libraries reserve much more of it
    than they use. If the whole container runs out of memory nevertheless, the kernel is to end this process first."""
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    with suppress(OSError):  # a sandboxed kernel may not admit it; the bound above is then all there is
        Path("/proc/self/oom_score_adj").write_text("1000")


def _end_with_the_operator() -> None:
    """An operator that is killed leaves no process behind that works for nobody."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

"""`python -m elastometer.controller.judging RUN [BYTES]`: judges the run in a directory, with at most so many bytes.

Writes one JSON object to standard output: the name of each file of the report, and its text. Ends with OUT_OF_MEMORY
where the bound was met, with 1 and a traceback where the analysis failed.
"""
from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

import orjson

from elastometer.controller.judging.supervise import OUT_OF_MEMORY
from elastometer.judgement import judge
from elastometer.render.files import render_all
from elastometer.world.bundle_reader import load_bundle

_PR_SET_PDEATHSIG = 1
# The operator takes stamps; judging can wait.
_NICENESS = 10


def main(words: list[str]) -> int:
    """The exit code."""
    _end_with_the_operator()
    os.nice(_NICENESS)
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)  # whatever a library prints is no part of the answer
        if len(words) > 1:
            _confine(int(words[1]))
        try:
            files = render_all(judge(load_bundle(Path(words[0]))))
            answer.write(orjson.dumps({name: content.decode() for name, content in files.items()}))
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
    """An operator that is killed leaves no process behind that judges for nobody."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

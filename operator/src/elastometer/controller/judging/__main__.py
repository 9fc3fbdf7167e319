"""`python -m elastometer.controller.judging RUN [BYTES]`: judges the run in a directory, with at most so many bytes.

Writes one JSON object to standard output: the name of each file of the report, and its text. Ends with OUT_OF_MEMORY
where the bound was met, with 1 and a traceback where the analysis failed.
"""
from __future__ import annotations

import sys
from pathlib import Path

import orjson

from elastometer.controller.judging.process import answer_with
from elastometer.judgement import judge
from elastometer.render.files import render_all
from elastometer.world.bundle_reader import load_bundle


def main(words: list[str]) -> int:
    """The exit code."""
    return answer_with(_judge, words)


def _judge(directory: Path) -> bytes:
    files = render_all(judge(load_bundle(directory)))
    return orjson.dumps({name: content.decode() for name, content in files.items()})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

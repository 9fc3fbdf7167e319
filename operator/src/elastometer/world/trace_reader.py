"""Trace files of the HPA: one world a line, plain or .zst, read one line at a time. What is wrong names its line."""
from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import orjson
import zstandard

from elastometer.hpa.recording import Recording
from elastometer.hpa.trace import recording_from
from elastometer.model.errors import SpecError

_ENDINGS = (".jsonl", ".jsonl.zst")


class TraceFileError(Exception):
    """A file that cannot be read, or a line that is no trace: each flaw with file, line, path, rule and value."""

    def __init__(self, *flaws: str) -> None:
        super().__init__("\n".join(flaws))
        self.flaws = flaws


def is_trace_file(path: Path) -> bool:
    """Told from the name, so that a bundle can be told from a trace."""
    return path.name.endswith(_ENDINGS) and not path.is_dir()


def read_recordings(path: Path) -> Iterator[Recording]:
    """The traces in order; stops with TraceFileError at the first line that cannot be understood."""
    found = False
    for number, line in _lines(path):
        found = True
        yield _recording(f"{path}, line {number}", line)
    if not found:
        raise TraceFileError(f"{path}: must hold a trace on each line, is empty")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as raw:
            for number, line in enumerate(_plain(raw, path), start=1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise TraceFileError(f"{path}: must be a trace file: {error.strerror}") from error
    except zstandard.ZstdError as error:
        raise TraceFileError(f"{path}: must be compressed with zstd: {error}") from error


def _plain(raw: IO[bytes], path: Path) -> IO[bytes]:
    if path.suffix != ".zst":
        return raw
    return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))


def _recording(where: str, line: bytes) -> Recording:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise TraceFileError(f"{where}: must be one JSON object: {error}") from error
    if not isinstance(document, dict):
        raise TraceFileError(f"{where}: must be one JSON object, is {type(document).__name__}")
    try:
        return recording_from(document)
    except SpecError as error:
        raise TraceFileError(*(f"{where}: {flaw}" for flaw in error.flaws)) from error

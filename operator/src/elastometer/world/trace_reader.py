"""Trace files of the HPA: one world per line, plain or .zst, read line by line. Each flaw names its line."""
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
_MAX_BAD_LINES = 20
_MAX_FLAWS_OF_A_LINE = 5


class TraceFileError(Exception):
    """A file that cannot be read, or a line that is not a trace: each flaw with file, line, path, rule and value."""

    def __init__(self, *flaws: str) -> None:
        super().__init__("\n".join(flaws))
        self.flaws = flaws


def is_trace_file(path: Path) -> bool:
    """Decided by the name alone, which is how a trace and a bundle are distinguished."""
    return path.name.endswith(_ENDINGS) and not path.is_dir()


def read_recordings(path: Path) -> Iterator[Recording]:
    """The traces in order, up to the first line that is not one; its error lists the flaws of later lines as well."""
    found, lines = False, _lines(path)
    for number, line in lines:
        found = True
        try:
            recording = _recording(f"{path}, line {number}", line)
        except TraceFileError as error:
            raise TraceFileError(*error.flaws, *_flaws_of_others(path, lines)) from error
        yield recording
    if not found:
        raise TraceFileError(f"{path}: must hold a trace on each line, is empty")


def _flaws_of_others(path: Path, lines: Iterator[tuple[int, bytes]]) -> Iterator[str]:
    """What is wrong with the lines after the first bad one."""
    bad = 1
    try:
        for number, line in lines:
            where = f"{path}, line {number}"
            flaws = _flaws(where, line)
            if flaws and bad == _MAX_BAD_LINES:
                yield f"{where}: is not a trace either; the lines after it were not checked"
                return
            yield from flaws
            bad += bool(flaws)
    except TraceFileError as error:
        yield from error.flaws


def _flaws(where: str, line: bytes) -> tuple[str, ...]:
    try:
        _recording(where, line)
    except TraceFileError as error:
        return error.flaws
    return ()


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
        more = len(error.flaws) - _MAX_FLAWS_OF_A_LINE
        shown = (*error.flaws[:_MAX_FLAWS_OF_A_LINE], *([f"… and {more} more"] if more > 0 else []))
        raise TraceFileError(*(f"{where}: {flaw}" for flaw in shown)) from error

"""Makes one sorted file from all workers' records, in bounded memory: sorted runs on disk, then one merge.

A file whose name ends in `.zst` is decompressed. Of several records with the same id the one that was sent first is
kept: a worker that lost its spool sends its requests again.
"""

import heapq
import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, NamedTuple

import orjson
from zstandard import ZstdDecompressor

from elastometer_loadgen.base.record import KEYS

_ID, _SEND = KEYS["id"], KEYS["send"]
# Lines that are sorted in memory at a time; as Python objects they take several times as much.
RUN_BYTES = 32 << 20


@dataclass(slots=True)
class Dropped:
    """What the merge left out."""

    torn_lines: int = 0  # last lines that a kill cut off
    malformed_lines: int = 0
    duplicate_requests: int = 0


class _Keyed(NamedTuple):
    id: int
    send: str
    line: bytes


def merged(files: Iterable[Path], dropped: Dropped, scratch: Path) -> Iterator[bytes]:
    """All records as lines, sorted by id, each id once; `scratch` needs space for the uncompressed records."""
    with TemporaryDirectory(dir=scratch, prefix=".sort-") as directory, ExitStack() as opened:
        runs = list(_sorted_runs(_lines(files, dropped), Path(directory)))
        streams = [_keyed(opened.enter_context(run.open("rb")), dropped) for run in runs]
        last: _Keyed | None = None
        for record in heapq.merge(*streams):
            if last is not None and record.id == last.id:
                dropped.duplicate_requests += 1
                continue
            last = record
            yield record.line


def _lines(files: Iterable[Path], dropped: Dropped) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as file, _plain(file, path.suffix) as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield line
                else:
                    dropped.torn_lines += 1


def _plain(file: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix != ".zst":
        return file
    # Several frames: packed files that were concatenated are one file too.
    return io.BufferedReader(ZstdDecompressor().stream_reader(file, read_across_frames=True))


def _sorted_runs(lines: Iterator[bytes], directory: Path) -> Iterator[Path]:
    """Writes runs of about RUN_BYTES, each sorted by id and send time."""
    number = 0
    while taken := _taken(lines):
        path = directory / str(number)
        number += 1
        with path.open("wb") as run:
            run.writelines(record.line for record in sorted(_keyed(taken, Dropped(), keep_malformed=True)))
        yield path


def _taken(lines: Iterator[bytes]) -> list[bytes]:
    taken: list[bytes] = []
    size = 0
    for line in lines:
        taken.append(line)
        size += len(line)
        if size >= RUN_BYTES:
            break
    return taken


def _keyed(lines: Iterable[bytes], dropped: Dropped, *, keep_malformed: bool = False) -> Iterator[_Keyed]:
    """Lines with their sort keys. Malformed ones are counted once, when the runs are merged."""
    for line in lines:
        try:
            record = orjson.loads(line)
            number, send = record[_ID], record.get(_SEND) or ""
            if type(number) is not int or not isinstance(send, str):
                raise TypeError(f"`{_ID}` must be an integer and `{_SEND}` a time")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            if keep_malformed:
                yield _Keyed(-1, "", line)
            else:
                dropped.malformed_lines += 1
            continue
        yield _Keyed(number, send, line)

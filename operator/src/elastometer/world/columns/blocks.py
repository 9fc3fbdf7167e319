"""The lines of a file in blocks of bounded size, whether or not it is compressed."""
from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from zstandard import ZstdDecompressor

BLOCK_BYTES = 16 << 20


def blocks(path: Path) -> Iterator[bytes]:
    """Whole lines, about BLOCK_BYTES at a time; last, without a newline, what a kill left of a line."""
    with path.open("rb") as raw, _plain(raw, path.suffix) as file:
        rest = b""
        while piece := file.read(BLOCK_BYTES):
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield rest + piece[:cut]
                rest = piece[cut:]
            else:
                rest += piece
        if rest:
            yield rest


def _plain(file: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix != ".zst":
        return file
    # Several frames: packed files that were concatenated are one file too.
    return io.BufferedReader(ZstdDecompressor().stream_reader(file, read_across_frames=True))

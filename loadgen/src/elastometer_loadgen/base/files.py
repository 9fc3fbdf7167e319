"""The files that a profile names, as lines of text: from a directory, or from texts that were already read.

A byte-order mark is skipped; line ends stay as they are, since CSV may quote them. Files are not read into memory here.
Files that gzip or zstd compressed are recognised by their first bytes, whatever their name.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, cast

from zstandard import ZstdDecompressor, ZstdError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 1 << 16
GZIP_MARK, ZSTD_MARK = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
COMPRESSED = (".gz", ".zst")
BYTE_ORDER_MARK = "\ufeff"
OpenFile: TypeAlias = Callable[[str], AbstractContextManager[Iterable[str]]]


class FileFault(ValueError):
    """A file that cannot be used; the message starts with its name, and with the line where there is one."""


def from_directory(directory: Path) -> OpenFile:
    """Opens files by their path relative to a directory."""

    @contextmanager
    def opened(name: str) -> Iterator[Iterable[str]]:
        path = directory / name
        try:
            with ExitStack() as stack:
                file = _plain(stack, stack.enter_context(path.open("rb")))
                yield stack.enter_context(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
        except (EOFError, ZstdError, zlib.error, gzip.BadGzipFile) as error:
            raise FileFault(f"{path} must be a complete file of gzip or zstd: {error}") from error
        except OSError as error:
            raise FileFault(f"{path} must be a readable file: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise FileFault(f"{path} must be UTF-8 text: {error.reason} at byte {error.start}") from error

    return opened


def _plain(stack: ExitStack, file: io.BufferedReader) -> IO[bytes]:
    mark = file.peek(len(ZSTD_MARK))
    if mark.startswith(GZIP_MARK):
        return cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=file)))
    if mark.startswith(ZSTD_MARK):
        return io.BufferedReader(_Chunks(_zstd_chunks(file)))
    return file


def _zstd_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """What a file of one or more frames holds. The library's own reader takes half a frame for all of it."""
    frame = ZstdDecompressor().decompressobj()
    while data := file.read(CHUNK_BYTES):
        while data:
            if frame.eof:
                frame = ZstdDecompressor().decompressobj()
            if chunk := frame.decompress(data):
                yield chunk
            data = frame.unused_data if frame.eof else b""
    if not frame.eof:
        raise EOFError("it ends in the middle of a frame")


class _Chunks(io.RawIOBase):
    """Chunks of bytes, none of them empty, as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Part of a chunk; 0 bytes are the end."""
        self._left = self._left or next(self._chunks, b"")
        room = memoryview(buffer).cast("B")
        part, self._left = self._left[: len(room)], self._left[len(room) :]
        room[: len(part)] = part
        return len(part)


def from_texts(texts: Mapping[str, str]) -> OpenFile:
    """Opens texts by their name."""

    @contextmanager
    def opened(name: str) -> Iterator[Iterable[str]]:
        if name not in texts:
            raise FileFault(f"{name} must be one of the files {', '.join(sorted(texts)) or '(there are none)'}")
        with io.StringIO(texts[name].removeprefix(BYTE_ORDER_MARK), newline="") as lines:
            yield lines

    return opened

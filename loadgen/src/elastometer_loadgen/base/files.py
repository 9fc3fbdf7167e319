"""The files that a profile names, as lines of text: from a directory, or from texts that were already read.

A byte-order mark is skipped; line ends stay as they are, since CSV may quote them. Files are not read into memory here.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from elastometer_loadgen.base.fields import shown

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
            with path.open(encoding="utf-8-sig", newline="") as lines:
                yield lines
        except OSError as error:
            raise FileFault(f"{path} must be a readable file: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise FileFault(f"{path} must be UTF-8 text: {error.reason} at byte {error.start}") from error

    return opened


def from_texts(texts: Mapping[str, str]) -> OpenFile:
    """Opens texts by their name."""

    @contextmanager
    def opened(name: str) -> Iterator[Iterable[str]]:
        if name not in texts:
            raise FileFault(f"{name} must be one of the files {', '.join(sorted(texts)) or '(there are none)'}")
        with io.StringIO(texts[name].removeprefix(BYTE_ORDER_MARK), newline="") as lines:
            yield lines

    return opened


def json_objects(lines: Iterable[str], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and content of each line that is not blank: one JSON object per line; raises FileFault."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name} line {number}"
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise FileFault(f"{where}: must be a JSON object: {error}; got {shown(line.strip())}") from error
        if not isinstance(found, dict):
            raise FileFault(f"{where}: must be a JSON object; got {shown(line.strip())}")
        yield number, found

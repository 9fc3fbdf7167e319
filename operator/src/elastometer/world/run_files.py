"""The files of a run by their names, whether they lie in a directory or in the archive of a bundle.

An archive is decompressed once, and only what is asked for is kept of it. What the manifest states about a file is
checked when the file is read: numbers from a changed or damaged file would look like any others.
"""
from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path

import orjson
import zstandard

from elastometer.model.bundle_files import (
    COMPRESSED,
    FINGERPRINTS,
    LINES_SUFFIX,
    MANIFEST,
    REPORTS,
    SCHEMA_VERSION,
    WORKERS,
)
from elastometer.model.document import EMPTY, Document, document_at, documents_at, text_at, whole_at

PIECE_BYTES = 4 << 20
# What a judgement does not read.
NOT_JUDGED = (*REPORTS, FINGERPRINTS + COMPRESSED)
# Of one member where only documents are asked for. The report of a run of an hour takes a few megabytes; an archive of
# kilobytes can state any size.
MAX_DOCUMENT_BYTES = 256 << 20


class BundleError(Exception):
    """The path does not hold a run that can be read."""


class RunFiles:
    """The files of one run; `torn` counts the ends of files that were cut off. `only` names those that are needed; by
    default, all that a judgement reads."""

    def __init__(self, path: Path, only: Collection[str] | None = None) -> None:
        self._path = path
        self._files: dict[str, Path | bytes] = _directory(path) if path.is_dir() else _archive(path, only)
        self.torn = 0
        self.manifest = self._read_manifest()
        self._checksums = {text_at(one, "name"): text_at(one, "sha256") for one in documents_at(self.manifest, "files")}

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def error(self, name: str, rule: str) -> BundleError:
        """The refusal of a file."""
        return BundleError(f"'{self._path}': {name} {rule}")

    def content(self, name: str) -> bytes:
        """All of a file. Raises BundleError if it is not the file that the manifest describes."""
        content = self.as_found(name)
        self._check(name, hashlib.sha256(content).hexdigest())
        return content

    def as_found(self, name: str) -> bytes:
        """All of a file, whatever the manifest describes."""
        found = self._files[name]
        return self._from_disk(name, found) if isinstance(found, Path) else found

    def is_described(self, name: str, content: bytes) -> bool:
        """Whether the content is that of the file that the manifest describes; True where it describes none."""
        return self._checksums.get(name) in (None, hashlib.sha256(content).hexdigest())

    def columns(self, name: str) -> Path | bytes:
        """Where the columns of a file are to be read from; content of an archive is handed over and not kept."""
        found = self._files[name]
        if isinstance(found, bytes):
            content = self.content(name)
            self._files[name] = b""
            return content
        with found.open("rb") as file:
            self._check(name, hashlib.file_digest(file, "sha256").hexdigest())
        return found

    def blocks(self, name: str) -> Iterator[bytes]:
        """Whole lines of a plain or compressed file, some megabytes at a time. A frame that was cut short gives its
        whole blocks; it counts as torn, and so does a last line without its end."""
        content, rest = self.content(name), b""
        for piece in self._frames(content) if name.endswith(COMPRESSED) else _sliced(content):
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield rest + piece[:cut]
            rest = piece[cut:] if cut else rest + piece
        self.torn += bool(rest.strip())

    def _frames(self, content: bytes) -> Iterator[bytes]:
        frame = zstandard.ZstdDecompressor().decompressobj()
        is_open = False
        for piece in _sliced(content):
            while piece:
                try:
                    plain = frame.decompress(piece)
                except zstandard.ZstdError:
                    self.torn += 1
                    return
                yield plain
                is_open, piece = not frame.eof, frame.unused_data
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
        self.torn += is_open

    def _from_disk(self, name: str, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise self.error(name, f"must be readable: {error.strerror}") from error

    def _check(self, name: str, found: str) -> None:
        stated = self._checksums.get(name)
        if stated is not None and stated != found:
            raise self.error(name, f"must have the SHA-256 {stated} that {MANIFEST} states, has {found}: it was "
                             f"changed or damaged. Fetch the bundle again, or delete {MANIFEST} to judge it as it is")

    def _read_manifest(self) -> Document:
        if MANIFEST not in self._files:
            return EMPTY
        content = self._files[MANIFEST]
        try:
            found = orjson.loads(self._from_disk(MANIFEST, content) if isinstance(content, Path) else content)
        except orjson.JSONDecodeError as error:
            raise self.error(MANIFEST, f"must be one JSON object: {error}") from error
        manifest = document_at({"": found}, "")
        newer = whole_at(manifest, "schemaVersion")
        if newer is not None and newer > SCHEMA_VERSION:
            raise self.error(MANIFEST, f"must have a schemaVersion of at most {SCHEMA_VERSION}, has {newer}; judge the "
                             "bundle with the version of elastometer that wrote it, or a later one")
        return manifest


def _sliced(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start:start + PIECE_BYTES]


def _directory(path: Path) -> dict[str, Path | bytes]:
    found = [*path.glob("*.json*"), *path.glob("*.parquet"), *path.glob(f"{WORKERS}/*.json*"),
             *path.glob(f"{WORKERS}/*{LINES_SUFFIX}")]
    return {file.relative_to(path).as_posix(): file for file in found if file.is_file()}


def _archive(path: Path, only: Collection[str] | None) -> dict[str, Path | bytes]:
    """The members by their names below the archive's top directory, if it has one."""
    files: dict[str, Path | bytes] = {}
    try:
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream, \
                tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = _below_top(member.name)
                wanted = name not in NOT_JUDGED if only is None else name in only
                if only is not None and wanted and member.size > MAX_DOCUMENT_BYTES:
                    raise BundleError(f"'{path}': {name} must have at most {MAX_DOCUMENT_BYTES} bytes, has "
                                      f"{member.size}")
                content = archive.extractfile(member) if member.isfile() and wanted else None
                if content is not None:
                    files[name] = content.read()
    except (tarfile.TarError, zstandard.ZstdError, EOFError, OSError) as error:
        if not files:
            raise BundleError(f"'{path}' must be a .tar.zst of a run: {error}") from error
    return files


def _below_top(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    kept = parts[-2:] if len(parts) > 1 and parts[-2] == WORKERS else parts[-1:]
    return "/".join(kept)

"""Writes container images as OCI archives that depend on their content alone: same inputs, same digests.

A layer is a tar file on disk, named by what it was made from; an image is a list of layers and a configuration. Unlike
Docker's archive format, the OCI layout may leave out layers that the receiver has, so a change of code ships only the
layer that changed. https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""
from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

OCI = "application/vnd.oci.image"
INDEX, MANIFEST = f"{OCI}.index.v1+json", f"{OCI}.manifest.v1+json"
CONFIGURATION, LAYER = f"{OCI}.config.v1+json", f"{OCI}.layer.v1.tar"
BLOBS = "blobs/sha256"
EPOCH = "1970-01-01T00:00:00Z"
"""Creation time of every image: a real one would change the digest with each build."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer on disk. `digest` is the sha256 of the tar, which is also its diff ID, because it is not compressed."""

    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image. `name` is fully qualified with registry and tag, as containerd's CRI lists it."""

    name: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...]
    environment: tuple[str, ...] = ()
    user: str = "65532:65532"
    working_directory: str = "/"
    command: tuple[str, ...] = field(default=())

    def configuration(self, architecture: str) -> bytes:
        """The image's configuration: what a container is started with."""
        return orjson.dumps({
            "architecture": architecture, "os": "linux", "created": EPOCH,
            "config": {"Entrypoint": list(self.entrypoint), "Cmd": list(self.command), "Env": list(self.environment),
                       "User": self.user, "WorkingDir": self.working_directory},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in self.layers]},
            "history": [{"created": EPOCH} for _ in self.layers],
        }, option=orjson.OPT_SORT_KEYS)

    def manifest(self, architecture: str) -> bytes:
        """The image's manifest: its sha256 is the image's digest, by which containerd lists it."""
        configuration = self.configuration(architecture)
        return orjson.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": descriptor(CONFIGURATION, digest_of(configuration), len(configuration)),
            "layers": [descriptor(LAYER, layer.digest, layer.path.stat().st_size) for layer in self.layers],
        }, option=orjson.OPT_SORT_KEYS)

    def digest(self, architecture: str) -> str:
        """The image's digest, as `ctr images list` shows it."""
        return f"sha256:{digest_of(self.manifest(architecture))}"


def descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    """The reference by which one blob of an image names another."""
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def digest_of(content: bytes) -> str:
    """sha256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_of_file(path: Path) -> str:
    """sha256 of a file that may not fit into memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_archive(images: Iterable[Image], architecture: str, out: IO[bytes], present: Container[str] = ()) -> None:
    """Stream one archive of several images, each blob once; layers whose digests are in `present` are left out."""
    listed, written = [], set()
    with tarfile.open(fileobj=out, mode="w|") as tar:
        add_bytes(tar, "oci-layout", orjson.dumps({"imageLayoutVersion": "1.0.0"}))
        for image in images:
            # Configuration and manifest always go along: containerd reads them even if it has every layer.
            manifest = image.manifest(architecture)
            for blob in (image.configuration(architecture), manifest):
                add_bytes(tar, f"{BLOBS}/{digest_of(blob)}", blob)
            for layer in image.layers:
                if layer.digest not in written and f"sha256:{layer.digest}" not in present:
                    written.add(layer.digest)
                    add_file(tar, f"{BLOBS}/{layer.digest}", layer.path, 0o644)
            listed.append({**descriptor(MANIFEST, digest_of(manifest), len(manifest)),
                           "platform": {"os": "linux", "architecture": architecture},
                           "annotations": {"io.containerd.image.name": image.name}})
        add_bytes(tar, "index.json", orjson.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}))


def tar_entry(name: str, mode: int) -> tarfile.TarInfo:
    """A tar entry without time and owner, so that the bytes depend on the content alone."""
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    return entry


def add_bytes(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Add a file with this content."""
    entry = tar_entry(name, mode)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def add_file(tar: tarfile.TarFile, name: str, path: Path, mode: int) -> None:
    """Add a file from the disk under another name."""
    entry = tar_entry(name, mode)
    entry.size = path.stat().st_size
    with path.open("rb") as stream:
        tar.addfile(entry, stream)


def add_parents(tar: tarfile.TarFile, name: str, seen: set[str]) -> None:
    """Add the directories above an entry: containerd expects them in the layer."""
    for parent in reversed(Path(name).parents):
        if str(parent) not in (".", "/") and str(parent) not in seen:
            seen.add(str(parent))
            entry = tar_entry(f"{parent}/", 0o755)
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)


def add_tree(tar: tarfile.TarFile, source: Path, prefix: str, seen: set[str]) -> None:
    """Add every file below `source` in order of name; links stay links, and executables stay executable."""
    for path in sorted(source.rglob("*")):
        name = f"{prefix}/{path.relative_to(source)}"
        add_parents(tar, name, seen)
        if path.is_symlink():
            entry = tar_entry(name, 0o777)
            entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
            tar.addfile(entry)
        elif path.is_file():
            add_file(tar, name, path, 0o755 if path.stat().st_mode & 0o100 else 0o644)


def write_layer(path: Path, trees: Iterable[tuple[Path, str]] = (), files: Iterable[tuple[Path, str]] = (),
                texts: Iterable[tuple[str, str]] = ()) -> None:
    """Write a layer atomically: trees (source, prefix), executables (source, place) and scripts (text, place)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")  # so that an interrupted build leaves no layer that looks complete
    seen: set[str] = set()
    with tarfile.open(draft, "w") as tar:
        for source, prefix in trees:
            add_tree(tar, source, prefix.lstrip("/"), seen)
        for source, place in files:
            add_parents(tar, place.lstrip("/"), seen)
            add_file(tar, place.lstrip("/"), source, 0o755)
        for text, place in texts:
            add_parents(tar, place.lstrip("/"), seen)
            add_bytes(tar, place.lstrip("/"), text.encode(), 0o755)
    draft.replace(path)


def stored_layer(path: Path) -> Layer:
    """A layer on disk with its digest, which is kept in a file next to the tar until its size or time changes."""
    note = path.with_suffix(".sha256")
    stat = path.stat()
    mark = f"{stat.st_size} {stat.st_mtime_ns}"
    if note.exists():
        digest, _, marked = note.read_text().partition(" ")
        if marked == mark:
            return Layer(path, digest)
    digest = digest_of_file(path)
    note.write_text(f"{digest} {mark}")
    return Layer(path, digest)

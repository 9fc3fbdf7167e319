"""Unpacking writes plain files below the directory and nothing else, whatever the archive says."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from elastometer.cli.base.exits import CliError
from elastometer.cli.cluster.bundle import unpack


def archive(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, link: str = "") -> io.BytesIO:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, link
            tar.addfile(info, io.BytesIO(content))
    return io.BytesIO(zstandard.compress(raw.getvalue()))


def files_below(directory: Path) -> dict[str, bytes]:
    found = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found}


def test_the_top_folder_is_left_out_and_the_rest_keeps_its_place(tmp_path: Path):
    out = tmp_path / "out"
    names = unpack(archive(("demo-1/report.html", b"r"), ("demo-1/workers/0.json", b"w")), out)
    assert files_below(out) == {"report.html": b"r", "workers/0.json": b"w"}
    assert names == ["report.html", "workers/0.json"]


def test_an_older_bundle_in_the_same_directory_is_replaced(tmp_path: Path):
    unpack(archive(("demo-1/report.html", b"old")), tmp_path)
    unpack(archive(("demo-1/report.html", b"new")), tmp_path)
    assert files_below(tmp_path) == {"report.html": b"new"}


@pytest.mark.parametrize("name", ["demo/../../evil", "demo/../../../evil", "../evil/../../evil"])
def test_a_name_that_climbs_out_is_refused_and_nothing_is_written(tmp_path: Path, name: str):
    out = tmp_path / "a" / "b"
    with pytest.raises(CliError, match="cannot unpack"):
        unpack(archive(("demo/ok", b"fine"), (name, b"x")), out)
    assert files_below(tmp_path) == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_passed_over(tmp_path: Path, kind: bytes):
    assert unpack(archive(("demo/evil", b""), kind=kind, link="/etc/passwd"), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_an_absolute_name_lands_below_the_directory(tmp_path: Path):
    unpack(archive(("/etc/evil", b"x")), tmp_path)
    assert files_below(tmp_path) == {"etc/evil": b"x"} or files_below(tmp_path) == {"evil": b"x"}


@pytest.mark.parametrize("content", [b"", b"not an archive", zstandard.compress(b"no tar in here" * 100)])
def test_a_file_that_is_not_an_archive_is_reported_as_such(tmp_path: Path, content: bytes):
    with pytest.raises(CliError, match="cannot unpack the bundle"):
        unpack(io.BytesIO(content), tmp_path)


def test_an_archive_that_ends_early_is_refused(tmp_path: Path):
    whole = archive(("demo/report.html", b"r" * 100_000), ("demo/b", b"x" * 10)).getvalue()
    with pytest.raises(CliError, match="cannot unpack"):
        unpack(io.BytesIO(whole[: len(whole) // 2]), tmp_path)
    assert files_below(tmp_path) == {}

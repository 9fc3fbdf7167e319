"""Builds the oracle's Go program, once for each state of its sources.

It uses the lab's compiler flags and module versions, so that packages the lab has compiled need not be compiled again.
"""
from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from elastometer_lab.build import COMPILE_FLAGS, KEPT_BINARIES, LINK_FLAGS
from elastometer_lab.compiler import Compiler
from elastometer_lab.errors import LabError
from elastometer_lab.programs import GO_SOURCES, Program
from elastometer_lab.progress import Progress
from elastometer_lab.toolchain import dotted, environment, go_command, needed_version, version_of

SOURCES = Path(__file__).parent / "go"
NAME = "hpa-oracle"
COLD_PACKAGES = 60
"""With more packages than this to compile, the compiler's cache counts as cold and the build takes minutes."""


class ColdError(Exception):
    """The program is not built, and building it would take minutes or needs a Go that is not installed."""


def cache_folder() -> Path:
    """ELASTOMETER_ORACLE_CACHE, or else a folder in the user's cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("ELASTOMETER_ORACLE_CACHE") or base / "elastometer-oracle").absolute()


def program(cache: Path, progress: Progress, *, warm_only: bool = False) -> Path:
    """Path of the program, which is built first unless it was built from these very sources."""
    path = cache / "bin" / f"{NAME}-{digest()}"
    if not path.exists():
        needed = needed_version(SOURCES / "go.mod")
        if warm_only and (version_of(Path("go")) or ()) < needed:
            raise ColdError(f"no Go on the PATH; {dotted(needed)} or later builds the oracle")
        go = go_command(cache, needed, progress)
        module = Program(NAME, "./...", module=os.path.relpath(SOURCES, GO_SOURCES))
        build(Compiler(go, module, environment(cache), progress), path, warm_only)
    return path


def digest() -> str:
    """A digest of everything that the program is made from."""
    made_from = hashlib.sha256("\0".join((os.uname().machine, *COMPILE_FLAGS, *LINK_FLAGS)).encode())
    for path in sorted((SOURCES / "go.mod", SOURCES / "go.sum", *SOURCES.rglob("*.go"))):
        made_from.update(f"{path.relative_to(SOURCES)}\0".encode() + path.read_bytes() + b"\0")
    return made_from.hexdigest()[:16]


def build(compiler: Compiler, path: Path, warm_only: bool) -> None:
    """Compile the packages, with progress package by package, and then link the test binary.

    Two steps, because `go test -c` reports nothing until it has finished.
    """
    begun = time.monotonic()
    stale = ("list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *COMPILE_FLAGS, "./...")
    listed = compiler.run_with_retries(stale, f"{NAME}: fetching sources", None)[1]
    total = sum(bool(line) for line in listed.splitlines())
    if warm_only and total > COLD_PACKAGES:
        raise ColdError(f"{total} packages would have to be compiled first; `make oracle` does it")
    compiler.run_with_retries(("build", "-v", *COMPILE_FLAGS, "./..."), f"building {NAME}", total)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Renamed when complete, so that another process never runs half a binary.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    link = ("test", "-c", "-o", str(unfinished), *COMPILE_FLAGS, f"-ldflags={' '.join(LINK_FLAGS)}", ".")
    compiler.run_with_retries(link, f"linking {NAME}", None)
    if not unfinished.exists():
        raise LabError(f"go wrote no {NAME}: restore {SOURCES} from the repository")
    unfinished.replace(path)
    remove_old(path)
    compiler.progress.say(f"built {NAME} ({time.monotonic() - begun:.0f} s, {total} packages compiled now)")


def remove_old(newest: Path) -> None:
    """Remove all binaries but the latest ones, as the lab does."""
    named = sorted(newest.parent.glob(f"{NAME}-*"), key=lambda path: path.stat().st_mtime_ns)
    for path in named[:-KEPT_BINARIES]:
        path.unlink(missing_ok=True)

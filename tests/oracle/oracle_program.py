"""Builds the oracle's Go program, once per state of its sources, with the lab's flags and so from the lab's cache."""
from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from elastometer_lab.build import COMPILE_FLAGS, KEPT, LINK_FLAGS
from elastometer_lab.compiler import Compiler
from elastometer_lab.errors import LabError
from elastometer_lab.programs import GO_SOURCES, Program
from elastometer_lab.progress import Progress
from elastometer_lab.toolchain import dotted, environment, go_command, needed_version, version_of

SOURCES = Path(__file__).parent / "go"
NAME = "hpa-oracle"
COLD_PACKAGES = 60
"""More packages than this to compile: the compiler's cache is cold, and the build takes minutes."""


class ColdError(Exception):
    """The program is not built, and building it now would take minutes or needs a Go that is not there."""


def cache_folder() -> Path:
    """ELASTOMETER_ORACLE_CACHE, else a folder in the user's cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("ELASTOMETER_ORACLE_CACHE") or base / "elastometer-oracle").absolute()


def program(cache: Path, progress: Progress, *, warm_only: bool = False) -> Path:
    """Path of the program, built now where these sources were not built before."""
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
    """Of all that the program is made from."""
    made_from = hashlib.sha256("\0".join((os.uname().machine, *COMPILE_FLAGS, *LINK_FLAGS)).encode())
    for path in sorted((SOURCES / "go.mod", SOURCES / "go.sum", *SOURCES.rglob("*.go"))):
        made_from.update(f"{path.relative_to(SOURCES)}\0".encode() + path.read_bytes() + b"\0")
    return made_from.hexdigest()[:16]


def build(compiler: Compiler, path: Path, warm_only: bool) -> None:
    """Compiles the packages, which is told package by package, and then links the test binary."""
    begun = time.monotonic()
    stale = ("list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *COMPILE_FLAGS, "./...")
    listed = compiler.insist(stale, f"{NAME}: fetching sources", None)[1]
    total = sum(bool(line) for line in listed.splitlines())
    if warm_only and total > COLD_PACKAGES:
        raise ColdError(f"{total} packages would have to be compiled first; `make oracle` does it")
    compiler.insist(("build", "-v", *COMPILE_FLAGS, "./..."), f"building {NAME}", total)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    link = ("test", "-c", "-o", str(unfinished), *COMPILE_FLAGS, f"-ldflags={' '.join(LINK_FLAGS)}", ".")
    compiler.insist(link, f"linking {NAME}", None)
    if not unfinished.exists():
        raise LabError(f"go wrote no {NAME}: restore {SOURCES} from the repository")
    unfinished.replace(path)
    remove_old(path)
    compiler.progress.say(f"built {NAME} ({time.monotonic() - begun:.0f} s, {total} packages compiled now)")


def remove_old(newest: Path) -> None:
    named = sorted(newest.parent.glob(f"{NAME}-*"), key=lambda each: each.stat().st_mtime_ns)
    for path in named[:-KEPT]:
        path.unlink(missing_ok=True)

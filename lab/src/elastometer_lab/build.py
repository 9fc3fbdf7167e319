"""Builds the lab's Go programs from the Go module proxy, each once for each state of its inputs.

A binary is named by the digest of its inputs, so a second call finds it and runs no compiler. What the compiler itself
caches is in the user's Go caches, where other builds can use it.
"""
from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from elastometer_lab.compiler import Compiler
from elastometer_lab.errors import LabError
from elastometer_lab.programs import Program, select_programs
from elastometer_lab.progress import Progress
from elastometer_lab.toolchain import environment, go_command, needed_version

COMPILE_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
"""Without debugging data, which takes a tenth of the compile time; and no binary contains paths of this host.

-buildvcs=false, because the checkout may have no usable git, and its state must not change the binary.
"""
LINK_FLAGS = ("-s", "-w")
KEPT_BINARIES = 2
"""Of each program: the newest, and the one before it for a lab that still runs it."""


def build(programs: Sequence[str], cache: Path, progress: Progress) -> dict[str, Path]:
    """Paths of the binaries by program, which are built first where they are missing.

    Do not call it within a progress step: it reports steps of its own.
    """
    wanted = {program: cache / "bin" / binary_name(program) for program in select_programs(programs)}
    missing = [program for program, path in wanted.items() if not path.exists()]
    for number, program in enumerate(missing, start=1):
        build_one(program, wanted[program], f"program {number} of {len(missing)}", cache, progress)
    return {program.name: path for program, path in wanted.items()}


def build_one(program: Program, path: Path, place: str, cache: Path, progress: Progress) -> None:
    """Compile into a file next to the target and rename it, so that a binary is either complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    go = go_command(cache, needed_version(program.directory / "go.mod"), progress)
    compiler = Compiler(go, program, environment(cache), progress)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        compiled = compiler.run(build_flags(program), unfinished, place)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    size = path.stat().st_size / 1e6
    progress.say(f"built {program.name}: {size:.0f} MB from {compiled} packages compiled now "
                 f"({time.monotonic() - begun:.0f} s)")
    remove_old(program, path)


def build_flags(program: Program) -> tuple[str, ...]:
    """The flags of `go build` that determine the binary."""
    sets = (f"-X {variable}={value}" for variable, value in program.versions)
    tags = (f"-tags={','.join(program.tags)}",) if program.tags else ()
    return (*COMPILE_FLAGS, *tags, f"-ldflags={' '.join((*LINK_FLAGS, *sets))}")


def binary_name(program: Program) -> str:
    """`NAME-DIGEST`, with a digest of everything the binary is made from.

    The toolchain's version is not part of it, only what go.mod asks for: a new Go on the host is no reason to compile
    for ten minutes, and a cache can serve a host without Go.
    """
    digest = hashlib.sha256()
    for path in (program.directory / "go.mod", program.directory / "go.sum", *program.local_sources):
        digest.update(f"{path.relative_to(program.directory)}\0".encode() + read_input(path) + b"\0")
    digest.update("\0".join((program.package, os.uname().machine, *build_flags(program))).encode())
    return f"{program.name}-{digest.hexdigest()[:16]}"


def read_input(path: Path) -> bytes:
    """The content of a file that a binary is made from; LabError when it is missing."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise LabError(f"{path} is missing: the lab builds from a checkout of the repository; "
                       "restore the file there") from None


def remove_old(program: Program, newest: Path) -> None:
    """Remove old binaries, so that the cache does not grow: Kubernetes' binary alone has 140 MB."""
    # Of equal length, so that no other program counts whose name begins with this one's.
    named = [path for path in newest.parent.glob(f"{program.name}-*") if len(path.name) == len(newest.name)]
    for path in sorted(named, key=lambda path: path.stat().st_mtime_ns)[:-KEPT_BINARIES]:
        path.unlink(missing_ok=True)

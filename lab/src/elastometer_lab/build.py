"""Builds the lab's Go programs from the Go module proxy, each once per state of its inputs.

A binary is named by the digest of its inputs, so a second call finds it and starts no compiler. What the compiler
itself caches is in the user's Go caches, where another build can use it.
"""
from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from elastometer_lab.compiler import Compiler
from elastometer_lab.errors import LabError
from elastometer_lab.programs import Program, chosen
from elastometer_lab.progress import Progress
from elastometer_lab.toolchain import environment, go_command, needed_version

COMPILE_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
"""Without debugging data: a tenth less to compile, and paths of this host are in no binary."""
LINK_FLAGS = ("-s", "-w")
KEPT = 2
"""Binaries kept of each program: the newest, and the one before it for a lab that still runs it."""


def build(programs: Sequence[str], cache: Path, progress: Progress) -> dict[str, Path]:
    """Paths of the binaries by program, built now where they are missing. Do not call it within a progress step."""
    wanted = {program: cache / "bin" / binary_name(program) for program in chosen(programs)}
    missing = [program for program, path in wanted.items() if not path.exists()]
    for number, program in enumerate(missing, start=1):
        build_one(program, wanted[program], f"program {number} of {len(missing)}", cache, progress)
    return {program.name: path for program, path in wanted.items()}


def build_one(program: Program, path: Path, place: str, cache: Path, progress: Progress) -> None:
    """Compiles into a file beside the target and renames it, so that a binary is whole or absent."""
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
    """Flags of `go build` that decide what the binary is."""
    sets = (f"-X {variable}={value}" for variable, value in program.versions)
    tags = (f"-tags={','.join(program.tags)}",) if program.tags else ()
    return (*COMPILE_FLAGS, *tags, f"-ldflags={' '.join((*LINK_FLAGS, *sets))}")


def binary_name(program: Program) -> str:
    """`NAME-DIGEST`, of all that the binary is made from.

    The version of the toolchain is not part of it, only what go.mod asks for: a new Go on the host is no reason to
    compile for ten minutes, and a cache serves a host that has no Go.
    """
    digest = hashlib.sha256()
    for path in (program.directory / "go.mod", program.directory / "go.sum", *program.local_sources):
        digest.update(f"{path.relative_to(program.directory)}\0".encode() + read(path) + b"\0")
    digest.update("\0".join((program.package, os.uname().machine, *build_flags(program))).encode())
    return f"{program.name}-{digest.hexdigest()[:16]}"


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise LabError(f"{path} is missing: the lab builds from a checkout of the repository; "
                       "restore the file there") from None


def remove_old(program: Program, newest: Path) -> None:
    """Keeps the cache from growing: a binary of Kubernetes has 140 MB."""
    named = [path for path in newest.parent.glob(f"{program.name}-*") if len(path.name) == len(newest.name)]
    for path in sorted(named, key=lambda each: each.stat().st_mtime_ns)[:-KEPT]:
        path.unlink(missing_ok=True)

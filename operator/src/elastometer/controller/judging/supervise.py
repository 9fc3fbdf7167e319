"""The operator's side of judging: one process after the other, each bounded, and what became of it.

An attempt is written down before it begins, and every attempt that did not return counts: one that the kernel killed,
and one that the operator itself did not survive. After JUDGING_ATTEMPTS of them the run ends without a report.
What would fail the same way again, such as too little memory or an error of the analysis, is not tried again. The runs
of a study are compared, and its settings searched, in the same way.
"""
from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from elastometer.controller.judging.memory import container_limit, judging_bound, own_use
from elastometer.model.units import MEBIBYTE
from elastometer.world.journal import SmallFiles

JUDGING = "judging.json"
JUDGING_ATTEMPTS = 3
OUT_OF_MEMORY = 77
STALLED = 78
# Longer than any run takes. A library that is refused memory may wait for a thread that never began.
JUDGING_SECONDS = 900.0
# How libraries in C and Rust end a process that is refused memory.
REFUSED_MEMORY = (-signal.SIGABRT, -signal.SIGSEGV)
# Of what the process wrote about its error.
SAID = 4000
RAISE = "raise the memory limit of the operator's container (`resources.limits.memory` of the chart)"
# The program that does the work in a directory, with at most so many bytes.
Program = Callable[[Path, int | None], list[str]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """How the process ended: its exit code (negative for a signal), its answer, and what it wrote about an error."""

    code: int
    answer: bytes
    said: str


@dataclass(frozen=True, slots=True)
class Work:
    """What a process does, in words for the status: as an infinitive and as a gerund, what to do by hand where there is
    too little memory, and otherwise."""

    name: str
    doing: str
    by_hand: str
    otherwise: str


_JUDGE = Work("judge the run", "judging the run",
              "or judge the bundle elsewhere with `elastometer fetch` and `elastometer judge`",
              "Judge the bundle with another version: `elastometer fetch`, then `elastometer judge`")


def command(directory: Path, most: int | None) -> list[str]:
    """The program that judges one run, with at most `most` bytes."""
    return module_command("elastometer.controller.judging", directory, most)


def module_command(module: str, directory: Path, most: int | None) -> list[str]:
    """A program of ours that works in a directory, with at most `most` bytes."""
    return [sys.executable, "-m", module, str(directory), *([] if most is None else [str(most)])]


async def judged(store: SmallFiles, fields: dict[str, Any], program: Program = command) -> dict[str, bytes]:
    """The files of the report. None where there is no report: why is then in judging.json, for the run's status."""
    answer = await supervised(_JUDGE, store, judging_bound(container_limit(), own_use()), program, fields)
    return {} if answer is None else await asyncio.to_thread(files_of, answer)


async def supervised(
    work: Work, store: SmallFiles, most: int | None, program: Program, fields: dict[str, Any],
) -> bytes | None:
    """What the program answers, with at most `most` bytes of memory. None where it cannot: why is in judging.json."""
    attempts = (store.read_json(JUDGING) or {}).get("attempts", 0)
    why = f"none of {JUDGING_ATTEMPTS} attempts to {work.name} returned; {RAISE}, {work.by_hand}"
    while attempts < JUDGING_ATTEMPTS:
        attempts += 1
        store.write_json(JUDGING, {"attempts": attempts})
        ended = await _run(program(store.directory, most))
        if ended.code == 0:
            store.path(JUDGING).unlink(missing_ok=True)
            return ended.answer
        why = _why(work, ended.code, most)
        log.error("could not %s", work.name, extra={**fields, "attempt": attempts, "reason": why, "said": ended.said,
                                                    "directory": str(store.directory)})
        if ended.code != -signal.SIGKILL:
            break
    store.write_json(JUDGING, {"attempts": JUDGING_ATTEMPTS, "reason": why})
    return None


async def _run(words: list[str]) -> Ended:
    """Waits for the process. Where the wait is given up, because the operator ends, so is the process."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    try:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes just when the process has ended.
        async with asyncio.timeout(JUDGING_SECONDS):
            answer, said = await process.communicate()
    except TimeoutError:
        return Ended(STALLED, b"", "")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Ended(process.returncode or 0, answer, said.decode(errors="replace")[-SAID:])


def files_of(answer: bytes) -> dict[str, bytes]:
    """The files of an answer: an object with the text of each by its name."""
    return {name: text.encode() for name, text in orjson.loads(answer).items()}


def _why(work: Work, code: int, most: int | None) -> str:
    """In words for the status, with what to do."""
    if code == OUT_OF_MEMORY or (code in REFUSED_MEMORY and most is not None):
        bound = "" if most is None else f" of {most // MEBIBYTE} MiB"
        return f"{work.doing} took more than its memory{bound}; {RAISE}, {work.by_hand}"
    if code == STALLED:
        return (f"{work.doing} did not end within {JUDGING_SECONDS:g} s, as happens with little memory; {RAISE}, "
                f"{work.by_hand}")
    if code < 0:
        name = signal.Signals(-code).name
        return (f"the process that was {work.doing} was ended by {name}, as happens when memory runs out; {RAISE}, "
                f"{work.by_hand}")
    return (f"{work.doing} failed, which is an error of elastometer; the operator's log has the traceback. "
            f"{work.otherwise}")

"""Draws random worlds in which the real HPA controller decides, and compares each decision with the model's.

    python tests/oracle/compare.py [--worlds N] [--seed S]

Exit codes: 0 everything agrees, 1 something differs, 2 the oracle cannot be built, 3 building it would take minutes
and --warm-only was given. tests/oracle/README.md describes the worlds.
"""
from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from oracle_program import ColdError, cache_folder, program

from elastometer.hpa.replay import PARTS, replay
from elastometer.world.trace_reader import read_recordings
from elastometer_lab.errors import LabError
from elastometer_lab.progress import Progress

CHUNK = 25
"""Worlds that one process draws at a time: a few seconds of work, so that the last ones do not keep one core busy."""
PROGRESS_SECONDS = 5.0


@dataclass(slots=True)
class Tally:
    """How much agrees, part by part. `differing` are the numbers of the worlds in which something does not."""

    worlds: int = 0
    syncs: int = 0
    same: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)
    differing: list[int] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add the counts of another tally to these."""
        self.worlds += other.worlds
        self.syncs += other.syncs
        self.same += other.same
        self.of += other.of
        self.differing = sorted(self.differing + other.differing)

    def __str__(self) -> str:
        counts = ", ".join(f"{part} {self.same[part]}/{self.of[part]}" for part in PARTS)
        return f"{self.worlds} worlds, {self.syncs} syncs: {counts}"


@dataclass(frozen=True, slots=True)
class Draw:
    """Consecutive worlds of one seed, and the file that they are written to."""

    oracle: Path
    seed: int
    first: int
    worlds: int
    folder: Path

    @property
    def path(self) -> Path:
        """The trace file."""
        return self.folder / f"{self.seed}-{self.first}.jsonl"

    def write(self) -> Path:
        """Let the real controller decide in these worlds, and write down what it saw and decided."""
        done = subprocess.run(
            (self.oracle, "-test.run=^TestDraw$", "-test.timeout=0", f"-seed={self.seed}", f"-first={self.first}",
             f"-worlds={self.worlds}", f"-out={self.path}"),
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise LabError(f"the oracle failed on seed {self.seed}, worlds {self.first} to "
                           f"{self.first + self.worlds - 1}:\n{(done.stdout + done.stderr)[-4000:]}")
        return self.path


def draw_and_compare(draw: Draw) -> Tally:
    """Draw the worlds and replay each with the model."""
    tally = Tally()
    for number, recording in enumerate(read_recordings(draw.write()), start=draw.first):
        result = replay(recording)
        tally.worlds += 1
        tally.syncs += len(recording.syncs)
        for part, found in result.agreement.items():
            tally.same[part] += found.same
            tally.of[part] += found.of
        if result.divergence is not None:
            tally.differing.append(number)
    return tally


def draws(oracle: Path, seed: int, worlds: int, folder: Path) -> Iterator[Draw]:
    """All worlds in portions for one process each."""
    for first in range(0, worlds, CHUNK):
        yield Draw(oracle, seed, first, min(CHUNK, worlds - first), folder)


def compare(oracle: Path, seed: int, worlds: int, folder: Path, progress: Progress) -> Tally:
    """Draw and compare all worlds on all cores."""
    total, reported_at = Tally(), time.monotonic()
    with ProcessPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        for done in as_completed([pool.submit(draw_and_compare, draw) for draw in draws(oracle, seed, worlds, folder)]):
            total.add(done.result())
            if time.monotonic() - reported_at > PROGRESS_SECONDS:
                reported_at = time.monotonic()
                progress.say(f"{total.worlds} of {worlds} worlds drawn and compared, {len(total.differing)} differ")
    return total


def show_first(oracle: Path, seed: int, number: int, folder: Path) -> None:
    """Keep the first world that differs in a file of its own, and show what each side did at its first divergence."""
    lone = Draw(oracle, seed, number, 1, folder).write()
    kept = lone.rename(folder / f"differs-{seed}-{number}.jsonl")
    print(f"\nthe first of them, in {kept}:")
    sys.stdout.flush()
    subprocess.run((Path(sys.executable).with_name("elastometer"), "hpa", "replay", kept), check=False)


def emptied(folder: Path) -> Path:
    """The folder, without the worlds of the previous run."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jsonl"):
        old.unlink(missing_ok=True)
    return folder


def main() -> int:
    """Draws, compares and reports; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compare the model with the real HPA controller in drawn worlds.")
    parser.add_argument("--worlds", type=int, default=1000, metavar="N", help="how many worlds to draw (1000)")
    parser.add_argument("--seed", type=int, default=None, metavar="S", help="repeats a draw (default: a new one)")
    parser.add_argument("--warm-only", action="store_true",
                        help="for tests: refuse a build that takes minutes, and keep no worlds that agree")
    options = parser.parse_args()
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    progress, cache = Progress(), cache_folder()
    try:
        oracle = program(cache, progress, warm_only=options.warm_only)
        folder = emptied(cache / "worlds" / (f"test-{os.getpid()}" if options.warm_only else "latest"))
        progress.say(f"drawing {options.worlds} worlds from seed {seed} (again: ORACLE_SEED={seed} make oracle)")
        total = compare(oracle, seed, options.worlds, folder, progress)
    except ColdError as error:
        print(error)
        return 3
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    progress.say(f"seed {seed}: {total}")
    if total.differing:
        print(f"{len(total.differing)} worlds differ: {', '.join(map(str, total.differing[:20]))}")
        show_first(oracle, seed, total.differing[0], folder)
        return 1
    if options.warm_only:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

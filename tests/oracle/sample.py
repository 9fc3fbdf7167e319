"""Picks a few worlds that together notice every broken rule of mutants.py, as the sample that is kept in git.

    python tests/oracle/sample.py TRACES [--worlds 40]
"""
from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import orjson
import zstandard
from mutants import MUTANTS, SAMPLE, first_differences

LEVEL = 22
"""zstd's highest: the file is written rarely and is in every clone."""


def name(line: bytes) -> str:
    """The name of a world."""
    return str(orjson.loads(line)["name"])


def pick(lines: list[bytes], count: int) -> list[bytes]:
    """The smallest world that notices each mutant, and then others in their order up to `count`."""
    # Sorted by size, because the first world that notices a mutant is the one that is reported.
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(b"\n".join(sorted(lines, key=len)) + b"\n")
        file.flush()
        found = first_differences(Path(file.name))
    if "" in found:
        raise SystemExit(f"no world notices: {MUTANTS[found.index('')].rule}; draw more")
    needed = {difference.split(":")[0] for difference in found}
    chosen = [line for line in lines if name(line) in needed]
    others = [line for line in lines if name(line) not in needed]
    return chosen + others[: max(0, count - len(chosen))]


def main() -> None:
    """Writes the sample."""
    parser = argparse.ArgumentParser(description="Choose the drawn worlds that are kept in git.")
    parser.add_argument("traces", type=Path, help="drawn worlds, one a line")
    parser.add_argument("--worlds", type=int, default=40, help="how many to keep (40)")
    options = parser.parse_args()
    sample = pick(options.traces.read_bytes().splitlines(), options.worlds)
    SAMPLE.parent.mkdir(exist_ok=True)
    SAMPLE.write_bytes(zstandard.ZstdCompressor(level=LEVEL).compress(b"\n".join(sample) + b"\n"))
    print(f"{len(sample)} worlds, {SAMPLE.stat().st_size} bytes: {SAMPLE}")


if __name__ == "__main__":
    main()

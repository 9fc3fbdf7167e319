"""Picks worlds that are few and yet notice every broken rule of mutants.py, as the sample that is kept in git.

    python tests/oracle/sample.py TRACES [--worlds 40]
"""
from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import orjson
import zstandard
from mutants import MUTANTS, SAMPLE, notices

LEVEL = 22


def name(line: bytes) -> str:
    return str(orjson.loads(line)["name"])


def picked(lines: list[bytes], count: int) -> list[bytes]:
    """The smallest worlds that notice a mutant, and then as many others as they come."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(b"\n".join(sorted(lines, key=len)) + b"\n")
        file.flush()
        found = notices(Path(file.name))
    if "" in found:
        raise SystemExit(f"no world notices: {MUTANTS[found.index('')].rule}; draw more")
    needed = {difference.split(":")[0] for difference in found}
    telling = [line for line in lines if name(line) in needed]
    others = [line for line in lines if name(line) not in needed]
    return telling + others[: max(0, count - len(telling))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Choose the drawn worlds that are kept in git.")
    parser.add_argument("traces", type=Path)
    parser.add_argument("--worlds", type=int, default=40)
    options = parser.parse_args()
    sample = picked(options.traces.read_bytes().splitlines(), options.worlds)
    SAMPLE.parent.mkdir(exist_ok=True)
    SAMPLE.write_bytes(zstandard.ZstdCompressor(level=LEVEL).compress(b"\n".join(sample) + b"\n"))
    print(f"{len(sample)} worlds, {SAMPLE.stat().st_size} bytes: {SAMPLE}")


if __name__ == "__main__":
    main()

"""Which tables of its document the report of a study has, and where; exit code 1 if one is missing.

    python tests/studies/tables.py runs/studies/limits [...]

Each line has the section of the document, the table, its place in report.json, how many rows are there, and the cells
without a number with their reason. The document of a run follows from the name of its test or study.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from support.seed_tables import FoundTable, found_table, seed_tables  # noqa: E402

MOST_REASONS = 3


def main(words: list[str]) -> int:
    """Prints the tables of each directory."""
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    return max(_print(Path(word)) for word in words)


def _print(directory: Path) -> int:
    report = json.loads((directory / "report.json").read_bytes())
    listed = HERE / f"{name_of(report)}.yaml"
    if not listed.exists():
        known = ", ".join(sorted(path.stem for path in HERE.glob("*.yaml")))
        print(f"{directory}: must be a run or a study of {known}, is {name_of(report)!r}", file=sys.stderr)
        return 2
    found = [found_table(one, report) for one in seed_tables(listed)]
    for one in found:
        print("\n".join(lines(listed.stem, one)))
    missing = sum(bool(one.flaws) for one in found)
    print(f"{listed.stem}: {len(found) - missing} of {len(found)} tables are there")
    return 1 if missing else 0


def name_of(report: dict[str, Any]) -> str:
    """The name of the test or the study."""
    return str(report.get("study") or report.get("test"))


def lines(seed: str, found: FoundTable) -> list[str]:
    """One table for people."""
    state = "ok" if not found.flaws else "MISSING"
    dashes = f", {len(found.dashes)} of {found.cells} cells without a number" if found.dashes else ""
    place = f"{found.wanted.rows}, {found.rows} rows{dashes}"
    first = f"{state:8}{seed} §{found.wanted.section:5} {found.wanted.title}: {place}"
    reasons = list(dict.fromkeys(f"{dash.column}: {dash.reason}" for dash in found.dashes if dash.reason))
    more = [f"{len(reasons) - MOST_REASONS} more reasons"] if len(reasons) > MOST_REASONS else []
    return [first, *(f"          {text}" for text in (*found.flaws, *reasons[:MOST_REASONS], *more))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

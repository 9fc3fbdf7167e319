"""Keeps the run of a study for the tests that need no cluster: what its report is judged from, without the report.

    python tests/studies/keep.py runs/studies/limits [...]      # into tests/golden/studies/limits

Of a study, the run of its first variant is kept.
"""
from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from elastometer.model.bundle_files import BUNDLE, REPORTS  # noqa: E402
from elastometer.model.study_document import RUNS_DIRECTORY, STUDY_JSON  # noqa: E402

KEPT = ROOT / "tests/golden/studies"
# The fingerprints are lines for people; no number is read from them.
LEFT_OUT = (*REPORTS, BUNDLE, "fingerprints.jsonl.zst")


def main(words: list[str]) -> int:
    """Copies each."""
    for path in map(Path, words):
        run, kept = run_in(path), KEPT / path.name
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(run, kept, ignore=shutil.ignore_patterns(*LEFT_OUT))
        size = sum(file.stat().st_size for file in kept.rglob("*") if file.is_file())
        print(f"{kept.relative_to(ROOT)}: {size / 1e6:.1f} MB")
    return 0 if words else 2


def run_in(path: Path) -> Path:
    """The bundle itself, or the first run of a study."""
    if not (path / STUDY_JSON).exists():
        return path
    first = json.loads((path / STUDY_JSON).read_bytes())["runs"][0]["name"]
    return path / RUNS_DIRECTORY / str(first)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

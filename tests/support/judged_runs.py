"""The reports of recorded runs, each judged once however many tests read it."""
from __future__ import annotations

from functools import cache
from pathlib import Path

from elastometer.judgement import judge
from elastometer.model.report import Report
from elastometer.world.bundle_reader import load_bundle


@cache
def judged_run(path: Path) -> Report:
    """The report of the bundle at `path`, which no test writes to; a Report cannot be changed."""
    found: Report = judge(load_bundle(path))
    return found

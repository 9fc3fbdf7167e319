"""`python -m elastometer.controller.study.work STUDY [BYTES]`: compares a study's runs, or searches better settings.

What is to be done is in `work.json` of the study's directory. Writes one JSON object to standard output. Ends with
OUT_OF_MEMORY where the bound was met, with 1 and a traceback where the work failed.
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson

from elastometer.controller.judging.process import answer_with
from elastometer.controller.study.decision import StudyAction
from elastometer.model.tuning import TuneTerms
from elastometer.model.tuning_document import tune_document
from elastometer.render.study.files import render_study
from elastometer.study.compare.of_study import KeptRun, compare_study
from elastometer.study.tune.tune import tune
from elastometer.world.bundle_reader import load_bundle
from elastometer.world.study.reader import load_study

Json = dict[str, Any]
WORK = "work.json"


def main(words: list[str]) -> int:
    """The exit code."""
    return answer_with(_work, words)


def _work(directory: Path) -> bytes:
    wanted = orjson.loads((directory / WORK).read_bytes())
    if wanted["action"] == StudyAction.TUNE:
        return orjson.dumps(tune_document(tune(load_bundle(Path(wanted["run"])), TuneTerms(**wanted["terms"]))))
    return orjson.dumps(_compared(directory, {name: Path(path) for name, path in wanted["runs"].items()}))


def _compared(directory: Path, places: dict[str, Path]) -> Json:
    """The files of the report, and what the status needs of it."""
    record = load_study(directory, places)
    kept = {name: KeptRun(found.report or {}, found.spec, found.provenance) for name, found in record.runs.items()}
    found = compare_study(record.document, kept)
    return {
        "files": {name: content.decode() for name, content in render_study(found).items()},
        "fact": {"compared": sum(one.compared for one in found.variants), "verdict": found.verdict.value,
                 "message": found.verdict_message, "best": found.best.variant, "sentence": found.best.sentence},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

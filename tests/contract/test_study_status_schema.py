"""What the operator writes into the status of a study fits the schema: the API server would drop or refuse the rest."""
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import yaml

from elastometer.model.schema import flaws
from elastometer.model.status import SUCCEEDED, Condition
from elastometer.model.study import MAX_RUNS
from elastometer.model.study_document import RunEntry, RunState
from elastometer.model.study_status import StudyRun, StudyStatus, phase_of, study_status_from, study_status_json

ROOT = Path(__file__).parents[2]
CRD = yaml.safe_load((ROOT / "manifests/crd/elasticitystudy.yaml").read_text())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ETCD_BYTES = 1_500_000  # the default of --max-request-bytes


def run(number: int, state: RunState = RunState.NOT_CARRIED_OUT) -> StudyRun:
    entry = RunEntry(f"{'s' * 17}-{'v' * 17}-{number % 30:03}", "v" * 20, number, state=state, verdict="Inconclusive",
                     reason="LoadJobFailed", message="\N{GREEK SMALL LETTER OMEGA}" * 5000, start_time=NOW,
                     completion_time=NOW)
    return StudyRun(entry, "0a1b2c3d-0000-4000-8000-000000000001", 123456)


def status(runs: int) -> StudyStatus:
    condition = Condition(SUCCEEDED, "True", "Completed", "all runs have ended", NOW)
    states = list(RunState)
    return StudyStatus(
        conditions={SUCCEEDED: condition}, observed_generation=1, start_time=NOW, completion_time=NOW, verdict="Pass",
        best="v" * 20, planned=runs, compared=runs, tune={"variants": [{"name": "tuned-1", "patch": {"a": None}}]},
        runs=tuple(run(number, states[number % len(states)]) for number in range(runs)), report="scalers-study")


def written(runs: int) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(orjson.dumps(study_status_json(status(runs))))
    return made


def test_a_full_status_fits_the_schema_with_unknown_fields_refused():
    assert list(flaws(written(5), SCHEMA, "status")) == []


def test_every_phase_is_one_of_the_schema_s():
    known = SCHEMA["properties"]["phase"]["enum"]
    assert {phase_of(status(1)), phase_of(StudyStatus())} <= set(known)


def test_a_status_is_read_as_it_was_written():
    assert orjson.loads(orjson.dumps(study_status_json(study_status_from(written(5))))) == written(5)


def test_the_longest_study_leaves_room_for_its_spec_in_one_object():
    assert len(orjson.dumps(written(MAX_RUNS))) < ETCD_BYTES / 2

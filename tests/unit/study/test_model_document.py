"""study.json says what it was written from, and what cannot be read of it is refused by name."""
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from elastometer.model.study_document import RunEntry, RunState, StudyDocument, study_document, study_json
from elastometer.model.study_names import StudyNames

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DOCUMENT = StudyDocument(
    StudyNames("staging", "scalers", "0a1b2c3d-0000"), {"repetitions": 1},
    (RunEntry("scalers-warmup", "queue", 0, judged=False, state=RunState.JUDGED, verdict="Pass"),
     RunEntry("scalers-queue-1", "queue", 1, state=RunState.NOT_CARRIED_OUT, reason="LoadJobFailed",
              message="the Job failed", start_time=START, completion_time=START),
     RunEntry("scalers-cpu-1", "cpu", 1)),
    tune={"from": "queue"}, start_time=START, end_time=START, end_reason="RunFailed")


def written(document: StudyDocument = DOCUMENT) -> Any:
    return orjson.loads(orjson.dumps(study_json(document)))


def test_a_study_document_is_read_as_it_was_written():
    assert study_document(written()) == DOCUMENT


def test_what_is_not_known_is_absent_and_not_null():
    assert written()["runs"][2] == {"name": "scalers-cpu-1", "variant": "cpu", "repetition": 1, "judged": True,
                                    "state": "Pending"}


@pytest.mark.parametrize(("change", "said"), [
    ({"schemaVersion": 2}, "schemaVersion: must be 1, is 2"),
    ({"study": {}}, "study: must have name and namespace"),
    ({"runs": [{"name": "x"}]}, r"runs\[0\]: must have name, variant and repetition"),
    ({"runs": [{"name": "x", "variant": "y", "repetition": 1, "state": "Done"}]},
     r"runs\[0\].state: must be one of Pending, Running, Judged, NotCarriedOut, Skipped, is 'Done'"),
    ({"startTime": "yesterday"}, "startTime: "),
])
def test_a_document_that_cannot_be_used_is_refused_with_its_path(change: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        study_document({**written(), **change})


def test_what_is_no_object_is_refused():
    with pytest.raises(ValueError, match="schemaVersion"):
        study_document([1])

"""What a search for better settings found is said in the study's report, also where it found nothing."""
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from elastometer.model.measures import MISS_SECONDS
from elastometer.model.story import Change
from elastometer.model.study_document import StudyDocument
from elastometer.model.study_names import StudyNames
from elastometer.model.tuning import Predicted, TunedVariant, TuneOutcome, TuneResult
from elastometer.model.tuning_document import tune_document
from elastometer.study.compare.of_study import compare_study
from elastometer.study.compare.search_words import search_sentences
from support.comparisons import SPEC

STUDY: dict[str, Any] = {"template": SPEC, "variants": [{"name": "base"}], "tune": {"from": "base"}}


def variant(name: str, *, apart: bool) -> TunedVariant:
    patch = {"autoscaler": {"horizontalPodAutoscaler": {"minReplicas": 3}}}
    return TunedVariant(name, patch, (Change("minReplicas", "1", "3"),), Predicted(9, 9, {}), apart)


def test_what_is_run_is_named_with_its_changes_and_what_the_twin_cannot_tell_apart():
    found = TuneResult("base", TuneOutcome.FOUND, "2", considered=1000, error={MISS_SECONDS: 38.2},
                       variants=(variant("tuned-1", apart=True), variant("tuned-2", apart=False)))
    first, second = search_sentences(found)
    assert first == ("the twin tried 1,000 settings within the same maximum and chose 2 to be run: "
                     "tuned-1 (minReplicas from 1 to 3), tuned-2 (minReplicas from 1 to 3)")
    assert second.startswith("tuned-2: predicted to differ")
    assert "± 38 objective-miss seconds" in second


def test_where_nothing_helps_the_proof_is_in_the_comparison():
    found = TuneResult("base", TuneOutcome.NOTHING_HELPS, "none of 1,000 settings …; always the maximum would miss 60")
    record = StudyDocument(StudyNames("team-a", "s", "uid"), STUDY, (), tune_document(found),
                           datetime(2026, 3, 4, tzinfo=UTC))
    assert found.reason in compare_study(record, {}).sentences


def test_where_the_twin_cannot_answer_the_reason_is_said():
    found = TuneResult("base", TuneOutcome.CANNOT_TELL, "requests: the run must have request records")
    assert list(search_sentences(found)) == ["no settings were searched: requests: the run must have request records"]

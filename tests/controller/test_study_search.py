"""When a study searches for better settings, what it does with them, and when it searches nothing and says why."""
from __future__ import annotations

from elastometer.controller.study.decision import StudyAction
from support.study_play import QUEUE, TUNE, Cut, play


def test_better_settings_are_searched_after_the_first_run_of_their_variant_and_run_last() -> None:
    found = play(repetitions=2, tune=TUNE)
    assert [found.turn() for _ in range(3)][-1].status.planned == 10
    found.to_the_end()
    assert found.created == ["scalers-queue-1", "scalers-cpu-1", "scalers-queue-2", "scalers-cpu-2",
                             "scalers-tuned-1-1", "scalers-tuned-1-2"]
    assert found.actions.count(StudyAction.TUNE) == 1
    assert found.actions.index(StudyAction.TUNE) < found.actions.index(StudyAction.CREATE_RUN) + 4
    assert found.served["tune"]["outcome"] == "Found"
    assert found.served["progress"]["runs"] == "6/6"


def test_the_search_waits_until_no_run_is_under_way() -> None:
    found = play(repetitions=2, parallelism=2, tune=TUNE)
    while len(found.created) < 2:
        found.turn()
    found.end("scalers-queue-1")
    for _ in range(4):
        found.turn()
    assert StudyAction.TUNE not in found.actions


def test_what_a_search_found_is_in_the_status_before_a_run_is_made_of_it() -> None:
    found = play(QUEUE, tune=TUNE)
    while StudyAction.TUNE not in found.actions:
        found.turn()
        for name in found.under_way:
            found.end(name)
    assert "tune" not in found.served
    found.turn(Cut.BEFORE_THE_ACTION)
    assert found.served["tune"]["outcome"] == "Found"
    found.to_the_end()
    assert found.actions.count(StudyAction.TUNE) == 1


def test_without_a_judged_run_nothing_is_searched_and_the_record_says_why() -> None:
    found = play(repetitions=1, tune=TUNE)
    found.to_the_end({"scalers-queue-1": None})
    assert StudyAction.TUNE not in found.actions
    assert found.served["tune"]["outcome"] == "CannotTell"
    assert "no run of the variant 'queue' was judged" in found.served["tune"]["reason"]


def test_a_study_that_has_stopped_searches_nothing() -> None:
    found = play(tune=TUNE, stopWhen={"runFails": True})
    found.to_the_end({"scalers-queue-1": "Fail"})
    assert StudyAction.TUNE not in found.actions
    assert found.status.finished
    assert "scalers-queue-1' ended with Fail" in found.served["tune"]["reason"]


def test_a_study_that_stops_with_its_last_run_searches_nothing_either() -> None:
    found = play(QUEUE, tune=TUNE, stopWhen={"variantPasses": True})
    found.to_the_end()
    assert StudyAction.TUNE not in found.actions
    assert found.served["progress"]["runs"] == "1/1"

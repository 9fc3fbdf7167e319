"""What a study does next, as facts: from the check to the report, and what stops it on the way."""
from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastometer.controller.study.decide import decide_study
from elastometer.controller.study.decision import StudyAction
from elastometer.model.study_snapshot import CheckFact, ComparisonFact, StudyRefusal, StudySnapshot
from elastometer.model.study_status import StudyStatus, phase_of, study_status_from, study_status_json
from support.study_play import QUEUE, START, TUNE, Cut, Play, condition, play


def test_a_whole_study_runs_each_variant_in_turn_and_ends_with_one_report() -> None:
    found = play(repetitions=2)
    status = found.to_the_end()
    assert found.created == ["scalers-queue-1", "scalers-cpu-1", "scalers-queue-2", "scalers-cpu-2"]
    assert found.actions[0] is StudyAction.CHECK
    assert found.reports[-1] == dict.fromkeys(found.created, "Judged")
    assert (phase_of(status), status.verdict, status.best, status.report) == (
        "Completed", "Pass", "queue", "scalers-study")
    assert condition(found, "Accepted") == ("True", "VariantsAccepted")
    assert condition(found, "RunsCompleted") == ("True", "RunsJudged")
    assert condition(found, "ReportReady") == ("True", "ReportWritten")
    assert condition(found, "ObjectivesMet") == ("True", "ObjectivesMet")
    assert condition(found, "Succeeded") == ("True", "StudyCompleted")
    assert found.served["progress"] == {"runs": "4/4", "done": 4, "all": 4, "running": None}


def test_only_one_run_is_under_way_and_it_is_compared_before_the_next_begins() -> None:
    found = play()
    for _ in range(4):
        found.turn()
    assert found.under_way == ["scalers-queue-1"]
    assert found.served["progress"]["running"] == "scalers-queue-1"
    assert phase_of(found.status) == "Running"
    found.end("scalers-queue-1")
    assert found.turn().action is StudyAction.COMPARE
    assert "ReportReady" not in found.status.conditions
    assert found.turn().run == "scalers-cpu-1"
    assert condition(found, "ReportReady") == ("False", "ComparedSoFar")
    assert found.served["comparedRuns"] == 1


def test_as_many_runs_are_under_way_as_the_study_allows_and_no_more() -> None:
    found = play(repetitions=2, parallelism=3)
    for _ in range(9):
        found.turn()
    assert found.under_way == ["scalers-cpu-1", "scalers-queue-1", "scalers-queue-2"]
    found.end("scalers-queue-1")
    for _ in range(3):
        found.turn()
    assert found.under_way == ["scalers-cpu-1", "scalers-cpu-2", "scalers-queue-2"]


def test_the_warm_up_runs_alone_is_not_compared_and_keeps_nobody_waiting_when_it_fails() -> None:
    found = play(warmup="Run", parallelism=4)
    for _ in range(5):
        found.turn()
    assert found.under_way == ["scalers-warmup"]
    found.end("scalers-warmup", None)
    for _ in range(5):
        found.turn()
    assert found.under_way == ["scalers-cpu-1", "scalers-queue-1"]
    status = found.to_the_end()
    assert StudyAction.COMPARE in found.actions
    assert "2 of 2 runs were judged" in status.conditions["Succeeded"].message
    assert condition(found, "RunsCompleted") == ("False", "RunsMissing")


def test_a_study_of_which_only_the_warm_up_was_judged_has_no_report() -> None:
    found = play(QUEUE, warmup="Run")
    status = found.to_the_end({"scalers-queue-1": None})
    assert StudyAction.COMPARE not in found.actions
    assert condition(found, "Succeeded") == ("False", "NoRunJudged")
    assert "scalers-queue-1 (LoadJobFailed: the load was evicted)" in status.conditions["Succeeded"].message


def test_a_run_that_could_not_be_carried_out_leaves_the_rest_judged_and_is_named() -> None:
    found = play(repetitions=2)
    status = found.to_the_end({"scalers-cpu-1": None})
    assert found.reports[-1] == {"scalers-queue-1": "Judged", "scalers-cpu-1": "NotCarriedOut",
                                 "scalers-queue-2": "Judged", "scalers-cpu-2": "Judged"}
    assert condition(found, "RunsCompleted") == ("False", "RunsMissing")
    assert condition(found, "Succeeded") == ("True", "StudyCompleted")
    assert "scalers-cpu-1 (LoadJobFailed" in status.conditions["Succeeded"].message


def test_a_run_whose_test_somebody_deleted_is_named_and_never_created_again() -> None:
    found = play()
    for _ in range(4):
        found.turn()
    found.delete("scalers-queue-1")
    found.to_the_end()
    assert found.created == ["scalers-queue-1", "scalers-cpu-1"]
    assert found.served["runs"][0]["reason"] == "TestDeleted"
    assert found.state("scalers-queue-1") == "NotCarriedOut"


def test_a_test_that_is_deleted_before_any_status_named_it_is_not_created_again_either() -> None:
    found = play()
    while not found.created:
        found.turn()
    found.delete("scalers-queue-1")
    found.to_the_end()
    assert found.created == ["scalers-queue-1", "scalers-cpu-1"]
    assert found.served["runs"][0]["reason"] == "TestDeleted"


def test_another_test_under_a_runs_name_is_not_the_run() -> None:
    found = play()
    for _ in range(4):
        found.turn()
    found.tests["scalers-queue-1"] = replace(found.tests["scalers-queue-1"], uid="another")
    found.turn()
    assert found.served["runs"][0]["reason"] == "TestDeleted"


def test_a_judged_run_whose_record_is_gone_counts_no_more() -> None:
    found = play()
    while found.status.compared != 1:
        found.turn()
        for name in found.under_way:
            found.end(name)
    found.delete("scalers-queue-1")
    found.to_the_end()
    assert found.served["runs"][0]["reason"] == "RecordLost"
    assert found.reports[-1]["scalers-queue-1"] == "NotCarriedOut"


@pytest.mark.parametrize(("check", "reason"), [
    (CheckFact(("SpecInvalid", "spec.variants[1] (cpu): spec.load.stages: must be given, is absent")), "SpecInvalid"),
    (CheckFact(("NameTaken", "an ElasticityTest called 'scalers-cpu-1' exists")), "NameTaken"),
])
def test_a_flaw_that_the_check_finds_ends_the_study_before_anything_is_created(check: CheckFact, reason: str) -> None:
    found = play()
    found.turn()
    found.memory.check = check
    found.turn()
    assert found.status.finished
    assert condition(found, "Accepted") == ("False", reason)
    assert condition(found, "Succeeded") == ("False", reason)
    assert found.status.conditions["Accepted"].message == check.flaw[1]
    assert (found.created, found.served.get("runs"), phase_of(found.status)) == ([], None, "Failed")


def test_what_an_earlier_study_left_is_waited_for_and_checked_again() -> None:
    found = play()
    found.turn()
    found.memory.check = CheckFact(waiting=("ElasticityTest/scalers-cpu-1",))
    decision = found.turn()
    assert decision.action is StudyAction.CHECK
    assert condition(found, "Accepted") == ("Unknown", "NotBegun")
    assert "ElasticityTest/scalers-cpu-1" in decision.status.conditions["Accepted"].message
    assert phase_of(decision.status) == "Checking"


def test_a_changed_spec_ends_the_study_once_the_runs_under_way_have_ended() -> None:
    found = play()
    for _ in range(4):
        found.turn()
    found.study = replace(found.study, generation=2)
    seen = replace(found.seen(), generation=2)
    decision = decide_study(found.study, found.status, seen, found.now)
    assert decision.status.failure == "SpecChanged"
    assert not decision.status.finished
    assert [run.entry.reason for run in decision.status.runs if run.state.value == "Skipped"] == ["SpecChanged"]


def refused(found: Play, action: StudyAction, run: str, seconds: float) -> StudyStatus:
    since = found.now - timedelta(seconds=seconds)
    seen = replace(found.seen(), refusal=StudyRefusal(action.value, run, "exceeded quota", since))
    return decide_study(found.study, found.status, seen, found.now).status


def test_a_run_that_the_api_server_keeps_refusing_is_given_up_after_a_while_and_the_next_begins() -> None:
    found = play()
    for _ in range(2):
        found.turn()
    assert refused(found, StudyAction.CREATE_RUN, "scalers-cpu-1", 29).in_state("NotCarriedOut") == ()
    status = refused(found, StudyAction.CREATE_RUN, "scalers-cpu-1", 31)
    assert [(run.name, run.entry.reason) for run in status.in_state("NotCarriedOut")] == [
        ("scalers-cpu-1", "CreationRefused")]
    assert "exceeded quota" in status.runs[1].entry.message
    assert not status.finished


def test_a_check_that_the_api_server_keeps_refusing_ends_the_study() -> None:
    found = play()
    found.turn()
    found.memory.check = None
    assert refused(found, StudyAction.CHECK, "", 29).conditions["Accepted"].status == "Unknown"
    status = refused(found, StudyAction.CHECK, "", 31)
    assert (status.finished, status.failure) == (True, "CreationRefused")


def test_a_report_that_cannot_be_published_is_tried_again_and_then_named() -> None:
    found = play(QUEUE)
    while len(found.reports) < 1:
        found.turn()
        for name in found.under_way:
            found.end(name)
    since = found.now
    for seconds, finished in ((10, False), (31, True)):
        seen = replace(found.seen(), refusal=StudyRefusal("Compare", "", "forbidden", since))
        decision = decide_study(found.study, found.status, seen, since + timedelta(seconds=seconds))
        assert decision.status.finished is finished
    assert decision.status.conditions["ReportReady"].reason == "ReportRefused"
    assert decision.status.failure == "ReportRefused"


def test_a_comparison_that_cannot_be_made_ends_the_study_with_why() -> None:
    found = play(QUEUE)
    while StudyAction.COMPARE not in found.actions:
        found.turn()
        for name in found.under_way:
            found.end(name)
    of = found.memory.comparison.of
    found.memory.comparison = ComparisonFact(of, 1, flaw="comparing the runs took more than its memory")
    found.turn()
    assert condition(found, "ReportReady") == ("False", "ReportFailed")
    assert "took more than its memory" in found.status.conditions["Succeeded"].message
    assert found.status.best is None


@pytest.mark.parametrize(("verdict", "expected"), [
    ("Pass", ("True", "GatesHeld")), ("Fail", ("False", "GatesRegressed")),
    ("Inconclusive", ("Unknown", "GatesUncertain")),
])
def test_with_gates_the_verdict_is_theirs(verdict: str, expected: tuple[str, str]) -> None:
    found = play(gates=[{"measure": "missSeconds", "maximumRegressionPercent": 10}])
    while len(found.reports) < 2:
        found.turn()
        for name in found.under_way:
            found.end(name)
    found.memory.comparison = replace(found.memory.comparison, verdict=verdict)
    found.turn()
    assert condition(found, "GatesHeld") == expected
    assert "ObjectivesMet" not in found.status.conditions
    assert found.status.verdict == verdict


def test_a_finished_study_is_left_alone() -> None:
    found = play(QUEUE)
    status = found.to_the_end()
    decision = decide_study(found.study, status, StudySnapshot(7), found.now)
    assert (decision.action, decision.status) == (None, status)


OUTCOMES = st.sampled_from(["Pass", "Fail", "Inconclusive", None])


@given(data=st.data(), repetitions=st.integers(1, 3), parallelism=st.integers(1, 3), warmup=st.booleans(),
       tuned=st.booleans())
def test_whatever_is_killed_deleted_or_fails_each_run_is_created_once_at_most_and_judged_or_named(
    data: st.DataObject, repetitions: int, parallelism: int, warmup: bool, tuned: bool,
) -> None:
    found = play(repetitions=repetitions, parallelism=parallelism, warmup="Run" if warmup else "Skip",
                 **({"tune": TUNE} if tuned else {}))
    for _ in range(data.draw(st.integers(0, 30), label="turns")):
        found.turn(data.draw(st.sampled_from(Cut), label="cut"))
        recorded = {run.name for run in found.status.runs if run.uid is not None}
        for name in [*found.tests]:
            happens = data.draw(st.sampled_from(["nothing", "nothing", "ends", "is deleted"]), label=name)
            if happens == "ends" and name in found.under_way:
                found.end(name, data.draw(OUTCOMES, label="verdict"))
            elif happens == "is deleted" and name in recorded:
                found.delete(name)
    status = found.to_the_end()
    assert len(found.created) == len(set(found.created))
    names = {run.name for run in status.runs}
    assert set(found.created) == names
    for run in status.runs:
        assert (run.state.value, bool(run.entry.reason)) in (("Judged", False), ("NotCarriedOut", True))
    if status.judged:
        assert found.reports[-1] == {run.name: run.state.value for run in status.runs}
        assert phase_of(status) == "Completed"
    else:
        assert status.failure == "NoRunJudged"


@given(data=st.data())
def test_a_status_that_is_read_back_is_the_one_that_was_written(data: st.DataObject) -> None:
    found = play(repetitions=2, warmup="Run")
    for _ in range(data.draw(st.integers(1, 25))):
        found.turn()
        for name in found.under_way:
            found.end(name, data.draw(OUTCOMES))
    served = study_status_json(found.status)
    assert study_status_json(study_status_from(served)) == served
    assert found.status.start_time == START + timedelta(seconds=1)

"""Findings from the answers: those of another request, and checks that fail more often under more load."""
from __future__ import annotations

from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.findings.answers.checked import answer_findings
from elastometer.analysis.requests.answers import answer_rows
from elastometer.model.bundle import Bundle
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest, request_from
from elastometer.model.terms import Terms
from elastometer.model.units import format_instant, instant_or_none

START = instant_or_none("2026-01-01T00:00:00Z") or 0
SECOND = 1_000_000_000


def record(number: int, at: float, lasts: float, checks: dict[str, str | None], stage: str = "calm",
           task: str = "extract") -> RecordedRequest:
    def time(seconds: float) -> str:
        return format_instant(START + round(seconds * SECOND))
    found = request_from({
        "id": number, "stage": stage, "task": task, "intendedTime": time(at), "sendTime": time(at),
        "endTime": time(at + lasts), "outcome": "Success", "fingerprint": "7a2f", "pod": "server-a", "checks": checks})
    assert found is not None
    return found


def found(records: list[RecordedRequest]) -> list[Finding]:
    evidence = gather(Bundle(terms=Terms(), start=START, requests=tuple(records)))
    return list(answer_findings(evidence, answer_rows(evidence)))


def stage(name: str, start: float, lasts: float, failed: int, of: int = 200, task: str = "extract",
          ) -> list[RecordedRequest]:
    """One request a tenth of a second, so that ten times what one lasts is in flight."""
    return [record(number, start + number / 10, lasts, {"JSONSchema": "NotJSON" if number < failed else None},
                   name, task) for number in range(of)]


def test_an_answer_with_another_request_s_mark_is_a_problem_with_its_evidence():
    (one,) = found([record(1, 0, 1, {"Crosstalk": None}), record(17, 12.5, 1, {"Crosstalk": "ForeignCanary"}),
                    record(9, 3, 1, {"Crosstalk": None})])
    assert (one.name, one.severity, one.title) == (
        "CrossTalk", "Problem", "Requests that got the answer to another request: 1")
    assert one.evidence == (
        "1 of the 3 answers that can be attributed (6.15 % to 79.23 %) carried the mark of another request: "
        "REQ-7a2f-17 at +12.5 s on server-a")


def test_another_task_s_form_alone_is_a_warning_that_names_task_and_stage():
    (one,) = found([record(9, 3, 1, {"Crosstalk": "OtherTask"}), record(10, 4, 1, {"Crosstalk": None}),
                    record(11, 5, 1, {"Crosstalk": None}, stage="busy")])
    assert (one.name, one.severity, one.title) == (
        "TasksMixedUp", "Warning", "Answers that look like another task's: 1")
    assert one.evidence == (
        "1 of the 3 answers that can be attributed (6.15 % to 79.23 %) had the form of another task's answer "
        "(1 of 2 to task 'extract' in 'calm'): REQ-7a2f-9 at +3.0 s on server-a")


def test_marks_and_forms_are_two_findings():
    both = found([record(1, 0, 1, {"Crosstalk": "OtherTask"}), record(2, 0, 1, {"Crosstalk": "ForeignCanary"})])
    assert [one.name for one in both] == ["CrossTalk", "TasksMixedUp"]


def test_a_mark_that_a_model_garbled_is_not_cross_talk():
    assert found([record(1, 0, 1, {"Crosstalk": "UnknownCanary"}), record(2, 0, 1, {"Crosstalk": None})]) == []


def test_a_check_that_fails_clearly_more_often_in_the_busiest_stage_is_a_finding():
    (one,) = found([*stage("calm", 0, 0.1, failed=2), *stage("peak", 30, 3, failed=40)])
    assert (one.name, one.severity) == ("AnswersDegradeUnderLoad", "Warning")
    assert one.evidence == (
        "JSONSchema of task 'extract': 20.00 % in 'peak' (40 of 200, 95 % interval 15.05 to 26.09 %), with 26.2 "
        "requests in flight on average, against 1.00 % in 'calm' (2 of 200, 95 % interval 0.27 to 3.57 %), with 1.0")


def test_overlapping_intervals_are_not_a_finding():
    assert found([*stage("calm", 0, 0.1, failed=2), *stage("peak", 30, 3, failed=7)]) == []


def test_fewer_failures_under_more_load_are_not_a_finding():
    assert found([*stage("calm", 0, 0.1, failed=40), *stage("peak", 30, 3, failed=2)]) == []


def test_stages_that_are_about_as_busy_say_nothing_about_load():
    assert found([*stage("first", 0, 1.0, failed=2), *stage("second", 60, 1.2, failed=60)]) == []


def test_another_mix_of_tasks_is_not_taken_for_the_load():
    calm = [*stage("calm", 0, 0.1, failed=2), *stage("calm", 0, 0.1, failed=150, task="hard")]
    peak = [*stage("peak", 30, 3, failed=0, of=0), *stage("peak", 30, 3, failed=150, task="hard")]
    assert found([*calm, *peak]) == []


def test_one_stage_alone_has_nothing_to_be_compared_with():
    assert found(stage("peak", 0, 3, failed=100)) == []

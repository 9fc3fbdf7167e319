"""When stages ran whose ends nobody could fix: by the worker's account and the records, never by the plan."""

from dataclasses import replace
from typing import Any

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.evidence.stages import stages_as_run
from elastometer.model.bundle import Bundle
from elastometer.model.request import RecordedRequest, generator_from, request_from
from elastometer.model.run_window import window_of
from elastometer.model.terms import terms_from
from elastometer.model.units import SECOND, instant_or_none

START = instant_or_none("2026-11-27T09:00:00Z") or 0
STAGES = [
    {"name": "calm", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1"},
    {"name": "knee", "type": "Knee", "of": "Users", "start": 2, "step": 2, "stepSeconds": 15, "maximum": 4,
     "soakSeconds": 15},
    {"name": "lengths", "type": "Sweep", "inputTokens": [8], "outputTokens": 8, "requestsEach": 2},
    {"name": "hold", "type": "Rate", "durationSeconds": 20, "endRequestsPerSecond": "2"},
    {"name": "replay", "type": "Trace", "file": "azure.csv", "format": "AzureLLM"},
]
PLAN = {"loadSeconds": 900.0, "stages": [{"name": "replay", "startSeconds": 700.0, "endSeconds": 730.0}]}


def at(seconds: float) -> str:
    return f"2026-11-27T09:{int(seconds // 60):02d}:{seconds % 60:09.6f}Z"


def record(stage: str, intended: float, ended: float) -> RecordedRequest:
    found = request_from({"id": round(intended * 1000), "stage": stage, "intendedTime": at(intended),
                          "sendTime": at(intended), "endTime": at(ended), "outcome": "Success"})
    assert found is not None
    return found


SOAK = {"value": 2, "startTime": at(40), "endTime": at(55)}
KNEE: dict[str, Any] = {"stage": "knee", "of": "Users", "good": 2, "soak": SOAK, "steps": [
    {"value": 2, "startTime": at(10), "endTime": at(25), "failed": None},
    {"value": 4, "startTime": at(25), "endTime": at(40), "failed": "RequestLatency p99 must be …"}]}
RECORDS = (record("calm", 1, 2), record("knee", 10, 12), record("knee", 54, 57.5), record("lengths", 55, 58),
           record("lengths", 58, 61.25), record("hold", 62, 63), record("replay", 81.25, 82))


def bundle(*records: RecordedRequest, plan: Any = PLAN, **account: Any) -> Bundle:
    terms = replace(terms_from({"load": {"stages": STAGES}}, plan), workers=1)
    generator = generator_from({"worker": 0, "incarnation": "a", **account})
    return Bundle(terms=terms, plan=plan, start=START, requests=records, generators=(generator,))


def windows(given: Bundle) -> list[tuple[float | None, float | None]]:
    return [(one.start_seconds, one.end_seconds) for one in stages_as_run(given, given.requests, START)]


def test_a_knee_ends_with_its_soak_and_a_sweep_with_its_last_answer_and_what_follows_begins_there() -> None:
    assert windows(bundle(*RECORDS, knees=[KNEE])) == [(0, 10), (10, 55), (55, 61.25), (61.25, 81.25), (81.25, 111.25)]


def test_a_knee_whose_first_step_failed_ends_with_that_step() -> None:
    account = {**KNEE, "soak": None, "steps": KNEE["steps"][:1]}
    assert windows(bundle(*RECORDS, knees=[account]))[1:3] == [(10, 25), (25, 61.25)]


def test_of_two_records_of_a_knee_search_the_later_end_counts_in_any_order_of_reading() -> None:
    part = {**KNEE, "soak": None, "steps": KNEE["steps"][:1]}
    for accounts in ([part, KNEE], [KNEE, part]):
        assert windows(bundle(*RECORDS, knees=accounts))[1:3] == [(10, 55), (55, 61.25)]


def test_without_a_summary_of_the_worker_its_records_set_the_window() -> None:
    assert windows(bundle(*RECORDS))[1:3] == [(10, 54), (54, 61.25)]


def test_nothing_is_claimed_of_a_stage_that_left_no_trace() -> None:
    cut = bundle(*RECORDS[:3], knees=[])
    assert windows(cut) == [(0, 10), (10, 54), (54, None), (None, None), (None, None)]
    report = judge(cut)
    assert [(band.name, band.end_seconds) for band in report.stages] == [("calm", 10), ("knee", 54)]


def test_a_trace_without_a_plan_has_the_window_of_its_records() -> None:
    assert windows(bundle(*RECORDS, plan={}, knees=[KNEE]))[4] == (81.25, 82)


@pytest.mark.parametrize("knees", [[KNEE], []])
def test_the_report_draws_bands_and_planned_rates_where_stages_ran(knees: list[Any]) -> None:
    report = judge(bundle(*RECORDS, knees=knees))
    assert [band.name for band in report.stages] == ["calm", "knee", "lengths", "hold", "replay"]
    assert [row.stage for row in report.load] == ["calm", "knee", "lengths", "hold", "replay", "total"]
    planned = report.timeline.planned
    assert [planned[second] for second in (5, 30, 58, 62, 80)] == [1.0, None, None, 2.0, 2.0]


def test_records_are_kept_for_as_long_as_the_plan_let_the_load_last() -> None:
    window = window_of(bundle(*RECORDS))
    assert window is not None
    assert (window.last - START) / SECOND == 900 + 4 * 3600

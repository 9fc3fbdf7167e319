"""What is due in a warm-up is recorded and shown, and neither judged nor counted as missed."""

from dataclasses import replace
from typing import Any

import pytest

from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.evidence.warm_ups import WarmUp, warm_ups
from elastometer.analysis.requests.misses import measured_missed
from elastometer.analysis.verdict.judged import judge_objectives
from elastometer.model.bundle import Bundle
from elastometer.model.knee import KneeSeen, StepSeen
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import StageWindow, terms_from
from elastometer.model.units import SECOND
from elastometer.model.verdict import Verdict
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageType

START = 1_000 * SECOND


def request(number: int, at: float, took: float, stage: str = "level", task: str = "chat") -> RecordedRequest:
    intended = START + round(at * SECOND)
    end = intended + round(took * SECOND)
    return RecordedRequest(
        id=number, worker=0, stage=stage, task=task, intended=intended, send=intended, connect=None, first_byte=end,
        first_token=end, last_token=end, end=end, chunks=1, prompt_tokens=1, completion_tokens=1, finish_reason="stop",
        status=200, outcome=Outcome.SUCCESS, error=None, pod=None, address=None)


def bundle(requests: list[RecordedRequest], warmup: int, **objective: object) -> Bundle:
    """A level of 60 s whose first `warmup` seconds are not judged."""
    stage = {"name": "level", "type": "Concurrency", "concurrency": 2, "durationSeconds": 60}
    row: dict[str, Any] = {
        "name": "level", "type": "Concurrency", "startSeconds": 0.0, "startIsExact": True, "endSeconds": 60.0,
        "endIsExact": True, "lengthSeconds": 60.0, **({"warmupSeconds": warmup} if warmup else {})}
    limit = {"name": "o", "indicator": "RequestLatency", "percentile": 100, "maximumMilliseconds": 1000, **objective}
    spec = {"spec": {"load": {"stages": [stage]}, "objectives": [limit]}}
    return Bundle(terms=terms_from(spec, {"stages": [row]}), spec=spec, start=START,
                  requests=requests)


SLOW_FIRST = [request(0, 5.0, 3.0), request(1, 29.9, 3.0), request(2, 30.0, 0.5), request(3, 50.0, 0.9)]


@pytest.mark.parametrize(("warmup", "verdict", "count", "missed"), [
    (0, Verdict.FAIL, 4, {5, 29}), (29, Verdict.FAIL, 3, {29}), (30, Verdict.PASS, 2, set()),
])
def test_what_is_due_in_the_warm_up_is_not_judged(
    warmup: int, verdict: Verdict, count: int, missed: set[int]
) -> None:
    evidence = gather(bundle(SLOW_FIRST, warmup))
    assert (len(evidence.table), len(evidence.judged)) == (4, count)
    (result,) = judge_objectives(evidence, [], [], None)
    assert (result.verdict, result.count) == (verdict, count)
    words = {4: "", 3: "; 1 request due in a warm-up not judged", 2: "; 2 requests due in a warm-up not judged"}[count]
    assert result.message.partition(")")[2] == words
    assert measured_missed(evidence) == missed


def test_a_first_request_that_is_due_microseconds_before_the_recorded_start_is_in_the_warm_up() -> None:
    found = bundle([request(0, 9.999982, 0.5), request(1, 10.0, 0.5), request(2, 40.0, 0.5)], 29)
    (stage,) = found.terms.stages
    late = replace(found, terms=replace(found.terms, stages=(replace(stage, start_seconds=10.0, end_seconds=70.0),)))
    assert gather(late).judged["id"].to_list() == [2]


def test_each_step_and_the_soak_of_a_knee_have_their_own_warm_up() -> None:
    """Steps of 10 s from 5 s on, a soak from 25 s on, and a later stage that has none; 3 s of warm-up."""
    steps = tuple(StepSeen(value, START + at * SECOND, START + (at + 10) * SECOND, None)
                  for value, at in ((2, 5), (4, 15)))
    soak = StepSeen(4, START + 25 * SECOND, START + 45 * SECOND, None)
    search = KneeSeen("climb", "Users", 4, steps, soak)
    stages = [StageWindow("climb", 5.0, 45.0, None, None, StageType.KNEE, warmup_seconds=3.0),
              StageWindow("hold", 45.0, 60.0, 1.0, 1.0)]
    assert list(warm_ups(stages, [search, search], START)) == [
        WarmUp("climb", START + at * SECOND, START + (at + 3) * SECOND) for at in (5, 15, 25)]
    assert list(warm_ups(stages, [], START)) == []


def test_a_warm_up_says_nothing_about_the_requests_of_another_stage() -> None:
    evidence = gather(bundle([*SLOW_FIRST, request(4, 10.0, 0.1, stage="before")], 30))
    assert evidence.judged["id"].to_list() == [4, 2, 3]

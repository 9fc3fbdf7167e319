"""Requests in memory as a run would have recorded them, for tests of what is made of them."""
from __future__ import annotations

from collections.abc import Iterable

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import RequestRows, in_order, table_of
from elastometer.model.terms import Objective, StageWindow, Terms
from elastometer.model.units import SECOND
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageType


def request(
    number: int, at: float, seconds: float, *, stage: str = "all", pod: str | None = None,
    outcome: Outcome = Outcome.SUCCESS,
) -> RecordedRequest:
    """Wanted and sent `at` seconds from the start of the load, and ended so many `seconds` later."""
    sent, end = round(at * SECOND), round((at + seconds) * SECOND)
    first = (sent + end) // 2 if outcome is Outcome.SUCCESS else None
    return RecordedRequest(
        id=number, worker=0, stage=stage, task="poem", intended=sent, send=sent, connect=None, first_byte=first,
        first_token=first, last_token=end if first else None, end=end, chunks=2, prompt_tokens=1, completion_tokens=2,
        finish_reason="stop", status=200, outcome=outcome, error=None, pod=pod, address=None)


def stage(name: str, start: float, end: float) -> StageWindow:
    """One that ran from `start` to `end`."""
    return StageWindow(name, start, end, None, None, StageType.CONCURRENCY, end - start)


def evidence_of(
    records: Iterable[RecordedRequest], *stages: StageWindow, objectives: tuple[Objective, ...] = (),
) -> Evidence:
    """A run that consists of its requests and stages."""
    return Evidence(
        terms=Terms(stages=stages, objectives=objectives, minimum_replicas=1, maximum_replicas=4), origin=0,
        has_origin=True, stages=stages, requests=RequestRows(in_order(table_of(list(records)))))

"""Requests with what was found in their answers, for tests of the tables that are made of them."""
from __future__ import annotations

from typing import Any

from elastometer.analysis.evidence.evidence import Evidence, gather
from elastometer.model.bundle import Bundle
from elastometer.model.knee import KneeSeen
from elastometer.model.request import GeneratorSummary, RecordedRequest, request_from
from elastometer.model.terms import terms_from
from elastometer.model.units import SECOND, format_instant, instant_or_none
from elastometer_loadgen.base.turns import turn_id

START = instant_or_none("2026-01-01T00:00:00Z") or 0


def answered(number: int, checks: dict[str, str | None] | None = None, *, stage: str = "calm", task: str = "chat",
             turn: int = 1, at: float | None = None, lasts: float = 1.0, **more: Any) -> RecordedRequest:
    """One request a second that succeeded, sent when it was intended; `more` are keys of the record's line."""
    sent = float(number) if at is None else at
    found = request_from({
        "id": turn_id(number, turn), "stage": stage, "task": task, "outcome": "Success", "fingerprint": "7a2f",
        "intendedTime": time(sent), "sendTime": time(sent), "endTime": time(sent + lasts), "finishReason": "stop",
        "checks": checks, **more})
    assert found is not None
    return found


def time(seconds: float) -> str:
    return format_instant(START + round(seconds * SECOND))


def evidence_of(requests: list[RecordedRequest], *tasks: dict[str, Any], knees: tuple[KneeSeen, ...] = (),
                objectives: tuple[dict[str, Any], ...] = ()) -> Evidence:
    """Of a run with these tasks in its spec."""
    test = {"spec": {"load": {"tasks": list(tasks)}, "objectives": list(objectives)}}
    generator = GeneratorSummary(0, "a", None, None, None, None, False, None, None, None, None, knees)
    return gather(Bundle(terms=terms_from(test), spec=test, start=START, requests=tuple(requests),
                         generators=(generator,) if knees else ()))

"""Requests with what was found in their answers, for tests of the tables that are made of them."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from elastometer.analysis.analyze import judge
from elastometer.analysis.evidence.evidence import Evidence, gather
from elastometer.model.bundle import Bundle
from elastometer.model.knee import KneeSeen
from elastometer.model.report import Report
from elastometer.model.request import GeneratorSummary, RecordedRequest, request_from
from elastometer.model.terms import Terms, terms_from
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
                objectives: tuple[dict[str, Any], ...] = (), stages: tuple[dict[str, Any], ...] = ()) -> Evidence:
    """Of a run with these tasks in its spec."""
    test = {"spec": {"load": {"tasks": list(tasks), "stages": list(stages)}, "objectives": list(objectives)}}
    generator = GeneratorSummary(0, "a", None, None, None, None, False, None, None, None, None, knees)
    return gather(Bundle(terms=terms_from(test), spec=test, start=START, requests=tuple(requests),
                         generators=(generator,) if knees else ()))


def recall_task(distance: int) -> dict[str, Any]:
    """A turn that gives a fact, so many turns of other things, and one that asks for the fact."""
    between = [message for number in range(distance) for message in (
        {"role": "user", "content": f"Go on, {number}."}, {"role": "assistant", "generated": True})]
    return {"name": f"after-{distance}", "messages": [
        {"role": "user", "content": "{{ canary }} Remember: the code is seven."},
        {"role": "assistant", "generated": True}, *between, {"role": "user", "content": "What was it?"}],
        "checks": [{"type": "Recall", "fact": "the code is seven"}]}


def conversation(number: int, distance: int, *, forgotten: bool, tokens: int | None = 40) -> list[RecordedRequest]:
    """All turns of one such conversation; its prompts grow by so many tokens a turn."""
    last, failure = distance + 2, f"Forgotten:{distance + 1}" if forgotten else None
    return [answered(number, {"Recall": failure} if turn == last else None, task=f"after-{distance}", turn=turn,
                     stage="recall", promptTokens=None if tokens is None else 10 + tokens * turn)
            for turn in range(1, last + 1)]


def blank_report(**parts: Any) -> Report:
    """A report on a run of which nothing is known but these parts."""
    return replace(judge(Bundle(terms=Terms())), **parts)

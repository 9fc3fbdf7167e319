"""On 50 streams at once, every answer that the stand-in breaks is caught by its class; no clean one is blamed."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import uvloop

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.checks.fingerprint import FingerprintRule
from elastometer_loadgen.checks.rate import CheckTally
from elastometer_loadgen.gauges.inspection import Inspection
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule, parse_profile
from elastometer_loadgen.wire.client import Client, Limits, Route
from elastometer_loadgen.wire.exchange import Exchange

StandIn = Callable[..., AbstractContextManager[str]]
STREAMS = 50
BROKEN_ANSWERS, CLEAN_ANSWERS = 3_000, 10_000
# Each of the faults that can strike a task: some seven of them make 3 % of its answers.
RATE = 0.0036
CAUGHT_AS = {
    "truncate": ("Truncation", "NoDone"),
    "cut": ("Truncation", "CutByLength"),
    "crosstalk": ("Crosstalk", "ForeignCanary"),
    "other-task": ("Crosstalk", "OtherTask"),
    "wrong-label": ("Label", "UnknownLabel"),
    "label-case": ("Label", "LabelCase"),
    "not-json": ("JSONSchema", "NotJSON"),
    "json-in-text": ("JSONSchema", "TextAroundJSON"),
    "cut-json": ("JSONSchema", "UnfinishedJSON"),
    "missing-field": ("JSONSchema", "MissingField:name"),
    "field-case": ("JSONSchema", "FieldCase:name"),
    "string-for-array": ("JSONSchema", "StringForArray:skills"),
    "quoted-number": ("JSONSchema", "QuotedNumber:age"),
    "repeat": ("Repetition", "Repeats"),
    "short": ("MinimumTokens", "TooShort"),
    "forget": ("Recall", "Forgotten"),
}
SCHEMA = {
    "type": "object",
    "required": ["name", "age", "skills"],
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "skills": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": False,
}
ALWAYS = [{"type": "Crosstalk"}, {"type": "Truncation"}]
TEXT = [*ALWAYS, {"type": "Repetition", "maximumShare": "0.3"}, {"type": "MinimumTokens", "minimum": 8}]


def task(name: str, messages: list[str], checks: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    turns = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(messages)]
    return {"name": name, "messages": turns, "maximumTokens": 64, "checks": checks, **more}


PROFILE = parse_profile(
    {
        "seed": 11,
        "stages": [{"name": "s", "type": "Rate", "durationSeconds": 1, "endRequestsPerSecond": "1"}],
        "tasks": [
            task("chat", ["{{ canary }} Tell me a story."], TEXT),
            task(
                "recall",
                ["{{ canary }} Remember: the code is {{ code }}.", "I will.", "How are you?", "Well.", "What was it?"],
                [*TEXT, {"type": "Recall", "fact": "the code is {{ code }}"}],
                dataset={"inline": [{"code": "seven"}, {"code": "Lima"}]},
            ),
            task(
                "emotion",
                ["{{ canary }} I am {{ mood }} today. Answer with one of: happy, sad."],
                [*ALWAYS, {"type": "Label", "labels": ["happy", "sad"], "expected": "{{ mood }}"}],
                dataset={"inline": [{"mood": "happy"}, {"mood": "sad"}]},
            ),
            task(
                "extract",
                ["{{ canary }} Extract the person."],
                [*ALWAYS, {"type": "JSONSchema", "schema": SCHEMA}],
                responseFormat="JSONSchema",
                weight=3,
            ),
        ],
    }
)


async def ask(url: str, answers: int) -> tuple[dict[int, dict[str, str | None]], dict[int, Outcome]]:
    """Findings and outcomes by request, of so many answers; a stream that ends is followed by the next at once."""
    prompts = PromptSource(PROFILE, None)
    inspection = Inspection(FingerprintRule(), CheckTally(), print)
    findings: dict[int, dict[str, str | None]] = {}
    outcomes: dict[int, Outcome] = {}
    all_over = asyncio.get_running_loop().create_future()
    to_send = iter(range(answers))

    def send() -> None:
        for number in islice(to_send, 1):
            now = monotonic()
            client.send(Exchange(Arrival(number, 0.0, "s"), prompts.prompt(number), now, now))

    def ended(exchange: Exchange) -> None:
        findings[exchange.arrival.id] = inspection.inspect(exchange).findings or {}
        outcomes[exchange.arrival.id] = exchange.outcome or Outcome.MALFORMED
        send()
        if len(findings) == answers:
            all_over.set_result(None)

    route = Route(parse_target(url), "/v1/chat/completions", ConnectionRule(ConnectionPolicy.REUSE))
    client = Client(route, Limits(50, 20), ended)
    for _ in range(STREAMS):
        send()
    assert client.in_flight == STREAMS
    await all_over
    client.close()
    return findings, outcomes


def run(url: str, answers: int) -> tuple[dict[int, dict[str, str | None]], dict[int, Outcome]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(ask(url, answers))


@pytest.mark.timeout(120)
def test_every_broken_answer_is_caught_by_its_class_and_no_other_is_blamed(tmp_path: Path, standin: StandIn) -> None:
    rates = [f"--standin-{fault}-rate={RATE}" for fault in CAUGHT_AS]
    with standin(tmp_path / "log", "--standin-answer-tokens=24", *rates) as url:
        findings, _ = run(url, BROKEN_ANSWERS)
        log = (tmp_path / "log").read_text()
    struck = {int(number): fault for number, fault in re.findall(r"request \w+-(\d+)-\w+: injected (\S+)", log)}
    assert set(struck.values()) == set(CAUGHT_AS), "a fault that never struck was not tested"
    assert 0.025 < len(struck) / BROKEN_ANSWERS < 0.035
    wrong = {
        request: (fault, findings[request])
        for request, fault in struck.items()
        if CAUGHT_AS[fault] not in findings[request].items()
    }
    assert not wrong
    assert {request for request, found in findings.items() if any(found.values())} == set(struck)


@pytest.mark.timeout(120)
def test_no_clean_answer_of_ten_thousand_is_blamed(tmp_path: Path, standin: StandIn) -> None:
    with standin(tmp_path / "log", "--standin-answer-tokens=16") as url:
        findings, outcomes = run(url, CLEAN_ANSWERS)
    assert set(outcomes.values()) == {Outcome.SUCCESS}
    assert len(findings) == CLEAN_ANSWERS
    assert all(findings.values()), "an answer that no check judged proves nothing"
    assert not [found for found in findings.values() if any(found.values())]

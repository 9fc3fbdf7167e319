"""From prompt to finding: marks are the request's own, texts are kept only where wanted, lines go where due."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from elastometer_loadgen.base.record import Repeat
from elastometer_loadgen.checks.rate import CheckTally
from elastometer_loadgen.gauges.inspection import Inspection
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import Profile, parse_profile
from elastometer_loadgen.wire.answer import Answer
from elastometer_loadgen.wire.ending import Ending
from elastometer_loadgen.wire.exchange import Exchange

STAGE = {"name": "s", "type": "Rate", "durationSeconds": 5, "endRequestsPerSecond": "1"}
LABEL = {"type": "Label", "labels": ["happy", "sad"], "expected": "{{ mood }}"}
EMOTION = {
    "name": "emotion",
    "prompt": "{{ canary }} I feel {{ mood }}.",
    "dataset": {"inline": [{"mood": "happy"}]},
    "checks": [LABEL, {"type": "Crosstalk"}],
}
PLAIN = {"name": "plain", "prompt": "Tell."}


def profile(*tasks: dict[str, Any], **more: Any) -> Profile:
    return parse_profile({"endpoint": "Completions", "stages": [STAGE], "tasks": list(tasks), **more})


def events(pieces: Sequence[str], finish: str | None = "stop") -> bytes:
    choices: list[dict[str, Any]] = [{"text": piece, "finish_reason": None} for piece in pieces]
    choices.append({"text": "", "finish_reason": finish})
    return b"".join(b"data: " + orjson.dumps({"choices": [c]}) + b"\n\n" for c in choices) + b"data: [DONE]\n\n"


def ended(source: PromptSource, request_id: int, pieces: Sequence[str]) -> Exchange:
    prompt = source.prompt(request_id)
    exchange = Exchange(Arrival(request_id, 0.0, "ramp"), prompt, 1.0, 1.0)
    exchange.status = 200
    exchange.take_body(events(pieces), 2.0)
    exchange.settle(Ending.COMPLETE, 2.0)
    return exchange


def inspection(given: Profile, lines: list[str]) -> Inspection:
    return Inspection(given.fingerprints, CheckTally(), lambda _, line: lines.append(line))


def test_each_request_carries_a_mark_of_its_own_that_proves_itself() -> None:
    source = PromptSource(profile(EMOTION), "m")
    prompts = [source.prompt(number) for number in range(50)]
    assert len({prompt.canary for prompt in prompts}) == 50
    for number, prompt in enumerate(prompts):
        assert prompt.canary == f"[REQ-{prompt.fingerprint}-{number}]"
        assert orjson.loads(prompt.body)["prompt"] == f"{prompt.canary} I feel happy."
        assert source.is_canary(prompt.canary)


@pytest.mark.parametrize("mark", ["[REQ-7]", "[REQ-0000-1]", "[REQ-x-]", "[REQ--1]", "[REQ-0000-" + "9" * 40 + "]"])
def test_a_mark_that_no_request_has_is_not_of_this_run(mark: str) -> None:
    assert not PromptSource(profile(EMOTION), "m").is_canary(mark)


def test_a_prompt_without_checks_is_as_it_was_and_keeps_no_text() -> None:
    prompt = PromptSource(profile(PLAIN), "m").prompt(0)
    assert (prompt.canary, prompt.contract, prompt.keeps_text) == ("", None, False)
    assert set(orjson.loads(prompt.body)) == {"model", "prompt", "max_tokens", "stream", "stream_options"}


@pytest.mark.parametrize(
    ("checks", "keeps"),
    [
        ([{"type": "Truncation"}, {"type": "MinimumTokens", "minimum": 1}], False),
        ([{"type": "Repetition", "maximumShare": "1"}], True),
        ([{"type": "Crosstalk"}], True),
    ],
)
def test_text_is_kept_only_where_a_check_reads_it(checks: list[dict[str, Any]], keeps: bool) -> None:
    assert PromptSource(profile(PLAIN | {"checks": checks}), "m").prompt(0).keeps_text is keeps


def test_text_is_kept_where_a_line_is_due() -> None:
    source = PromptSource(profile(PLAIN, fingerprints={"lines": "Sampled", "samplePercent": "50"}), "m")
    prompts = [source.prompt(number) for number in range(100)]
    assert {prompt.keeps_text for prompt in prompts} == {True, False}
    assert all(prompt.keeps_text == (int(prompt.fingerprint, 16) < 32768) for prompt in prompts)


def test_a_schema_is_sent_as_the_response_format_where_asked() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    task = PLAIN | {"checks": [{"type": "JSONSchema", "schema": schema}], "responseFormat": "JSONSchema"}
    body = orjson.loads(PromptSource(profile(task), "m").prompt(0).body)
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "plain", "schema": schema}}
    body = orjson.loads(PromptSource(profile(PLAIN | {"responseFormat": "JSONObject"}), "m").prompt(0).body)
    assert body["response_format"] == {"type": "json_object"}


def test_a_foreign_answer_is_found_and_counted() -> None:
    given = profile(EMOTION)
    source, lines = PromptSource(given, "m"), list[str]()
    desk = inspection(given, lines)
    own, other = source.prompt(0).canary, source.prompt(1).canary
    assert desk.inspect(ended(source, 0, [own, " hap", "py"])).findings == {"Label": None, "Crosstalk": None}
    assert desk.inspect(ended(source, 0, [own, " sad"])).findings == {"Label": "WrongLabel", "Crosstalk": None}
    assert desk.inspect(ended(source, 0, [other, " happy"])).findings == {"Label": None, "Crosstalk": "ForeignCanary"}
    rows = {row["check"]: (row["judged"], row["failed"]) for row in desk.tally.rows(with_rates=True)}
    assert rows == {"Label": (3, 1), "Crosstalk": (3, 1)}
    assert lines == []


def test_a_lost_request_has_no_findings() -> None:
    given = profile(EMOTION)
    exchange = Exchange(Arrival(0, 0.0, "ramp"), PromptSource(given, "m").prompt(0), 1.0, 1.0)
    exchange.settle(Ending.UNREACHABLE, 2.0)
    desk = inspection(given, [])
    assert desk.inspect(exchange) == (None, None, 0)
    assert desk.tally.rows(with_rates=True) == []


def test_lines_tell_every_request_or_the_sample_and_all_failures() -> None:
    everything = profile(EMOTION, fingerprints={"lines": "All", "charactersShown": 100})
    source, lines = PromptSource(everything, "m"), list[str]()
    prompt = source.prompt(0)
    inspection(everything, lines).inspect(ended(source, 0, [prompt.canary, " happy"]))
    wanted = f'[REQ-{prompt.fingerprint}-0] TASK=emotion INPUT="{prompt.canary} I feel happy." → OUTPUT='
    assert lines == [f'{wanted}"{prompt.canary} happy"']
    failures = profile(EMOTION, fingerprints={"lines": "Sampled", "samplePercent": "0"})
    source, lines = PromptSource(failures, "m"), []
    desk = inspection(failures, lines)
    desk.inspect(ended(source, 0, ["happy"]))
    assert lines == []
    desk.inspect(ended(source, 0, ["happy-ish"]))
    assert len(lines) == 1
    assert lines[0].endswith('OUTPUT="happy-ish" FAILED=Label:LabelInText')


def test_the_kept_text_is_what_arrived_and_the_counts_are_as_without_it() -> None:
    pieces = ["", "一", ' "quoted"', "\n", "end"]
    data = events(pieces)
    kept, counted = Answer(keeps_text=True), Answer()
    for start in range(0, len(data), 7):
        kept.feed(data[start : start + 7], float(start))
        counted.feed(data[start : start + 7], float(start))
    assert kept.text == "".join(pieces)
    assert counted.text is None
    for name in ("chunks", "first_token_at", "last_token_at", "finish_reason", "done", "malformed"):
        assert getattr(kept, name) == getattr(counted, name)


def test_reasoning_is_no_part_of_the_answer() -> None:
    answer = Answer(keeps_text=True)
    for delta in ({"reasoning_content": "hm"}, {"content": "yes"}):
        answer.feed(b"data: " + orjson.dumps({"choices": [{"delta": delta}]}) + b"\n\n", 1.0)
    assert (answer.text, answer.chunks) == ("yes", 2)


def test_a_text_beyond_the_bound_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elastometer_loadgen.wire.answer.MAX_TEXT_CHARACTERS", 10)
    answer = Answer(keeps_text=True)
    answer.feed(events(["x" * 6, "y" * 6, "z"]), 1.0)
    assert (answer.text, answer.chunks, answer.done) == (None, 3, True)


def test_an_answer_is_measured_where_its_text_is_kept() -> None:
    given = profile(PLAIN | {"checks": [{"type": "Repetition", "maximumShare": "0.4"}]}, PLAIN | {"name": "unread"})
    source, desk = PromptSource(given, "m"), inspection(given, [])
    numbers = {source.prompt(number).task: number for number in range(50)}
    found = desk.inspect(ended(source, numbers["plain"], ["a b c d e f ", "a b c d e f"]))
    assert found == ({"Repetition": "Repeats"}, Repeat(0.5, 2, (0.0, 0.0, 0.0, 1.0)), 23)
    assert desk.inspect(ended(source, numbers["plain"], ["short"])) == ({"Repetition": None}, None, 5)
    assert desk.inspect(ended(source, numbers["unread"], ["a b c"])) == (None, None, None)

"""What a request says depends on the seed and its number, and on nothing else."""

from collections import Counter
from typing import Any

import orjson

from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import Profile, parse_profile

STAGES = [{"name": "s", "type": "Rate", "durationSeconds": 1, "endRequestsPerSecond": "1"}]


def profile(seed: int = 7) -> Profile:
    return parse_profile({
        "seed": seed,
        "tasks": [
            {"name": "poem", "weight": 3, "messages": [{"role": "user", "content": "About {{ theme }}."}],
             "dataset": {"inline": [{"theme": "autumn"}, {"theme": 'a "quoted" sea\n'}]},
             "maximumTokens": {"minimum": 64, "maximum": 67},
             "sampling": {"temperature": {"minimum": "0.7", "maximum": "0.9"}, "repetitionPenalty": "1.1"}},
            {"name": "fact", "prompt": "Say one fact."},
        ],
        "stages": STAGES,
    })


def bodies(seed: int, count: int = 4000) -> list[dict[str, Any]]:
    source = PromptSource(profile(seed), "qwen")
    return [orjson.loads(source.prompt(number).body) for number in range(count)]


def test_the_same_number_asks_the_same_in_any_order() -> None:
    forwards, backwards = PromptSource(profile(), "m"), PromptSource(profile(), "m")
    expected = [forwards.prompt(number) for number in range(50)]
    assert [backwards.prompt(number) for number in reversed(range(50))] == expected[::-1]
    assert [forwards.task_of(Arrival(number, 0.0, "s")) for number in range(50)] == [prompt.task for prompt in expected]


def test_another_seed_asks_something_else() -> None:
    assert bodies(1, 20) != bodies(2, 20)


def test_tasks_rows_and_ranges_are_drawn_evenly() -> None:
    drawn = bodies(7)
    texts = Counter(body["messages"][0]["content"] for body in drawn)
    assert set(texts) == {"About autumn.", 'About a "quoted" sea\n.', "Say one fact."}
    assert abs(texts["Say one fact."] - 1000) < 150
    assert abs(texts["About autumn."] - 1500) < 150
    poems = [body for body in drawn if "temperature" in body]
    assert set(Counter(body["max_tokens"] for body in poems)) == {64, 65, 66, 67}
    assert 0.7 <= min(body["temperature"] for body in poems) < 0.71
    assert 0.89 < max(body["temperature"] for body in poems) <= 0.9
    assert {body["repetition_penalty"] for body in poems} == {1.1}


def test_every_request_streams_and_asks_for_usage() -> None:
    body = bodies(7, 1)[0]
    assert body["model"] == "qwen"
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


def test_a_model_that_nobody_named_is_left_to_the_server() -> None:
    assert b'"model"' not in PromptSource(profile()).prompt(0).body


def test_a_fingerprint_is_four_hex_digits() -> None:
    prints = {PromptSource(profile()).prompt(number).fingerprint for number in range(100)}
    assert len(prints) > 90
    assert all(len(print_) == 4 and int(print_, 16) >= 0 for print_ in prints)

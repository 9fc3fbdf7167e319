"""What a request says depends on the seed and its number, and on nothing else."""

from collections import Counter
from typing import Any

import orjson

from elastometer_loadgen.plan.draws import draw
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


def of_task(**task: Any) -> PromptSource:
    return PromptSource(parse_profile({"seed": 7, "tasks": [{"name": "t", **task}], "stages": STAGES}), "m")


def test_generated_prompts_have_their_drawn_length_and_begin_alike_nowhere() -> None:
    source = of_task(inputTokens={"minimum": 100, "maximum": 103}, maximumTokens=9, ignoreEndOfText=True,
                     sampling={"temperature": "0.7"})
    prompts = [source.prompt(number) for number in range(300)]
    asked = [orjson.loads(prompt.body) for prompt in prompts]
    texts = [body["messages"][0]["content"] for body in asked]
    assert {len(text.split()) for text in texts} == {100, 101, 102, 103}
    assert len({text[:44] for text in texts}) == 300
    assert [prompt.input_characters for prompt in prompts] == list(map(len, texts))
    assert all((body["max_tokens"], body["ignore_eos"], body["temperature"]) == (9, True, 0.7) for body in asked)


def test_a_generated_prompt_is_plain_text_where_the_endpoint_is_that_of_completions() -> None:
    document = {"endpoint": "Completions", "tasks": [{"name": "t", "inputTokens": 12}], "stages": STAGES}
    body = orjson.loads(PromptSource(parse_profile(document)).prompt(3).body)
    assert len(body["prompt"].split()) == 12
    assert "ignore_eos" not in body


def test_penalties_are_drawn_between_their_bounds_which_may_lie_below_zero() -> None:
    spans = {"frequencyPenalty": {"minimum": "-1", "maximum": "1"}, "presencePenalty": "-0.5"}
    source = of_task(prompt="x", sampling=spans)
    asked = [orjson.loads(source.prompt(number).body) for number in range(400)]
    drawn = [body["frequency_penalty"] for body in asked]
    assert -1 <= min(drawn) < -0.95 < 0.95 < max(drawn) <= 1
    assert {body["presence_penalty"] for body in asked} == {-0.5}


def test_each_of_equal_prompts_gets_a_seed_of_its_own_and_the_same_one_when_it_is_repeated() -> None:
    first, again = (of_task(prompt="x", sampling={"seed": "PerRequest"}) for _ in range(2))
    seeds = [orjson.loads(first.prompt(number).body)["seed"] for number in range(500)]
    assert len(set(seeds)) == 500
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert [orjson.loads(again.prompt(number).body)["seed"] for number in range(500)] == seeds
    assert b"seed" not in of_task(prompt="x").prompt(0).body


def test_new_fields_leave_the_requests_of_a_profile_without_them_as_they_were() -> None:
    """The draws of version 0.1.0 for seed 7 and request 17."""
    assert draw(7, 17)[6] == 0x7d14


def test_a_request_knows_its_group_its_limit_and_the_characters_of_its_last_user_message() -> None:
    source = of_task(
        messages=[{"role": "system", "content": "Be brief."},
                  {"role": "user", "content": "{{ canary }} 说说{{ theme }}。"}],
        dataset={"inline": [{"theme": "大海", "kind": "k" * 200}]}, groupBy="kind", maximumTokens=5)
    prompt = source.prompt(3)
    said = orjson.loads(prompt.body)["messages"][1]["content"]
    assert said == f"{prompt.canary} 说说大海。"
    assert (prompt.input_characters, prompt.requested_tokens, prompt.group) == (len(said), 5, "k" * 128)


def test_the_schema_that_is_sent_holds_the_values_of_the_row() -> None:
    schema = {"properties": {"name": {"const": "{{ name }}"}, "age": {"type": "integer", "const": "{{ age }}"}}}
    source = of_task(prompt="{{ name }}, {{ age }}", dataset={"inline": [{"name": "Ada", "age": 36}]},
                     responseFormat="JSONSchema", checks=[{"type": "JSONSchema", "schema": schema}])
    sent = orjson.loads(source.prompt(0).body)["response_format"]["json_schema"]["schema"]
    assert sent["properties"] == {"name": {"const": "Ada"}, "age": {"type": "integer", "const": 36}}

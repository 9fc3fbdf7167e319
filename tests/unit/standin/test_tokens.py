"""Answers are fixed by the request, and JSON is JSON."""

import json
from typing import Any

import pytest

from elastometer_standin.answers.instances import json_answer
from elastometer_standin.api import parse_call
from elastometer_standin.settings import Settings
from elastometer_standin.tokens import Answer, count_chat_tokens, count_text_tokens, request_key, write_answer


def answer(prompt: str, max_tokens: int, seed: int | None = None, **options: int | bool) -> Answer:
    key = request_key(prompt, seed)
    return write_answer(prompt, key, max_tokens=max_tokens, mean=100, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("é" * 8, 2)])
def test_four_characters_make_a_token(text: str, tokens: int) -> None:
    assert count_text_tokens(text) == tokens


def test_a_chat_costs_its_texts_and_its_template() -> None:
    assert count_chat_tokens([("user", "abcdefgh"), ("assistant", "")]) == 3 + (4 + 1 + 2) + (4 + 3 + 0)


def test_the_same_request_gets_the_same_answer_and_another_seed_another() -> None:
    assert answer("hello", 50, 1) == answer("hello", 50, 1)
    assert answer("hello", 50, 1) != answer("hello", 50, 2)
    assert answer("hello", 50) != answer("hullo", 50)


def test_max_tokens_only_cuts_and_never_changes_the_words() -> None:
    long, short = answer("hello", 2000), answer("hello", 10)
    assert short.cut
    assert short.pieces == long.pieces[:10]
    assert not long.cut
    assert long.pieces[-1] == "", "the last token of a whole answer is the end of text"
    assert 50 <= long.tokens <= 150


def test_ignore_eos_writes_exactly_max_tokens_even_past_the_ring() -> None:
    whole = answer("hello", 10_000, ignore_eos=True)
    assert whole.tokens == 10_000
    assert whole.cut
    assert all(whole.pieces)


def test_a_long_answer_does_not_repeat_itself() -> None:
    whole = answer("hello", 32_768, ignore_eos=True).pieces
    runs = [whole[index : index + 6] for index in range(len(whole) - 5)]
    assert len(set(runs)) == len(runs)


def test_min_tokens_are_written_before_the_end_of_text() -> None:
    assert answer("hello", 1000, min_tokens=400).tokens == 401


def test_the_canary_of_the_prompt_comes_back_even_in_one_token() -> None:
    assert answer("say [REQ-a1b2] twice", 1).pieces == ("[REQ-a1b2]",)


def in_json(prompt: str, form: dict[str, Any]) -> Any:
    call = parse_call({"prompt": prompt, "max_tokens": 1000, "response_format": form}, Settings(), chat=False)
    return json.loads("".join(json_answer(call).pieces))


def test_a_json_answer_is_json_and_carries_the_canary() -> None:
    assert in_json("x [REQ-77]", {"type": "json_object"})["request"] == "[REQ-77]"


def test_a_json_answer_fits_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "label": {"enum": ["red", "blue"]},
            "count": {"type": "integer", "minimum": 3},
            "tags": {"type": "array", "items": {"type": "string"}},
            "sure": {"type": "boolean"},
        },
    }
    value = in_json("x", {"type": "json_schema", "json_schema": {"schema": schema}})
    assert value["label"] in ("red", "blue")
    assert value["count"] == 3
    assert isinstance(value["tags"][0], str)
    assert isinstance(value["sure"], bool)

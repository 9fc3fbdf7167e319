"""Whatever the model answers stands word for word in the history of the next turn, and each turn has its own number."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer_loadgen.base.turns import MAX_TURNS, conversation_of, turn_id, turn_of
from elastometer_loadgen.base.users import FIRST_CLOSED_ID, request_id
from elastometer_loadgen.drive.conversations import unfinished_conversations
from elastometer_loadgen.plan.prompts import CANARY_SLOT, PromptSource
from elastometer_loadgen.profile.profile import Profile, parse_profile

HOSTILE = st.sampled_from(['"}]', "[REQ-0000-1]", CANARY_SLOT, "{{ canary }}", "\0\n\\"])
ANSWERS = st.lists(st.text(max_size=40) | HOSTILE, min_size=1, max_size=8)
FIRST_IDS = st.integers(0, 10**7) | st.builds(
    request_id, st.integers(0, 255), st.integers(0, 9_999), st.integers(0, 2**24 - 1)
)


def conversation(turns: int, weight: int = 1) -> Profile:
    own: list[dict[str, Any]] = [{"role": "assistant", "generated": True}]
    asks = [[{"role": "user", "content": f"{{{{ canary }}}} question {turn}"}] for turn in range(1, turns + 1)]
    messages = sum((own + ask for ask in asks[1:]), asks[0])
    tasks = [{"name": "talk", "weight": weight, "messages": messages}, {"name": "single", "prompt": "x"}]
    stage = {"name": "s", "type": "Rate", "durationSeconds": 1, "endRequestsPerSecond": "1"}
    return parse_profile({"seed": 5, "tasks": tasks, "stages": [stage]})


@settings(max_examples=100, deadline=None)
@given(FIRST_IDS, st.integers(1, MAX_TURNS), FIRST_IDS, st.integers(1, MAX_TURNS))
def test_two_turns_have_one_number_only_if_they_are_the_same(one: int, turn: int, other: int, later: int) -> None:
    number = turn_id(one, turn)
    assert (conversation_of(number), turn_of(number)) == (one, turn)
    assert (number == turn_id(other, later)) == ((one, turn) == (other, later))
    assert (conversation_of(number) >= FIRST_CLOSED_ID) == (one >= FIRST_CLOSED_ID)


@settings(max_examples=60, deadline=None)
@given(ANSWERS)
def test_the_history_holds_questions_and_answers_word_for_word_in_order(answers: list[str]) -> None:
    source = PromptSource(conversation(len(answers) + 1, weight=1_000_000), "m")
    prompt = source.prompt(7)
    expected = [{"role": "user", "content": f"{prompt.canary} question 1"}]
    for turn, answer in enumerate(answers, 2):
        prompt = source.turn(turn_id(7, turn), prompt, answer)
        expected += [{"role": "assistant", "content": answer},
                     {"role": "user", "content": f"{prompt.canary} question {turn}"}]
        assert orjson.loads(prompt.body)["messages"] == expected
    assert source.is_canary(prompt.canary)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 500), st.tuples(st.integers(1, 3), st.booleans()), max_size=40))
def test_of_conversations_that_a_restart_finds_every_turn_is_done_skipped_or_unsent(
    found: dict[int, tuple[int, bool]],
) -> None:
    source = PromptSource(conversation(3))
    talks = {number: last for number, last in found.items() if source.turns(number) == 3}
    left = unfinished_conversations(talks, source.turns)
    done = sum(turn for turn, _ in talks.values())
    assert done + left.skipped_turns + left.unsent_turns == 3 * len(talks)
    assert left.cut == sum(answered and turn < 3 for turn, answered in talks.values())

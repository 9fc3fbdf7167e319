"""How much of a conversation is remembered, by the turns and the tokens between a fact and the question for it."""
from __future__ import annotations

from elastometer.analysis.requests.recall import recall_of
from elastometer.model.answer_tables import Recall
from support.answered import answered, conversation, evidence_of, recall_task


def recall(*cases: tuple[int, int, int]) -> Recall:
    """(distance, recalled, forgotten) each."""
    requests = [request for at, (distance, recalled, lost) in enumerate(cases) for number in range(recalled + lost)
                for request in conversation(1000 * at + number, distance, forgotten=number >= recalled)]
    found = recall_of(evidence_of(requests, *(recall_task(distance) for distance, _, _ in cases)))
    assert found is not None
    return found


def test_rows_are_in_order_of_the_distance_with_its_turns_and_tokens():
    found = recall((8, 15, 5), (1, 20, 0), (4, 19, 1))
    assert [(row.task, row.turns, row.recalled and row.recalled.hits) for row in found.rows] == [
        ("after-1", 1, 20), ("after-4", 4, 19), ("after-8", 8, 15)]
    assert [row.tokens and (row.tokens.count, row.tokens.p50.value) for row in found.rows] == [
        (20, 80), (20, 200), (20, 360)]


def test_forgetting_begins_at_the_distance_from_which_every_one_is_below_90_percent():
    found = recall((1, 20, 0), (2, 17, 3), (4, 20, 0), (8, 3, 17), (10, 0, 20))
    assert found.forgets is not None
    assert (found.forgets.turns, found.forgets.tokens, found.forgets.recalled.hits) == (8, 360, 3)
    assert found.forgets.is_proven


def test_17_of_20_are_below_90_percent_without_proving_it():
    found = recall((1, 20, 0), (4, 17, 3))
    assert found.forgets is not None
    assert (found.forgets.turns, found.forgets.recalled.interval.high, found.forgets.is_proven) == (4, 94.7631, False)


def test_a_fact_that_is_recalled_at_the_longest_distance_is_not_forgotten():
    assert recall((1, 5, 15), (10, 18, 2)).forgets is None


def test_a_conversation_whose_answers_the_test_wrote_has_no_distance():
    written = {"name": "after-0", "checks": [{"type": "Recall", "fact": "seven"}], "messages": [
        {"role": "user", "content": "It is seven."}, {"role": "assistant", "content": "I see."},
        {"role": "user", "content": "What was it?"}]}
    found = recall_of(evidence_of([answered(1, {"Recall": "Forgotten"}, task="after-0")], written))
    assert found is not None
    (row,) = found.rows
    assert (row.turns, row.tokens, set(row.missing)) == (None, None, {"turns", "tokens"})
    assert (row.recalled and row.recalled.hits, found.forgets) == (0, None)


def test_a_fact_that_changed_on_the_way_counts_from_where_its_newest_form_was_given():
    changed = {"name": "after-1", "checks": [{"type": "Recall", "fact": "code is nine"}], "messages": [
        {"role": "user", "content": "The code is seven."}, {"role": "assistant", "generated": True},
        {"role": "user", "content": "Now the code is nine."}, {"role": "assistant", "generated": True},
        {"role": "user", "content": "What was it?"}]}
    turns = [answered(7, {"Recall": None} if turn == 3 else None, task="after-1", turn=turn, promptTokens=100 * turn)
             for turn in (1, 2, 3)]
    found = recall_of(evidence_of(turns, changed))
    assert found is not None
    assert [(row.turns, row.tokens and row.tokens.p50.value) for row in found.rows] == [(0, 100)]


def test_tokens_that_the_server_did_not_count_are_unknown():
    requests = conversation(1, 2, forgotten=False, tokens=None)
    found = recall_of(evidence_of(requests, recall_task(2)))
    assert found is not None
    assert (found.rows[0].tokens, found.rows[0].missing) == (
        None, {"tokens": "the server did not count the tokens of both prompts"})


def test_a_conversation_that_never_came_to_its_question_has_no_rate():
    found = recall_of(evidence_of(conversation(1, 2, forgotten=False)[:3], recall_task(2)))
    assert found is not None
    assert (found.rows[0].recalled, found.rows[0].missing["recalled"]) == (None, "no answer could be judged")


def test_without_the_check_there_is_no_table():
    assert recall_of(evidence_of([answered(1, {"Label": None})], {"name": "chat", "prompt": "Hello"})) is None

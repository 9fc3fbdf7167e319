"""Whose the answers of each level were, and what a run cannot have shown. Bounds are Wilson's, Newcombe's method 3."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.requests.isolation import isolation_rows
from elastometer.analysis.requests.knees import knees
from elastometer.model.answer_tables import IsolationRow
from elastometer.model.estimates import Interval, Rate
from elastometer.model.knee import KneeSeen, StepSeen
from elastometer.model.request import RecordedRequest
from elastometer.model.units import SECOND
from elastometer_loadgen.base.record import Outcome
from support.answered import START, answered, evidence_of

CHECKED = {"checks": [{"type": "Crosstalk"}]}
CHAT = {"name": "chat", "prompt": "{{ canary }} Hello", **CHECKED}
EMOTION = {"name": "emotion", "prompt": "Which?", "checks": [{"type": "Label"}, {"type": "Crosstalk"}]}
OWN, OTHER, MARK, GARBLED = (
    {"Crosstalk": None}, {"Crosstalk": "OtherTask"}, {"Crosstalk": "ForeignCanary"}, {"Crosstalk": "UnknownCanary"})


def level(name: str, own: int, other: int = 0, mark: int = 0, unattributed: int = 0) -> list[RecordedRequest]:
    """Of both tasks in turn."""
    found = [OWN] * own + [OTHER] * other + [MARK] * mark + [None] * unattributed
    return [answered(number, checks, stage=name, task=("chat", "emotion")[number % 2])
            for number, checks in enumerate(found)]


def rows(*requests: RecordedRequest, tasks: tuple[dict[str, object], ...] = (CHAT, EMOTION),
         ) -> tuple[IsolationRow, ...]:
    return isolation_rows(evidence_of(list(requests), *tasks), ())


def test_none_of_1765_answers_is_at_most_0_22_percent():
    (row,) = rows(*level("level-20", own=1765))
    assert (row.level, row.answers, row.own, row.unattributed) == ("level-20", 1765, 1765, 0)
    assert row.other_task == Rate(0, 1765, 0.0, Interval(0.0, 0.2172))
    assert row.foreign_mark == row.other_task


def test_rates_are_of_the_answers_that_could_be_attributed():
    (row,) = rows(*level("busy", own=90, other=6, mark=4, unattributed=50))
    assert (row.answers, row.own, row.unattributed) == (150, 90, 50)
    assert row.other_task is not None
    assert row.foreign_mark is not None
    assert (row.other_task.hits, row.other_task.count, row.other_task.percent) == (6, 100, 6.0)
    assert (row.foreign_mark.hits, row.foreign_mark.count, row.foreign_mark.percent) == (4, 100, 4.0)


def test_a_mark_that_a_model_garbled_attributes_nothing():
    (row,) = rows(answered(1, GARBLED), answered(2, OWN))
    assert (row.answers, row.own, row.unattributed) == (2, 1, 1)


def test_levels_stand_in_their_order_and_a_row_for_all_of_them_last():
    found = rows(*level("level-1", own=2), *level("level-20", own=3, other=1))
    assert [(row.level, row.answers) for row in found] == [("level-1", 2), ("level-20", 4), (None, 6)]


def test_a_lost_answer_is_nobodys():
    lost = replace(answered(3), outcome=Outcome.TIMED_OUT)
    assert [row.answers for row in rows(answered(1, OWN), lost)] == [1]


def test_a_task_without_the_check_has_no_answers_here():
    poem = answered(2, {"Repetition": None}, task="poem")
    (row,) = rows(answered(1, OWN), poem, tasks=(CHAT, EMOTION, {"name": "poem", "prompt": "Write"}))
    assert row.answers == 1


def test_without_the_check_there_is_no_table():
    assert rows(answered(1, {"Label": None}), tasks=({"name": "chat", "prompt": "Hello"},)) == ()


def test_without_marks_in_the_prompts_another_requests_mark_is_unknown_and_not_0():
    (row,) = rows(*level("calm", own=5), tasks=({"name": "chat", "prompt": "Hello", **CHECKED}, EMOTION))
    assert row.foreign_mark is None
    assert row.missing == {
        "foreignMark": "no prompt of these stages carries a mark, {{ canary }}, that another answer could show"}
    assert row.other_task is not None


def test_a_mark_that_was_seen_could_be_seen_at_every_level():
    unmarked = ({"name": "chat", "prompt": "Hello", **CHECKED}, EMOTION)
    found = rows(*level("calm", own=5), *level("busy", own=5, mark=1), tasks=unmarked)
    assert [row.foreign_mark and row.foreign_mark.hits for row in found] == [0, 1, 1]


def test_a_mark_in_the_prompts_of_another_stage_cannot_be_seen_in_this_one():
    marked = {"name": "poem", "prompt": "{{ canary }} Write."}
    found = rows(*level("calm", own=4), answered(9, stage="later", task="poem"), tasks=(
        {"name": "chat", "prompt": "Hello", **CHECKED}, EMOTION, marked))
    assert [set(row.missing) for row in found] == [{"foreignMark"}]


def test_the_only_task_of_a_stage_has_no_other_task_to_be_taken_for():
    (row,) = rows(*(answered(number, OWN) for number in range(5)))
    assert (row.other_task, row.missing) == (None, {"otherTask": "there is only one task"})


def test_where_nothing_could_be_attributed_there_is_no_rate():
    (row,) = rows(*level("calm", own=0, unattributed=7))
    assert (row.unattributed, row.other_task, row.foreign_mark) == (7, None, None)
    assert set(row.missing.values()) == {"no answer can be attributed: nothing shows whose it is"}


def test_each_step_of_a_knee_is_a_level():
    """seconds 0 to 10 at 4 users, 10 to 20 at 8 users, 20 to 30 soak at 4; one answer a second."""
    def step(value: int, start: int) -> StepSeen:
        return StepSeen(value, START + start * SECOND, START + (start + 10) * SECOND, None)
    search = KneeSeen("climb", "Users", 4, (step(4, 0), step(8, 10)), step(4, 20))
    requests = [answered(number, OTHER if number == 12 else OWN, stage="climb", task=("chat", "emotion")[number % 2])
                for number in range(30)]
    evidence = evidence_of(requests, CHAT, EMOTION, knees=(search,))
    found = isolation_rows(evidence, knees(evidence, Steps.of([])))
    assert [(row.level, row.answers, row.other_task and row.other_task.hits) for row in found] == [
        ("climb 4", 10, 0), ("climb 8", 10, 1), ("climb 4 soak", 10, 0), (None, 30, 1)]

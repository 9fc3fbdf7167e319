"""In short: at most ten sentences, in the order of the questions, and open ones make room for answered ones."""
from __future__ import annotations

from elastometer.analysis.in_short.in_short import shortened
from elastometer.model.in_short import InShort, Question
from elastometer.model.story import Anchor


def said(question: Question, missing: str | None = None) -> InShort:
    return InShort(question, question.value, Anchor.LEVELS, missing)


def test_sentences_come_in_the_order_of_their_questions_in_any_order_of_answers() -> None:
    given = [said(Question.MEMORY), said(Question.LIMIT), said(Question.ERRORS)]
    assert [one.question for one in shortened(given)] == [Question.LIMIT, Question.ERRORS, Question.MEMORY]


def test_of_more_than_ten_questions_the_open_ones_are_left_out_first_and_then_the_last_ones() -> None:
    every = list(Question)
    assert len(every) == 14
    given = [said(one, "samples" if one in (Question.LIMIT, Question.MEMORY) else None) for one in every]
    stated = [one.question for one in shortened(given)]
    answered = [one for one in every if one not in (Question.LIMIT, Question.MEMORY)]
    assert stated == answered[:10]


def test_an_open_question_is_stated_where_there_is_room_for_it() -> None:
    given = [said(Question.ERRORS), said(Question.LIMIT, "a level with requests")]
    assert [(one.question, one.missing) for one in shortened(given)] == [
        (Question.LIMIT, "a level with requests"), (Question.ERRORS, None)]

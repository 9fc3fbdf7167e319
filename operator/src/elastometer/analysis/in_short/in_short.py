"""The sentences of a report, from the functions that answer one question each."""
from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from elastometer.analysis.in_short import answers, levels, resources, scaling
from elastometer.model.in_short import MOST, InShort, Question
from elastometer.model.report import Report

Answer: TypeAlias = Callable[[Report], InShort | None]
# One function for each question; the order does not matter.
ANSWERS: tuple[Answer, ...] = (
    levels.limit, levels.response_times, levels.input_length, levels.errors,
    answers.isolation, answers.answer_ends, answers.structured, answers.recall,
    resources.memory, resources.saturation, scaling.health, scaling.scaling, scaling.starts, scaling.warm_spares)


def in_short(report: Report) -> tuple[InShort, ...]:
    """At most MOST, in the order of the questions; where there are more, those that stay open are left out first, and
    then the last ones. The report has all its tables."""
    return shortened([found for answer in ANSWERS if (found := answer(report)) is not None])


def shortened(found: list[InShort]) -> tuple[InShort, ...]:
    """The same sentences in the order of their questions, and no more than MOST."""
    order = list(Question)
    ranked = sorted(found, key=lambda one: (one.missing is not None, order.index(one.question)))
    return tuple(sorted(ranked[:MOST], key=lambda one: order.index(one.question)))

"""In short: the questions that a team asks of its server, each answered in one sentence or said to be open."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.story import Anchor

# So many sentences are read; more are a second report.
MOST = 10


class Question(StrEnum):
    """Every question, in the order in which a report answers them."""

    LIMIT = "Limit"  # how much the server bears
    RESPONSE_TIMES = "ResponseTimes"  # how they change as the load rises
    INPUT_LENGTH = "InputLength"  # from which input on it becomes slow, or fails
    ERRORS = "Errors"  # how many requests were lost, and when
    MEMORY = "Memory"  # whether it grows, and comes back
    SATURATION = "Saturation"  # what was full
    ISOLATION = "Isolation"  # whether requests got each other's answers
    ANSWER_ENDS = "AnswerEnds"  # how long answers became, and what ended them
    STRUCTURE = "Structure"  # whether structured answers are valid
    RECALL = "Recall"  # how far back a conversation is remembered
    HEALTH = "Health"  # whether the service is healthy under its usual crowd
    SCALING = "Scaling"  # whether it scaled, and whether that helped
    STARTS = "Starts"  # how long new replicas take, first and later
    WARM_SPARES = "WarmSpares"  # what replicas held ready would bring


@dataclass(frozen=True, slots=True)
class InShort:
    """One question with its answer: a sentence without its full stop, which has the number and its interval.

    `anchor` is the section with the table. Where the question could not be answered, `missing` says what would have to
    be there, and `text` says what is therefore open.
    """

    question: Question
    text: str
    anchor: Anchor
    missing: str | None = None

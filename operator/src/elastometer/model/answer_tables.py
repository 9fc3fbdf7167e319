"""What the answers of a run were like: whose they were, how they ended, how well they kept to a structure, and what of
a conversation they remembered. Every interval is at 95 %; what is None was not measured, or `missing` says why, by the
name that the field has in report.json.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from elastometer.model.estimates import Percentile, Rate


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of `count` known values: the median with its interval, the smallest and the largest."""

    count: int
    p50: Percentile
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class IsolationRow:
    """Whose the answers were at one level, of the tasks with the check Crosstalk; of all levels together (None).

    Of the `answers` that arrived whole, `own` are known to be their own, `other_task` had the form of another task's
    answer, and `foreign_mark` carried another request's mark. Both rates are of those three together; nothing shows
    whose the `unattributed` ones are. `missing` says by the name of a field why it is None.
    """

    level: str | None
    answers: int
    own: int
    other_task: Rate | None
    foreign_mark: Rate | None
    unattributed: int
    missing: Mapping[str, str] = field(default_factory=dict)


class EndedBy(StrEnum):
    """Who or what ended an answer."""

    MODEL = "Model"  # its end-of-text token
    MAX_TOKENS = "MaxTokens"  # as many tokens as were asked for
    CONTEXT = "Context"  # fewer tokens than asked for, and yet `length`: prompt and answer filled the model's context
    LENGTH = "Length"  # one of the two above: records of earlier versions do not say how many were asked for
    ABORT = "Abort"  # the server gave it up
    CUT = "Cut"  # the stream broke off
    OTHER = "Other"  # another finish reason, or none


# As sentences name them.
ENDERS: Mapping[EndedBy, str] = {
    EndedBy.MODEL: "the model", EndedBy.MAX_TOKENS: "max_tokens", EndedBy.CONTEXT: "the context",
    EndedBy.LENGTH: "max_tokens or the context", EndedBy.ABORT: "an abort", EndedBy.CUT: "a broken stream",
    EndedBy.OTHER: "something else"}


@dataclass(frozen=True, slots=True)
class Repetition:
    """How far answers repeat themselves, of those that the check Repetition looked at. `longest_percent` is the longest
    run of words that occurs twice, of all words; `most_frequent` is how often the most frequent four words in a row
    occur; `quarter_percents` is, for each quarter of the answers in its order, the median share of its runs of four
    words that had occurred before. `late` counts answers whose last quarter has at least 50 points more of them than
    the first."""

    longest_percent: Sizes
    most_frequent: Sizes
    quarter_percents: tuple[float, ...]
    late: int


@dataclass(frozen=True, slots=True)
class AnswerEndRow:
    """How the answers to one task ended in one stage. `asked` and `made` are tokens, by the request's own limit and the
    server's count; `characters` are those of the texts that were kept, which a check needs, or a fingerprint line;
    `tokens_per_second` is tokens made over the time from send to end, of answers that succeeded.

    `early` counts the answers that ended before they should, and `early_by` who ended those: shorter than the task
    demands (`ignoreEndOfText`, a check of length), or cut off by the context, or by `max_tokens` where the task has the
    check Truncation. Without any such demand it is None. `near_limit` counts the answers that the model ended by itself
    with at least 90 % of the tokens asked for; None where answers are complete in themselves: labels and JSON.
    """

    stage: str
    task: str
    answers: int
    asked: Sizes | None
    made: Sizes | None
    characters: Sizes | None
    tokens_per_second: Sizes | None
    ended_by: Mapping[EndedBy, int]
    early: Rate | None
    early_by: Mapping[EndedBy, int]
    near_limit: int | None
    repetition: Repetition | None
    missing: Mapping[str, str] = field(default_factory=dict)


class Aspect(StrEnum):
    """What can be right or wrong about a structured answer."""

    SYNTAX = "Syntax"  # it is JSON and nothing else
    FIELDS = "Fields"  # no required field is missing
    NAMES = "Names"  # fields are spelled as in the schema, and there are no others
    ARRAYS = "Arrays"  # lists are lists
    TYPES = "Types"  # numbers are numbers, and so on
    VALUES = "Values"  # values are allowed, and are those of the data where the schema has them


@dataclass(frozen=True, slots=True)
class StructuredRow:
    """The structured answers to one task in one stage; of all stages (None). `in_flight` is the mean number of requests
    in flight meanwhile. `whole` is the share in which nothing was wrong.

    An answer counts as wrong in one aspect alone, the one that its check reported. `aspects` has the share that was
    right, of all judged answers for Syntax and of those that are JSON for the others; None without a schema. `failures`
    counts kinds with their fields, the most frequent first, and `other_failures` the rest. `bound_percent` is what an
    objective demands; `bound_is_shown` says whether the whole interval of `whole` meets it, and `answers_needed` how
    many answers it would take at this share: None where no number of them would do, or there is no objective. `missing`
    says by the name of a field why it is None.
    """

    task: str
    stage: str | None
    in_flight: float | None
    judged: int
    whole: Rate | None
    aspects: Mapping[Aspect, Rate | None]
    failures: Mapping[str, int]
    other_failures: int
    bound_percent: float | None = None
    bound_is_shown: bool | None = None
    answers_needed: int | None = None
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecallRow:
    """How often a fact was recalled. `turns` lay between the one that gave the fact and the one that asked for it, None
    where the test wrote all answers, so that both are one turn. `tokens` is how many tokens the conversation grew by
    from the one to the other, by the server's count of both prompts: the answers, all messages after the fact, and the
    question. `recalled` is None where no answer could be judged; `missing` says why a field is None."""

    stage: str
    task: str
    turns: int | None
    tokens: Sizes | None
    recalled: Rate | None
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """The distance from which recall stays below a bound: at `turns`, and at every longer distance that was tried, the
    share is below `bound_percent`. `is_proven` says whether the interval at `turns` lies below it as a whole."""

    bound_percent: float
    turns: int
    tokens: float | None
    recalled: Rate
    is_proven: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """Rows in order of distance, and where forgetting begins: None if it was recalled at the longest distance."""

    rows: tuple[RecallRow, ...]
    forgets: Forgetting | None

"""What can be wrong with an answer that arrived: the names of the failures, and the interface of every check.

Pure. A check gives no verdict on an answer that it cannot judge: one that is not complete, or whose text or token
count is not known. Such an answer is absent from the check's counts; it is never a pass.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from elastometer_loadgen.base.record import Outcome, Repeat
from elastometer_loadgen.checks.repeats import repeat_of, words_of

# A mark that the prompt asks the answer to repeat; the field `canary` of a template.
CANARY = re.compile(r"\[REQ-[A-Za-z0-9_.-]{1,64}\]")
LEADING_CANARY = re.compile(rf"\s*{CANARY.pattern}\s*")


class CheckType(StrEnum):
    """The kinds of checks; a task has at most one of each."""

    LABEL = "Label"
    JSON = "JSON"
    JSON_SCHEMA = "JSONSchema"
    CROSSTALK = "Crosstalk"
    REPETITION = "Repetition"
    TRUNCATION = "Truncation"
    MINIMUM_TOKENS = "MinimumTokens"
    RECALL = "Recall"
    EXCLUDES = "Excludes"
    READABLE = "Readable"
    MINIMUM_CHARACTERS = "MinimumCharacters"


class Failure(StrEnum):
    """How an answer failed a check. Of several failures the one that is named first here is reported."""

    LABEL_CASE = "LabelCase"
    LABEL_IN_TEXT = "LabelInText"
    WRONG_LABEL = "WrongLabel"
    UNKNOWN_LABEL = "UnknownLabel"
    UNFINISHED_JSON = "UnfinishedJSON"
    TEXT_AROUND_JSON = "TextAroundJSON"
    NOT_JSON = "NotJSON"
    FIELD_CASE = "FieldCase"
    STRING_FOR_ARRAY = "StringForArray"
    QUOTED_NUMBER = "QuotedNumber"
    MISSING_FIELD = "MissingField"
    WRONG_TYPE = "WrongType"
    UNKNOWN_FIELD = "UnknownField"
    WRONG_VALUE = "WrongValue"
    FOREIGN_CANARY = "ForeignCanary"
    UNKNOWN_CANARY = "UnknownCanary"
    OTHER_TASK = "OtherTask"
    REPEATS = "Repeats"
    ABORTED = "Aborted"
    NO_DONE = "NoDone"
    NO_FINISH_REASON = "NoFinishReason"
    CUT_BY_LENGTH = "CutByLength"
    TOO_SHORT = "TooShort"
    FORGOTTEN = "Forgotten"
    EXCLUDED_TEXT = "ExcludedText"
    REPLACEMENT_CHARACTER = "ReplacementCharacter"
    CONTROL_CHARACTER = "ControlCharacter"


@dataclass(frozen=True)
class CheckedAnswer:
    """What the checks know about one answer. `text` is None where it was not kept.

    What several checks ask for is derived once, for which it needs a dictionary instead of slots.
    """

    outcome: Outcome
    text: str | None
    finish_reason: str | None
    completion_tokens: int | None
    canary: str

    @cached_property
    def content(self) -> str:
        """The text without a mark at its start; empty where no text was kept."""
        text = self.text or ""
        mark = LEADING_CANARY.match(text)
        return text if mark is None else text[mark.end() :]

    @cached_property
    def repeat(self) -> Repeat | None:
        """How much of it repeats what it said before; None for a text that is too short to tell."""
        return repeat_of(words_of(self.content))


class Check(Protocol):
    """One check of one task, as it applies to one row of the task's data."""

    @property
    def type(self) -> CheckType:
        """Its kind, which is its name in records."""

    def judges(self, answer: CheckedAnswer) -> bool:
        """True when the check can judge this answer."""

    def failure(self, answer: CheckedAnswer) -> str | None:
        """None for a pass; otherwise a Failure, followed by `:path` for a field of a schema."""


def is_whole_text(answer: CheckedAnswer) -> bool:
    """The condition under which checks of the text can judge."""
    return answer.outcome is Outcome.SUCCESS and answer.text is not None

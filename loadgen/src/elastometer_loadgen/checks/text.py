"""Checks of an answer's text: one of a set of labels, repetition, a recalled fact, length, a proper ending. Pure."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.checks.check import CheckedAnswer, CheckType, Failure, is_whole_text

# Models put labels in quotes and end them like sentences; neither makes it a different label.
AROUND_A_LABEL = " \t\r\n\"'`*.!。！“”‘’「」"
REPLACEMENT = "\ufffd"
# Unicode's category Cc but for tab, line feed and carriage return, which text is made of.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """The answer is one of the labels and nothing else; where `expected` is given, it is that label."""

    type: ClassVar[CheckType] = CheckType.LABEL
    labels: tuple[str, ...]
    expected: str | None = None

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete texts only."""
        return is_whole_text(answer)

    def failure(self, answer: CheckedAnswer) -> Failure | None:
        """Which label it was, and how it was written."""
        plain = answer.content.strip()
        text = plain if plain in self.labels else plain.strip(AROUND_A_LABEL)
        if text in self.labels:
            return None if self.expected is None or text == self.expected else Failure.WRONG_LABEL
        if text.casefold() in {label.casefold() for label in self.labels}:
            return Failure.LABEL_CASE
        inside = any(re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text) for label in self.labels)
        return Failure.LABEL_IN_TEXT if inside else Failure.UNKNOWN_LABEL


@dataclass(frozen=True, slots=True)
class RepetitionCheck:
    """The longest run of words that occurs twice (overlaps count) is at most this share of all words."""

    type: ClassVar[CheckType] = CheckType.REPETITION
    maximum_share: Fraction

    @property
    def _bound(self) -> float:
        """As the share, which is rounded to a decimal: equal decimals are equal floats."""
        return float(self.maximum_share)

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete texts only."""
        return is_whole_text(answer)

    def failure(self, answer: CheckedAnswer) -> Failure | None:
        """An answer that is too short to tell passes."""
        return Failure.REPEATS if answer.repeat is not None and answer.repeat.share > self._bound else None


@dataclass(frozen=True, slots=True)
class RecallCheck:
    """The answer contains the fact that an earlier turn of the conversation gave.

    `turns` is how many of the model's own answers lie between the two; None where the profile wrote all of them.
    """

    type: ClassVar[CheckType] = CheckType.RECALL
    fact: str
    turns: int | None = None

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete texts only."""
        return is_whole_text(answer)

    def failure(self, answer: CheckedAnswer) -> str | None:
        """Letter case and the width of spaces do not matter."""
        fact, text = (" ".join(part.casefold().split()) for part in (self.fact, answer.content))
        if fact in text:
            return None
        return Failure.FORGOTTEN if self.turns is None else f"{Failure.FORGOTTEN}:{self.turns}"


@dataclass(frozen=True, slots=True)
class MinimumTokensCheck:
    """The answer has at least `minimum` tokens, by the server's own count."""

    type: ClassVar[CheckType] = CheckType.MINIMUM_TOKENS
    minimum: int

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete answers with `usage` only."""
        return answer.outcome is Outcome.SUCCESS and answer.completion_tokens is not None

    def failure(self, answer: CheckedAnswer) -> Failure | None:
        """By `usage` alone: a chunk may hold several tokens."""
        return Failure.TOO_SHORT if (answer.completion_tokens or 0) < self.minimum else None


@dataclass(frozen=True, slots=True)
class MinimumCharactersCheck:
    """The answer has at least `minimum` characters, without blanks at either end."""

    type: ClassVar[CheckType] = CheckType.MINIMUM_CHARACTERS
    minimum: int

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete texts only."""
        return is_whole_text(answer)

    def failure(self, answer: CheckedAnswer) -> Failure | None:
        """A request for so many words or characters is a request to the model, which may answer with fewer."""
        return Failure.TOO_SHORT if len(answer.content.strip()) < self.minimum else None


@dataclass(frozen=True, slots=True)
class ExcludesCheck:
    """The answer holds none of the texts, in any letter case."""

    type: ClassVar[CheckType] = CheckType.EXCLUDES
    texts: tuple[str, ...]

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete texts only."""
        return is_whole_text(answer)

    def failure(self, answer: CheckedAnswer) -> str | None:
        """Names the text, which is one of a few that the profile lists."""
        content = answer.content.casefold()
        found = next((text for text in self.texts if text.casefold() in content), None)
        return None if found is None else f"{Failure.EXCLUDED_TEXT}:{found}"


@dataclass(frozen=True, slots=True)
class ReadableCheck:
    """The answer has no character that stands for one that could not be decoded, and no control character."""

    type: ClassVar[CheckType] = CheckType.READABLE

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete texts only."""
        return is_whole_text(answer)

    def failure(self, answer: CheckedAnswer) -> Failure | None:
        """A server that splits a character between two tokens and decodes each alone sends two U+FFFD."""
        if REPLACEMENT in answer.content:
            return Failure.REPLACEMENT_CHARACTER
        return Failure.CONTROL_CHARACTER if CONTROL.search(answer.content) else None


@dataclass(frozen=True, slots=True)
class TruncationCheck:
    """The stream came to a proper end: `[DONE]`, and a finish reason other than `length`."""

    type: ClassVar[CheckType] = CheckType.TRUNCATION

    def judges(self, answer: CheckedAnswer) -> bool:
        """Streams that the server ended; for all others the outcome says how they were lost."""
        return answer.outcome in (Outcome.SUCCESS, Outcome.TRUNCATED, Outcome.ABORTED)

    def failure(self, answer: CheckedAnswer) -> Failure | None:
        """What cut the answer short."""
        if answer.outcome is Outcome.ABORTED:
            return Failure.ABORTED
        if answer.outcome is Outcome.TRUNCATED:
            return Failure.NO_DONE
        if answer.finish_reason is None:
            return Failure.NO_FINISH_REASON
        return Failure.CUT_BY_LENGTH if answer.finish_reason == "length" else None

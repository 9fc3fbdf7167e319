"""Checks of an answer's words: one of a set of labels, repetition, a fact remembered, length, a whole ending. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.checks.check import CheckType, Failure, Said, is_whole_text

# Models put labels in quotes and end them like sentences; neither makes another label of it.
AROUND_A_LABEL = " \t\r\n\"'`*.!。！“”‘’「」"
# A word, or one character of a script that is written without spaces.
WORD = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")
# In fewer words any word that comes twice is a large share.
FEWEST_WORDS = 10
HASH_BASE = 1_000_003
HASH_PRIME = 2**61 - 1


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """The answer is one of the labels and nothing else; where `expected` is given, that one."""

    type: ClassVar[CheckType] = CheckType.LABEL
    labels: tuple[str, ...]
    expected: str | None = None

    def judges(self, said: Said) -> bool:
        """Whole texts only."""
        return is_whole_text(said)

    def failure(self, said: Said) -> Failure | None:
        """Which label it was, and how it was written."""
        plain = said.content.strip()
        text = plain if plain in self.labels else plain.strip(AROUND_A_LABEL)
        if text in self.labels:
            return None if self.expected is None or text == self.expected else Failure.WRONG_LABEL
        if text.casefold() in {label.casefold() for label in self.labels}:
            return Failure.LABEL_CASE
        inside = any(re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text) for label in self.labels)
        return Failure.LABEL_IN_TEXT if inside else Failure.UNKNOWN_LABEL


@dataclass(frozen=True, slots=True)
class RepetitionCheck:
    """The longest run of words that comes twice (overlaps count) is at most this share of all words."""

    type: ClassVar[CheckType] = CheckType.REPETITION
    maximum_share: Fraction

    def judges(self, said: Said) -> bool:
        """Whole texts only."""
        return is_whole_text(said)

    def failure(self, said: Said) -> Failure | None:
        """Looks for one repeated run that is just too long; how long the longest is does not matter."""
        words = WORD.findall(said.content.casefold())
        if len(words) < FEWEST_WORDS:
            return None
        return Failure.REPEATS if has_repeat(words, int(self.maximum_share * len(words)) + 1) else None


@dataclass(frozen=True, slots=True)
class RecallCheck:
    """The answer holds the fact that an earlier turn of the conversation gave.

    `turns` is how many answers of the model's own lie between the two; None where the profile wrote them.
    """

    type: ClassVar[CheckType] = CheckType.RECALL
    fact: str
    turns: int | None = None

    def judges(self, said: Said) -> bool:
        """Whole texts only."""
        return is_whole_text(said)

    def failure(self, said: Said) -> str | None:
        """Letter case and the width of spaces do not matter."""
        fact, text = (" ".join(part.casefold().split()) for part in (self.fact, said.content))
        if fact in text:
            return None
        return Failure.FORGOTTEN if self.turns is None else f"{Failure.FORGOTTEN}:{self.turns}"


@dataclass(frozen=True, slots=True)
class MinimumTokensCheck:
    """At least so many tokens, by the server's own count."""

    type: ClassVar[CheckType] = CheckType.MINIMUM_TOKENS
    minimum: int

    def judges(self, said: Said) -> bool:
        """Whole answers with `usage` only."""
        return said.outcome is Outcome.SUCCESS and said.completion_tokens is not None

    def failure(self, said: Said) -> Failure | None:
        """Tokens are never counted from chunks."""
        return Failure.TOO_SHORT if (said.completion_tokens or 0) < self.minimum else None


@dataclass(frozen=True, slots=True)
class TruncationCheck:
    """The stream came to its own end: `[DONE]`, and a finish reason other than `length`."""

    type: ClassVar[CheckType] = CheckType.TRUNCATION

    def judges(self, said: Said) -> bool:
        """Streams that the server ended; how others were lost is in the outcome."""
        return said.outcome in (Outcome.SUCCESS, Outcome.TRUNCATED, Outcome.ABORTED)

    def failure(self, said: Said) -> Failure | None:
        """Who cut it."""
        if said.outcome is Outcome.ABORTED:
            return Failure.ABORTED
        if said.outcome is Outcome.TRUNCATED:
            return Failure.NO_DONE
        if said.finish_reason is None:
            return Failure.NO_FINISH_REASON
        return Failure.CUT_BY_LENGTH if said.finish_reason == "length" else None


def has_repeat(words: Sequence[str], length: int) -> bool:
    """True when some run of `length` words comes twice: Rabin and Karp's rolling hash, equality checked."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words), 1)}
    power = pow(HASH_BASE, length, HASH_PRIME)
    first_at: dict[int, int] = {}
    value = 0
    for index, word in enumerate(words):
        value = value * HASH_BASE + numbers[word]
        if index >= length:
            value -= numbers[words[index - length]] * power
        value %= HASH_PRIME
        start = index - length + 1
        if start < 0:
            continue
        before = first_at.setdefault(value, start)
        if before != start and words[before : before + length] == words[start : index + 1]:
            return True
    return False

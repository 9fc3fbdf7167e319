"""One line per request that a person can search for: `[REQ-7a2f] TASK=emotion INPUT="…" → OUTPUT="…"`. Pure.

Prompts and answers may hold what nobody wants in a log: there are no lines unless asked for, a text is shown up to a
limit and the rest only counted, and nothing in it can move a terminal's cursor or begin a line of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

import orjson

from elastometer_loadgen.base.fields import Fields

FINGERPRINT_FIELDS = ("lines", "samplePercent", "charactersShown")
FINGERPRINTS = 65_536
MOST_CHARACTERS = 100_000


class Lines(StrEnum):
    """Which requests get a line."""

    NONE = "None"
    SAMPLED = "Sampled"
    ALL = "All"


@dataclass(frozen=True, slots=True)
class FingerprintRule:
    """Sampled takes a share of the requests, fixed by the seed, and every request that failed a check."""

    lines: Lines = Lines.NONE
    sample_percent: Fraction = Fraction(1)
    characters_shown: int = 40

    def is_due(self, fingerprint: str) -> bool:
        """True when the request with this fingerprint gets a line whatever its checks say."""
        if self.lines is Lines.SAMPLED:
            return int(fingerprint, 16) < self.sample_percent * FINGERPRINTS / 100
        return self.lines is Lines.ALL


def parse_fingerprints(fields: Fields) -> FingerprintRule:
    """The field `fingerprints` of a profile; absent means no lines."""
    rule = fields.mapping("fingerprints", FINGERPRINT_FIELDS)
    default = FingerprintRule()
    percent = rule.decimal("samplePercent", "0", "100")
    return FingerprintRule(
        lines=rule.choice("lines", Lines, default=default.lines),
        sample_percent=default.sample_percent if percent is None else percent,
        characters_shown=rule.integer("charactersShown", 0, MOST_CHARACTERS, default=default.characters_shown),
    )


def fingerprint_line(
    fingerprint: str, task: str, asked: str, said: str | None, findings: Mapping[str, str | None], shown: int
) -> str:
    """The line, without its end; `said` is None where no answer was kept. Failed checks follow the answer."""
    output = "-" if said is None else quoted(said, shown)
    failed = ",".join(f"{check}:{failure}" for check, failure in findings.items() if failure is not None)
    line = f"[REQ-{fingerprint}] TASK={task} INPUT={quoted(asked, shown)} → OUTPUT={output}"
    return f"{line} FAILED={escaped(failed)}" if failed else line


def quoted(text: str, shown: int) -> str:
    """A JSON string of the first characters; how many more there were follows it."""
    rest = len(text) - shown
    start = json.dumps(text[:shown], ensure_ascii=False)
    return escaped(start) + (f"…+{rest}" if rest > 0 else "")


def escaped(text: str) -> str:
    """The text with all that is not printable written as \\uXXXX: controls, line and direction marks."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def last_input(body: bytes) -> str:
    """What a request asks: its prompt, or the last message of its chat."""
    document: dict[str, Any] = orjson.loads(body)
    if "prompt" in document:
        return str(document["prompt"])
    return str(document["messages"][-1]["content"])

"""One line per request that a person can search for: `[REQ-7a2f-17] TASK=emotion INPUT="…" → OUTPUT="…"`. Pure.

Prompts and answers may hold confidential text: lines are off by default, a text is shown up to a limit and the rest is
only counted, and nothing in it can move a terminal's cursor or start a new line.
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
MAX_CHARACTERS = 100_000
USER = "user"


class FingerprintLines(StrEnum):
    """Which requests get a line."""

    NONE = "None"
    SAMPLED = "Sampled"
    ALL = "All"


@dataclass(frozen=True, slots=True)
class FingerprintRule:
    """Sampled prints a share of the requests, fixed by the seed, and every request that failed a check."""

    lines: FingerprintLines = FingerprintLines.NONE
    sample_percent: Fraction = Fraction(1)
    characters_shown: int = 40

    def is_due(self, fingerprint: str) -> bool:
        """True when the request with this fingerprint gets a line whatever its checks find."""
        if self.lines is FingerprintLines.SAMPLED:
            return int(fingerprint, 16) < self.sample_percent * FINGERPRINTS / 100
        return self.lines is FingerprintLines.ALL


def parse_fingerprints(fields: Fields) -> FingerprintRule:
    """The field `fingerprints` of a profile; absent means no lines."""
    rule = fields.mapping("fingerprints", FINGERPRINT_FIELDS)
    default = FingerprintRule()
    percent = rule.decimal("samplePercent", "0", "100")
    return FingerprintRule(
        lines=rule.choice("lines", FingerprintLines, default=default.lines),
        sample_percent=default.sample_percent if percent is None else percent,
        characters_shown=rule.integer("charactersShown", 0, MAX_CHARACTERS, default=default.characters_shown),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """What a line is made of; `output` is None where no answer was kept."""

    mark: str
    task: str
    input: str
    output: str | None
    findings: Mapping[str, str | None]


def fingerprint_line(request: RequestLine, shown: int) -> str:
    """The line without its newline, each text up to `shown` characters. Failed checks follow the answer."""
    output = "-" if request.output is None else quoted(request.output, shown)
    failed = ",".join(f"{check}:{failure}" for check, failure in request.findings.items() if failure is not None)
    line = f"[{request.mark}] TASK={request.task} INPUT={quoted(request.input, shown)} → OUTPUT={output}"
    return f"{line} FAILED={escaped(failed)}" if failed else line


def quoted(text: str, shown: int) -> str:
    """The first characters as a JSON string, followed by the number of those that are left out."""
    rest = len(text) - shown
    start = json.dumps(text[:shown], ensure_ascii=False)
    return escaped(start) + (f"…+{rest}" if rest > 0 else "")


def escaped(text: str) -> str:
    """The text with everything unprintable written as \\uXXXX: control characters, line and direction marks."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def last_input(body: bytes) -> str:
    """The input of a request, by its body."""
    return input_text(orjson.loads(body))


def input_text(fields: Mapping[str, Any]) -> str:
    """The input in the fields of a body: its prompt, or the last user message of its chat, else its last message."""
    if "prompt" in fields:
        return str(fields["prompt"])
    messages = fields["messages"]
    asked = (message for message in reversed(messages) if message["role"] == USER)
    return str(next(asked, messages[-1])["content"])

"""One record per request, as a line of JSON. Instants are integers: microseconds since 1970 in UTC.

Pure. What was not observed is None here and `null` in the line, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

import orjson

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_ERROR = 200


class Outcome(StrEnum):
    """How a request ended."""

    SUCCESS = "Success"
    REFUSED = "Refused"
    RESET_BEFORE_ANSWER = "ResetBeforeAnswer"
    SERVER_ERROR = "ServerError"
    CLIENT_ERROR = "ClientError"
    TRUNCATED = "Truncated"
    STALLED = "Stalled"
    ABORTED = "Aborted"
    TIMED_OUT = "TimedOut"
    MALFORMED = "Malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """What was seen of one request; the clock is the worker's, anchored to UTC once."""

    id: int
    worker: int
    stage: str
    task: str
    intended: int
    send: int
    connect: int | None
    first_byte: int | None
    first_token: int | None
    last_token: int | None
    end: int
    chunks: int
    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    status: int | None
    outcome: Outcome
    error: str | None
    pod: str | None
    address: str | None
    fingerprint: str
    checks: Mapping[str, str | None] | None = None
    """Failure or None by check, of the checks that could judge the answer; None when none could."""
    attempts: int = 1
    """How often it was sent. Intended and send time are of the first attempt, all else here of the last."""
    first_attempt: Mapping[str, str | int | None] | None = None
    """Outcome, status, error, pod, address and endTime of the first of several attempts."""


PLAIN = {
    "id": "id", "worker": "worker", "stage": "stage", "task": "task", "chunks": "chunks",
    "promptTokens": "prompt_tokens", "completionTokens": "completion_tokens", "finishReason": "finish_reason",
    "status": "status", "error": "error", "pod": "pod", "address": "address", "fingerprint": "fingerprint",
    "checks": "checks", "attempts": "attempts", "firstAttempt": "first_attempt",
}  # fmt: skip
# Fields that records of earlier versions lack, and what that means.
LATER: dict[str, int | None] = {"checks": None, "attempts": 1, "firstAttempt": None}
INSTANTS = {
    "intendedTime": "intended", "sendTime": "send", "connectTime": "connect", "firstByteTime": "first_byte",
    "firstTokenTime": "first_token", "lastTokenTime": "last_token", "endTime": "end",
}  # fmt: skip


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def format_instant(microseconds: int) -> str:
    """RFC 3339 in UTC, always with six decimals."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


def parse_instant(text: str) -> int:
    """Microseconds since 1970; raises ValueError for text without an offset from UTC."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"'{text}' must name its offset from UTC, such as Z")
    return (instant - EPOCH) // MICROSECOND


def format_record(record: RequestRecord) -> bytes:
    """The record as one line, newline included."""
    line: dict[str, Any] = {name: getattr(record, attribute) for name, attribute in PLAIN.items()}
    for name, attribute in INSTANTS.items():
        value = getattr(record, attribute)
        line[name] = None if value is None else format_instant(value)
    line["outcome"] = record.outcome.value
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def parse_record(line: bytes | str) -> RequestRecord:
    """The record in a line; raises ValueError when it is none. Fields of later versions are passed over."""
    document = orjson.loads(line)
    try:
        values = {attribute: document[name] for name, attribute in PLAIN.items() if name not in LATER}
        for name, attribute in INSTANTS.items():
            value = document[name]
            values[attribute] = None if value is None else parse_instant(value)
        values |= {PLAIN[name]: document.get(name, absent) for name, absent in LATER.items()}
        return RequestRecord(outcome=Outcome(document["outcome"]), **values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a request record: {error!r}") from error

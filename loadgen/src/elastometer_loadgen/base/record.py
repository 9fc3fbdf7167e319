"""One record per request, as a line of JSON. Instants are integers: microseconds since 1970 in UTC.

`KEYS` is the only declaration of the line's format: everything that reads or writes such a line takes its keys from
there. The operator reads the same fields under the same names in `elastometer.model.request`, with instants in
nanoseconds, the unit of all its instants. Pure. What was not observed is None here and `null` in the line, never zero.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MICROSECOND = timedelta(microseconds=1)
MAX_ERROR_CHARACTERS = 200


class Outcome(StrEnum):
    """How a request ended."""

    SUCCESS = "Success"
    REFUSED = "Refused"
    RESET_BEFORE_ANSWER = "ResetBeforeAnswer"
    SERVER_ERROR = "ServerError"
    CLIENT_ERROR = "ClientError"
    THROTTLED = "Throttled"
    TRUNCATED = "Truncated"
    STALLED = "Stalled"
    ABORTED = "Aborted"
    TIMED_OUT = "TimedOut"
    MALFORMED = "Malformed"


class Repeat(NamedTuple):
    """How much of an answer repeats what it said before, counted in words; no text."""

    share: float
    """Of all words: the longest run of them that occurs twice (overlaps count)."""
    ngram_count: int
    """How often the most frequent run of four words occurs."""
    quarters: tuple[float, ...]
    """Of the runs of four words that begin in each quarter of the answer: the share that had occurred before."""


class RequestRecord(NamedTuple):
    """What was observed of one request; the clock is the worker's, anchored to UTC once.

    A tuple, since one is made for every request: a frozen dataclass with this many fields takes ten times as long.
    """

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
    """Failure or None by check, for the checks that could judge the answer; None when no check could."""
    attempts: int = 1
    """How often the request was sent. Intended and send time are those of the first attempt, all else of the last."""
    first_attempt: Mapping[str, str | int | None] | None = None
    """Outcome, status, error, pod, address and endTime of the first of several attempts."""
    conversation: int | None = None
    """The id of its conversation's first turn; None where its task is not a conversation."""
    turn: int | None = None
    """Which turn of the conversation it is, counted from 1."""
    first_chunks: int | None = None
    """How many chunks came together with the first one, itself included; None without any, and in earlier versions."""
    input_characters: int | None = None
    """Characters of the last user message as it was sent; None in earlier versions, as is what follows."""
    group: str | None = None
    """The value of the field of the data set that the task's `groupBy` names; None without one."""
    requested_tokens: int | None = None
    """The most tokens that the request asked for."""
    received: int | None = None
    """Bytes read from the connection for the answer: head, framing and body."""
    repeat: Repeat | None = None
    """None where the check Repetition did not judge the answer, and for answers of fewer than ten words."""
    output_characters: int | None = None
    """Characters of the answer, reasoning aside; None where its text was not kept."""


# The fields that are instants, and their keys in the line.
INSTANTS: Mapping[str, str] = {
    "intended": "intendedTime", "send": "sendTime", "connect": "connectTime", "first_byte": "firstByteTime",
    "first_token": "firstTokenTime", "last_token": "lastTokenTime", "end": "endTime",
}
_RENAMED: Mapping[str, str] = {
    **INSTANTS, "prompt_tokens": "promptTokens", "completion_tokens": "completionTokens",
    "finish_reason": "finishReason", "first_attempt": "firstAttempt",
    "first_chunks": "firstChunks", "input_characters": "inputCharacters", "requested_tokens": "requestedTokens",
    "output_characters": "outputCharacters",
}
# Field of a Repeat -> its key.
REPEAT_KEYS: Mapping[str, str] = {"share": "share", "ngram_count": "ngramCount", "quarters": "quarters"}
# Field of the record -> its key in the line, in the order of the record's fields.
KEYS: Mapping[str, str] = {field: _RENAMED.get(field, field) for field in RequestRecord._fields}
# The line as a template for %: integers that are always there, and JSON. One formatting costs a fraction of what
# encoding a dictionary of 33 values does.
NULL = b"null"
WHOLE_NUMBERS = frozenset({"id", "worker", "chunks", "attempts"})
LINE = b"{%b}\n" % b",".join(
    b'"%b":%b' % (key.encode(), b"%d" if field in WHOLE_NUMBERS else b"%b") for field, key in KEYS.items()
)
# Records of earlier versions lack these fields, and their defaults are what was true then.
LATER = frozenset(RequestRecord._field_defaults)


@lru_cache(maxsize=4096)
def _second(seconds: int) -> bytes:
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").encode()


def request_mark(fingerprint: str, number: int) -> str:
    """What a request is called, in lines and marks, by its fingerprint and its id: no other request has this name."""
    return f"REQ-{fingerprint}-{number}"


def format_instant(microseconds: int) -> str:
    """RFC 3339 in UTC, always with six decimals.

    The operator has a codec for each of its own two types of instants, nanoseconds in `model.units` and datetimes in
    `model.times`; they read and write the same text.
    """
    return _instant(microseconds)[1:-1].decode()


def parse_instant(text: str) -> int:
    """Microseconds since 1970; raises ValueError for text without an offset from UTC."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"'{text}' must name its offset from UTC, such as Z")
    return (instant - EPOCH) // MICROSECOND


def format_record(record: RequestRecord) -> bytes:
    """The record as one line with its newline. It runs for every request, so values are inserted by position."""
    (number, worker, stage, task, intended, send, connect, first_byte, first_token, last_token, end, chunks,
     prompt_tokens, completion_tokens, finish_reason, status, outcome, error, pod, address, fingerprint, checks,
     attempts, first_attempt, conversation, turn, first_chunks, input_characters, group, requested_tokens, received,
     repeat, output_characters) = record
    return LINE % (
        number, worker, _json(stage), _json(task), _instant(intended), _instant(send), _instant(connect),
        _instant(first_byte), _instant(first_token), _instant(last_token), _instant(end), chunks,
        _json(prompt_tokens), _json(completion_tokens), _json(finish_reason), _json(status), _json(outcome),
        _json(error), _json(pod), _json(address), orjson.dumps(fingerprint), _document(checks), attempts,
        _document(first_attempt), _json(conversation), _json(turn), _json(first_chunks),
        _json(input_characters), NULL if group is None else _json(group), _json(requested_tokens),
        # Not cached: hardly two answers have the same size.
        NULL if received is None else b"%d" % received,
        NULL if repeat is None else orjson.dumps(dict(zip(REPEAT_KEYS.values(), repeat, strict=True))),
        NULL if output_characters is None else b"%d" % output_characters,
    )


@lru_cache(maxsize=4096)
def _json(value: str | int | None) -> bytes:
    """Cached, since most values occur in many requests."""
    return orjson.dumps(value)


def _document(value: Mapping[str, str | int | None] | None) -> bytes:
    return NULL if value is None else orjson.dumps(value)


def _instant(microseconds: int | None) -> bytes:
    """As in `format_instant`, in quotes."""
    if microseconds is None:
        return NULL
    seconds, rest = divmod(microseconds, SECOND)
    return b'"%b.%06dZ"' % (_second(seconds), rest)


def parse_record(line: bytes | str) -> RequestRecord:
    """The record in a line; raises ValueError for any other line. Fields of later versions are ignored."""
    document = orjson.loads(line)
    try:
        values = {field: document[key] for field, key in KEYS.items() if key in document or field not in LATER}
        for field in INSTANTS:
            if values[field] is not None:
                values[field] = parse_instant(values[field])
        if values.get("repeat") is not None:
            values["repeat"] = _repeat(values["repeat"])
        return RequestRecord(**values | {"outcome": Outcome(values["outcome"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a request record: {error!r}") from error


def _repeat(found: Mapping[str, Any]) -> Repeat:
    values = {field: found[key] for field, key in REPEAT_KEYS.items()}
    return Repeat(**values | {"quarters": tuple(values["quarters"])})

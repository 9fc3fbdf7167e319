"""One request of a run by its name, `REQ-7a2f-17`: its record, the other turns of its conversation, and what the log of
its Pod says around it."""
from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.observation import LogSeen
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import RequestRows
from elastometer.model.units import SECOND, Instant
from elastometer_loadgen.base.turns import TURN_BITS, conversation_of

_NAME = re.compile(r"\[?REQ-(?P<fingerprint>[0-9a-f]{4})-(?P<number>[0-9]{1,16})\]?")
# How much of a log is shown before a request was sent and after it was over. The load Pod and the server's node have
# clocks of their own, so the log line of a request may be dated slightly before it.
AROUND = 5 * SECOND
MAX_LOG_LINES = 40


@dataclass(frozen=True, slots=True)
class RequestName:
    """A request's name: its fingerprint and its id. In the mark of a conversation it is that of the first turn."""

    fingerprint: str
    number: int


@dataclass(frozen=True, slots=True)
class FoundRequest:
    """`log` is in order of time; `log_left_out` counts the lines of that span that are not in it."""

    record: RecordedRequest
    turns: tuple[RecordedRequest, ...]
    log: tuple[LogSeen, ...]
    log_left_out: int
    has_log: bool
    """Whether anything of its Pod's log was recorded."""


def name_from(text: str) -> RequestName | None:
    """The name in a text, with or without its brackets; None for any other text."""
    found = _NAME.fullmatch(text.strip())
    return None if found is None else RequestName(found["fingerprint"], int(found["number"]))


def find_request(evidence: Evidence, name: RequestName) -> FoundRequest | None:
    """The request; None where the run has none of this id, or where that has another fingerprint."""
    table = evidence.table
    first = conversation_of(name.number)
    turns = RequestRows(table.filter((pl.col("id") & (1 << TURN_BITS) - 1) == first).sort("id"))
    record = next((one for one in turns if one.id == name.number and one.fingerprint == name.fingerprint), None)
    if record is None:
        return None
    log = evidence.logs.get(record.pod or "", ())
    near = [line for line in log if _start(record) - AROUND <= line.time <= _end(record) + AROUND]
    nearest = sorted(near, key=lambda line: abs(line.time - _end(record)))[:MAX_LOG_LINES]
    shown = sorted(nearest, key=lambda line: line.time)
    others = tuple(one for one in turns if one.id != record.id)
    return FoundRequest(record, others, tuple(shown), len(near) - len(shown), bool(log))


def _start(record: RecordedRequest) -> Instant:
    return record.intended if record.send is None else record.send


def _end(record: RecordedRequest) -> Instant:
    return _start(record) if record.end is None else record.end

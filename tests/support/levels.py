"""Closed loops made by hand: stages that hold so many requests in flight, with answers that take as long as is said.

All instants are seconds from the start of the load.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.replicas import replica_curves
from elastometer.analysis.levels.levels import level_rows
from elastometer.analysis.resources_used.measurements import measurements
from elastometer.analysis.run import DerivedRun
from elastometer.model.bundle import Bundle
from elastometer.model.levels import LevelRow
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import RequestRows, in_order, table_of
from elastometer.model.terms import Objective, StageWindow, Terms
from elastometer.model.units import SECOND
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageType

# (number of the request within its stage, when it is sent) -> seconds until its end
Takes = Callable[[int, float], float]


@dataclass(frozen=True, slots=True)
class Level:
    """One stage of Concurrency: `takes` says how long each request takes, `of` changes the record made of it."""

    name: str
    concurrency: int
    start: float
    end: float
    takes: Takes
    of: Callable[[int, RecordedRequest], RecordedRequest] = lambda _, record: record
    window: Mapping[str, Any] | None = None


def answer(number: int, stage: str, sent: float, seconds: float, **fields: Any) -> RecordedRequest:
    """A request that was sent when it was due, and whose first token came after half of its time."""
    begin, end = round(sent * SECOND), round((sent + seconds) * SECOND)
    return replace(RecordedRequest(
        id=number, worker=0, stage=stage, task="chat", intended=begin, send=begin, connect=None,
        first_byte=(begin + end) // 2, first_token=(begin + end) // 2, last_token=end, end=end, chunks=20,
        prompt_tokens=100, completion_tokens=20, first_chunks=1, status=200, finish_reason="stop",
        outcome=Outcome.SUCCESS, error=None, pod=None, address=None, fingerprint=None, first_attempt=None, checks={}),
        **fields)


def lost(record: RecordedRequest, outcome: Outcome, status: int | None, error: str | None = None) -> RecordedRequest:
    """The same request, not served."""
    return replace(record, outcome=outcome, status=status, error=error, first_token=None, last_token=None,
                   finish_reason=None, completion_tokens=None)


def held(level: Level) -> Iterable[RecordedRequest]:
    """The requests of a level: each slot sends the next one as the last one ends, until the level ends."""
    slots, number = [level.start] * level.concurrency, 0
    while (at := min(slots)) < level.end:
        slot = slots.index(at)
        seconds = level.takes(number, at)
        yield level.of(number, answer(number, level.name, at, seconds))
        slots[slot], number = at + seconds, number + 1


def run_of(levels: Sequence[Level], objectives: Sequence[Objective] = ()) -> DerivedRun:
    """A run of these levels, one after the other."""
    stages = tuple(replace(StageWindow(
        one.name, one.start, one.end, None, None, StageType.CONCURRENCY, one.end - one.start), **(one.window or {}))
        for one in levels)
    spec = {"spec": {"load": {"stages": [
        {"name": one.name, "type": "Concurrency", "concurrency": one.concurrency} for one in levels]}}}
    records = [replace(record, id=number) for number, record in enumerate(
        record for one in levels for record in held(one))]
    terms = Terms(stages=stages, objectives=tuple(objectives))
    evidence = Evidence(
        terms=terms, origin=0, has_origin=True, stages=stages, spec=spec,
        requests=RequestRows(in_order(table_of(records))))
    return DerivedRun(Bundle(terms), evidence, (), (), replica_curves(evidence))


def rows_of(levels: Sequence[Level], objectives: Sequence[Objective] = ()) -> tuple[LevelRow, ...]:
    """Their rows."""
    run = run_of(levels, objectives)
    return level_rows(run, measurements(run))

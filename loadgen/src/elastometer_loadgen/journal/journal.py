"""What a worker notes in addition to its records while it runs, so that it can continue after a restart.

When the load started, when each open-ended stage ended, and what the steps of a Knee found. Each line is handed to the
operating system at once, without fsync: that survives a kill of the process, though not a crash of the machine. A torn
last line is cut off when the file is opened again. A worker without an incarnation is never continued and keeps none.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.record import format_instant, parse_instant
from elastometer_loadgen.journal.knee_record import Step

JOURNAL_NAME = "journal.jsonl"


@dataclass(slots=True)
class KneeNotes:
    """The notes of one Knee: `numbers` counts requests given out; `current` is value and begin of the current step."""

    steps: list[Step] = field(default_factory=list)
    soak: Step | None = None
    numbers: int = 0
    current: tuple[int, float] | None = None
    interrupted: list[tuple[int, float]] = field(default_factory=list)


class JournalError(Exception):
    """The disk did not take a line, so the run could not be continued from here."""


class Journal:
    """Instants are monotonic seconds of this process, except the start, which is in microseconds since 1970."""

    def __init__(self, directory: Path, incarnation: str | None, clock: Clock) -> None:
        self._clock = clock
        self._incarnation = incarnation
        self._path = directory / JOURNAL_NAME
        self._file: int | None = None
        self._ended: dict[str, float] = {}
        self._knees: dict[str, KneeNotes] = {}
        self.start: int | None = None
        self.interruptions: list[dict[str, str | None]] = []
        """Each lasts from the last record before a restart until the worker was back."""
        self._size = self._read() if incarnation is not None and self._path.exists() else 0

    def open(self, start: int, last_record: str | None) -> None:
        """Begins a journal or continues one; raises OSError or JournalError when the disk does not take it."""
        if self._incarnation is None:
            return
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        # The torn last line of an earlier process must not become the start of the next one.
        os.ftruncate(self._file, self._size)
        if self.start is None:
            self._write("Started", incarnation=self._incarnation, time=format_instant(start))
        else:
            back = self._time(monotonic())
            self.interruptions.append({"fromTime": last_record, "toTime": back})
            self._write("Resumed", **self.interruptions[-1])

    def close(self) -> None:
        """Nothing more is written."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def end_of(self, stage: str) -> float | None:
        """When an open-ended stage was over; None when it has not ended."""
        return self._ended.get(stage)

    def knee(self, stage: str) -> KneeNotes:
        """What is known about a Knee."""
        return self._knees.setdefault(stage, KneeNotes())

    def note_end(self, stage: str, at: float) -> None:
        """Notes that an open-ended stage is over."""
        self._ended[stage] = at
        self._write("StageEnded", stage=stage, time=self._time(at))

    def note_step(self, stage: str, value: int, at: float, numbers: int) -> None:
        """Notes that a step of a Knee, or its soak, begins; by then `numbers` request numbers have been given out."""
        notes = self.knee(stage)
        notes.current, notes.numbers = (value, at), numbers
        self._write("StepBegun", stage=stage, value=value, time=self._time(at), numbers=numbers)

    def note_held(self, stage: str, step: Step, *, is_soak: bool) -> None:
        """Notes that a step of a Knee was held to its end."""
        self._take_step(self.knee(stage), step, is_soak=is_soak)
        times = {"startTime": self._time(step.begin), "time": self._time(step.end)}
        self._write("StepHeld", stage=stage, value=step.value, **times, failed=step.failed,
                    inconclusive=step.inconclusive, isSoak=is_soak)

    def _take_step(self, notes: KneeNotes, step: Step, *, is_soak: bool) -> None:
        notes.current = None
        if is_soak:
            notes.soak = step
        else:
            notes.steps.append(step)

    def _read(self) -> int:
        """Takes over the journal of the same incarnation; returns how many of its bytes are complete lines."""
        whole = 0
        for line, event in _events(self._path):
            if not whole and event.get("incarnation") != self._incarnation:
                return 0
            self._take(event)
            whole += len(line)
        for notes in self._knees.values():
            self._cut(notes)
        return whole

    def _take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "Started":
                self.start = parse_instant(event["time"])
            case "Resumed":
                self.interruptions.append({name: event[name] for name in ("fromTime", "toTime")})
            case "StageEnded":
                self._ended[event["stage"]] = self._at(event["time"])
            case "StepBegun":
                notes = self.knee(event["stage"])
                self._cut(notes)
                notes.current, notes.numbers = (event["value"], self._at(event["time"])), event["numbers"]
            case "StepHeld":
                begin, end = self._at(event["startTime"]), self._at(event["time"])
                why = event.get("inconclusive", event.get("untold"))  # earlier versions wrote `untold`
                step = Step(event["value"], begin, end, event["failed"], why)
                self._take_step(self.knee(event["stage"]), step, is_soak=event["isSoak"])

    def _cut(self, notes: KneeNotes) -> None:
        """Notes as interrupted a step that began and was not held to its end."""
        if notes.current is not None:
            notes.interrupted.append(notes.current)
            notes.current = None

    def _write(self, event: str, **values: object) -> None:
        if self._file is None:
            return
        line = orjson.dumps({"event": event, **values}, option=orjson.OPT_APPEND_NEWLINE)
        try:
            written = os.write(self._file, line)
            if written != len(line):
                os.ftruncate(self._file, self._size)
                raise JournalError(f"{self._path}: the disk took {written} of {len(line)} bytes")
        except OSError as error:
            raise JournalError(f"the journal could not be written: {error}") from error
        self._size += written

    def _time(self, at: float) -> str:
        return format_instant(self._clock.instant(at))

    def _at(self, time: str) -> float:
        return self._clock.monotonic_of(parse_instant(time))


def _events(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                # A crash of the machine may leave anything here; the complete lines before it count.
                return
            if not isinstance(event, dict) or "event" not in event:
                return
            yield line, event

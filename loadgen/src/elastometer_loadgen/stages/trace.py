"""Trace: recorded traffic sent again, at its own instants and with its own lengths. Open loop. Pure."""

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.stages.defaults import StageDefaults
from elastometer_loadgen.stages.stage import MAX_STAGE_SECONDS, Context, Refusal, StageType, Turns
from elastometer_loadgen.stages.trace_file import TRACE_TASK, Trace, TraceFormat, parse_trace, unit_of
from elastometer_loadgen.stages.trace_time import TimeUnit

FIELDS = ("file", "format", "timeUnit", "timeScale", "durationSeconds")
TIME_SCALE = ("0.000001", "1000000")
MAX_PATH_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class TraceStage(StageDefaults):
    """Open loop: recorded instants and sizes. Times of the file are multiplied by `time_scale`: 0.5 is twice as fast.

    `trace` is None until the file was read. `limit_seconds` cuts the trace off; None means all of it. Without a
    `time_unit` the times count what those of the format do.
    """

    name: str
    file: str
    format: TraceFormat
    time_scale: Fraction
    limit_seconds: int | None
    time_unit: TimeUnit | None = None
    trace: Trace | None = None

    @property
    def type(self) -> StageType:
        return StageType.TRACE

    @property
    def duration_seconds(self) -> int:
        """The limit, or else up to the next whole second after the last request."""
        if self.limit_seconds is not None or self.trace is None:
            return self.limit_seconds or 1
        return math.floor(self.trace.times[-1] * float(self.time_scale)) + 1

    @property
    def expected(self) -> Fraction:
        """The number of requests; 0 until the file was read."""
        return Fraction(self._within(self.duration_seconds))

    @property
    def fixes_sizes(self) -> bool:
        return True

    @property
    def sized_tasks(self) -> tuple[str, ...]:
        return (TRACE_TASK,)

    @property
    def data_file(self) -> str:
        return self.file

    @property
    def awaits_data(self) -> bool:
        return self.trace is None

    @property
    def has_unknown_length(self) -> bool:
        return self.trace is None and self.limit_seconds is None

    @property
    def recorded(self) -> Trace | None:
        return self.trace

    def with_data(self, lines: Iterable[str]) -> "TraceStage":
        """The stage with its trace. Raises FileFault."""
        return replace(self, trace=parse_trace(lines, self.file, self.format, self.time_unit))

    @property
    def warning(self) -> str | None:
        """The file's times seem to count something else than they are read as."""
        doubt = None if self.trace is None else self.trace.doubt
        if doubt is None:
            return None
        read_as = unit_of(self.format, self.time_unit)
        return (f"the times of {self.file} are read as {read_as}, but look like {doubt.unit}, since {doubt.reason}; "
                f"set timeUnit of stage {self.name} to {doubt.unit} or, if they are right, to {read_as}")

    def data_refusal(self) -> Refusal | None:
        """A trace of days is more likely a wrong scale than an intention."""
        if self.duration_seconds <= MAX_STAGE_SECONDS:
            return None
        rule = f"must play the trace within {MAX_STAGE_SECONDS} s, or durationSeconds must cut it off"
        if self.trace is not None and self.trace.doubt is not None:
            rule = f"{rule}, or timeUnit must be {self.trace.doubt.unit}"
        return Refusal("timeScale", f"{rule}; it takes {self.duration_seconds} s")

    def requests(self, turns: Turns) -> Fraction:  # noqa: ARG002
        """A line of the file is one request, never a conversation."""
        return self.expected

    def instants(self, seed: str, carried: Fraction) -> "tuple[array[float], Fraction]":  # noqa: ARG002
        """Raises ValueError when the file was not read."""
        if self.trace is None:
            raise ValueError(f"the file of stage {self.name} was not read")
        scale = float(self.time_scale)
        return array("d", (at * scale for at in self.trace.times[: int(self.expected)])), Fraction(0)

    def count_between(self, low: float, high: float) -> float | None:
        return None if self.trace is None else float(self._within(high) - self._within(low))

    def details(self) -> dict[str, Any]:
        unit, warning = unit_of(self.format, self.time_unit), self.warning
        return {
            "file": self.file, "format": self.format.value, "timeScale": float(self.time_scale),
            "timeUnit": None if unit is None else unit.value, **({"warning": warning} if warning else {}),
        }

    def sentence(self) -> str:
        return f"{self.file} ({self.format}), times x {float(self.time_scale):g}"

    def load_at(self, seconds: float) -> str:
        return f"{self._within(seconds + 1) - self._within(seconds):.1f}/s"

    def _within(self, seconds: float) -> int:
        """The number of requests within this many seconds from the stage's begin."""
        return 0 if self.trace is None else self.trace.within(seconds, float(self.time_scale))


def read(fields: Fields, context: Context) -> TraceStage:  # noqa: ARG001
    """A Trace as its profile names it; the file is read later."""
    fields.require("format")
    limit = fields.integer("durationSeconds", 1, MAX_STAGE_SECONDS, default=1)
    return TraceStage(
        name=fields.name(),
        file=fields.text("file", MAX_PATH_CHARACTERS, default=None),
        format=fields.choice("format", TraceFormat, default=TraceFormat.AZURE_LLM),
        time_scale=fields.decimal("timeScale", *TIME_SCALE, default=Fraction(1)) or Fraction(1),
        limit_seconds=limit if fields.has("durationSeconds") else None,
        time_unit=fields.choice("timeUnit", TimeUnit, default=TimeUnit.SECONDS) if fields.has("timeUnit") else None,
    )

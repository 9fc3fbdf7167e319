"""Recorded traffic from a file: when each request arrived, and how long its prompt and its answer were.

A file is read and checked completely before anything is sent. A byte-order mark, Windows line ends and blank lines are
accepted.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePath

from elastometer_loadgen.base.fields import shown
from elastometer_loadgen.base.files import FileFault
from elastometer_loadgen.base.tables import Columns, csv_rows, json_objects, letters
from elastometer_loadgen.stages.trace_time import Doubt, Time, TimeUnit, checked_number, doubt, read_time

MAX_LINES = 10_000_000
MAX_TOKENS = 1_000_000
# A typing error such as 1e308 is a valid number too, and the length of the stage would overflow.
MAX_YEARS = 10
MAX_SECONDS = MAX_YEARS * 366 * 86_400

# The task of a recorded request.
TRACE_TASK = "trace"


class TraceFormat(StrEnum):
    """The formats that can be read; docs/load.md lists their columns and keys."""

    AZURE_LLM = "AzureLLM"
    BURST_GPT = "BurstGPT"
    MOONCAKE = "Mooncake"


@dataclass(frozen=True, slots=True)
class Size:
    """The tokens of a request's prompt and answer, at least 1 each.

    `blocks` are the ids of the prompt's leading blocks of text: requests that share ids share that text.
    """

    task: str
    prompt_tokens: int
    output_tokens: int
    blocks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """The requests of a file in order; `times` are seconds since the first of them, before any scale."""

    times: "array[float]"
    prompt_tokens: "array[int]"
    output_tokens: "array[int]"
    blocks: tuple[tuple[int, ...], ...]
    doubt: Doubt | None = None

    def __len__(self) -> int:
        return len(self.times)

    def size(self, number: int) -> Size:
        """The size of the request with this number in the file; servers reject 0 tokens, so 0 counts as 1."""
        blocks = self.blocks[number] if self.blocks else ()
        return Size(TRACE_TASK, max(self.prompt_tokens[number], 1), max(self.output_tokens[number], 1), blocks)

    def within(self, seconds: float, scale: float) -> int:
        """How many requests arrive before this instant of the scaled trace."""
        return bisect_left(self.times, seconds, key=lambda at: at * scale)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line; `written` is the time as it stands in the line."""

    line: int
    at: Time
    written: str
    prompt_tokens: int
    output_tokens: int
    blocks: tuple[int, ...] = ()


def unit_of(form: TraceFormat, given: TimeUnit | None) -> TimeUnit | None:
    """What numbers of a file count; None where its times are dates."""
    return given or _UNITS[form]


def parse_trace(lines: Iterable[str], name: str, form: TraceFormat, given: TimeUnit | None = None) -> Trace:
    """The trace in a file's text; raises FileFault. Without a given unit it is that of the format, with a doubt."""
    name = PurePath(name).name
    rows = _read(lines, name, form, unit_of(form, given))
    trace, first, has_fractions = _collect(rows, name, given)
    return trace if given else replace(trace, doubt=doubt(first, trace.times, has_fractions=has_fractions))


def _collect(rows: Iterator[_Row], name: str, given: TimeUnit | None) -> tuple[Trace, Time, bool]:
    trace = Trace(array("d"), array("q"), array("q"), ())
    blocks: list[tuple[int, ...]] = []
    first, before = None, None
    has_fractions = False
    for row in rows:
        first = first or row
        if len(trace) == MAX_LINES:
            raise FileFault(f"{name} must hold at most {MAX_LINES} requests")
        trace.times.append(_seconds(row, first, before or first, name, given))
        trace.prompt_tokens.append(row.prompt_tokens)
        trace.output_tokens.append(row.output_tokens)
        blocks.append(row.blocks)
        has_fractions = has_fractions or row.at.value % 1 != 0
        before = row
    if first is None:
        raise FileFault(f"{name} must hold at least one request; it holds none")
    return replace(trace, blocks=tuple(blocks) if any(blocks) else ()), first.at, has_fractions


def _seconds(row: _Row, first: _Row, before: _Row, name: str, given: TimeUnit | None) -> float:
    """When the request is due, after the first; raises FileFault unless that is possible."""
    where = f"{name} line {row.line}: its time must"
    if row.at.unit is not before.at.unit:
        raise FileFault(f"{where} be a {_kind(before)}, as {before.written} on line {before.line}; got {row.written}")
    if row.at.value < before.at.value:
        raise FileFault(f"{where} not go back in time from {before.written} on the line before; got {row.written}")
    seconds = row.at.seconds_after(first.at)
    if seconds > MAX_SECONDS:
        unit = row.at.unit
        hint = "" if given or unit is None else f", which is counted in {unit.lower()} unless timeUnit says otherwise"
        rule = f"be at most {MAX_YEARS} years after {first.written} on line {first.line}"
        raise FileFault(f"{where} {rule}; got {row.written}{hint}")
    return seconds


def _kind(row: _Row) -> str:
    return "date" if row.at.unit is None else "number"


def _read(lines: Iterable[str], name: str, form: TraceFormat, unit: TimeUnit | None) -> Iterator[_Row]:
    when, prompt, output = _NAMES[form]
    for line, found, blocks in _fields(lines, name, form):
        where = f"{name} line {line}"
        at = read_time(found[0], where, when, unit)
        tokens = (_read_tokens(found[1], where, prompt), _read_tokens(found[2], where, output))
        yield _Row(line, at, _written(found[0]), *tokens, _read_blocks(blocks, where))


def _fields(lines: Iterable[str], name: str, form: TraceFormat) -> Iterator[tuple[int, list[object], object]]:
    """Line number, time, both lengths and the ids of the blocks of each request, as they were written."""
    names = _NAMES[form]
    if form is TraceFormat.MOONCAKE:
        for line, found in json_objects(lines, name):
            yield line, [found.get(key) for key in names], found.get("hash_ids")
        return
    for line, cells in csv_rows(lines, name, Columns(names, letters)):
        yield line, [cell.strip() for cell in cells], None


def _written(value: object) -> str:
    return value if isinstance(value, str) else shown(value)


def _read_blocks(value: object, where: str) -> tuple[int, ...]:
    ids = [] if value is None else value
    if not isinstance(ids, list) or not all(type(block) is int and block >= 0 for block in ids):
        raise FileFault(f"{where}: hash_ids must be a list of integers of at least 0; got {shown(value)}")
    return tuple(ids)


def _read_tokens(value: object, where: str, column: str) -> int:
    """A count from CSV (text) or JSON (a number); BurstGPT writes some of them as 12.0."""
    number = checked_number(value, where, column, "tokens")
    if number > MAX_TOKENS or number % 1 != 0:
        raise FileFault(f"{where}: {column} must be a whole number up to {MAX_TOKENS}; got {shown(value)}")
    return int(number)


# The names of a request's time, prompt length and answer length.
_NAMES: dict[TraceFormat, tuple[str, str, str]] = {
    TraceFormat.AZURE_LLM: ("TIMESTAMP", "ContextTokens", "GeneratedTokens"),
    TraceFormat.BURST_GPT: ("Timestamp", "Request tokens", "Response tokens"),
    TraceFormat.MOONCAKE: ("timestamp", "input_length", "output_length"),
}
_UNITS: dict[TraceFormat, TimeUnit | None] = {
    TraceFormat.AZURE_LLM: None,
    TraceFormat.BURST_GPT: TimeUnit.SECONDS,
    TraceFormat.MOONCAKE: TimeUnit.MILLISECONDS,
}

"""Recorded traffic from a file: when each request arrived, and how long its prompt and its answer were.

A file is read and checked completely before anything is sent. A byte-order mark, Windows line ends and blank lines are
accepted.
"""

import csv
import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from elastometer_loadgen.base.fields import shown
from elastometer_loadgen.base.files import FileFault, json_objects

MAX_LINES = 10_000_000
MAX_TOKENS = 1_000_000
# A typing error such as 1e308 is a valid number too, and the length of the stage would overflow.
MAX_YEARS = 10
MAX_SECONDS = MAX_YEARS * 366 * 86_400
MILLISECONDS = 1000


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

    def __len__(self) -> int:
        return len(self.times)

    def size(self, number: int) -> Size:
        """The size of the request with this number in the file; servers reject 0 tokens, so 0 counts as 1."""
        blocks = self.blocks[number] if self.blocks else ()
        return Size("trace", max(self.prompt_tokens[number], 1), max(self.output_tokens[number], 1), blocks)

    def within(self, seconds: float, scale: float) -> int:
        """How many requests arrive before this instant of the scaled trace."""
        return bisect_left(self.times, seconds, key=lambda at: at * scale)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line. `at` is in the format's own unit, `written` is the time as it stands in the line."""

    line: int
    at: Any
    written: str
    prompt_tokens: int
    output_tokens: int
    blocks: tuple[int, ...] = ()


def parse_trace(lines: Iterable[str], name: str, form: TraceFormat) -> Trace:
    """The trace in a file's text; raises FileFault."""
    name = PurePath(name).name
    return _collect(_ROWS[form](lines, name), name, _SECONDS[form])


def _collect(rows: Iterator[_Row], name: str, seconds: Callable[[Any, Any], float]) -> Trace:
    trace = Trace(array("d"), array("q"), array("q"), ())
    blocks: list[tuple[int, ...]] = []
    first, before = None, None
    for row in rows:
        first = first or row
        if before is not None and row.at < before.at:
            rule = f"must not go back in time from {before.written} on the line before"
            raise FileFault(f"{name} line {row.line}: its time {rule}; got {row.written}")
        if len(trace) == MAX_LINES:
            raise FileFault(f"{name} must hold at most {MAX_LINES} requests")
        at = seconds(first.at, row.at)
        if at > MAX_SECONDS:
            rule = f"must be at most {MAX_YEARS} years after {first.written} on line {first.line}"
            raise FileFault(f"{name} line {row.line}: its time {rule}; got {row.written}")
        trace.times.append(at)
        trace.prompt_tokens.append(row.prompt_tokens)
        trace.output_tokens.append(row.output_tokens)
        blocks.append(row.blocks)
        before = row
    if first is None:
        raise FileFault(f"{name} must hold at least one request; it holds none")
    return Trace(trace.times, trace.prompt_tokens, trace.output_tokens, tuple(blocks) if any(blocks) else ())


def _read_csv(lines: Iterable[str], name: str, wanted: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Line number and the wanted columns of each line of a CSV file; other columns are ignored."""
    reader = csv.reader(lines)
    places: list[int] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not places:
                places = _column_positions([cell.strip() for cell in cells], name, reader.line_num, wanted)
            elif len(cells) <= max(places):
                rule = f"must have at least {max(places) + 1} columns, as its header has; got {len(cells)}"
                raise FileFault(f"{name} line {reader.line_num}: {rule}")
            else:
                yield reader.line_num, [cells[place].strip() for place in places]
    except csv.Error as error:
        raise FileFault(f"{name} line {reader.line_num}: must be CSV: {error}") from error


def _column_positions(header: list[str], name: str, line: int, wanted: tuple[str, ...]) -> list[int]:
    missing = [column for column in wanted if column not in header]
    if missing:
        rule = f"must name the columns {', '.join(wanted)}; it lacks {', '.join(missing)}"
        raise FileFault(f"{name} line {line}: the header {rule}; got {shown(','.join(header))}")
    return [header.index(column) for column in wanted]


def _read_azure(lines: Iterable[str], name: str) -> Iterator[_Row]:
    columns = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
    for line, (when, context, generated) in _read_csv(lines, name, columns):
        where = f"{name} line {line}"
        try:
            at = datetime.fromisoformat(when)
        except ValueError:
            rule = "must be a date and time such as 2023-11-16 18:15:46.6805900"
            raise FileFault(f"{where}: TIMESTAMP {rule}; got {shown(when)}") from None
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        tokens = (_read_tokens(context, where, columns[1]), _read_tokens(generated, where, columns[2]))
        yield _Row(line, at, when, *tokens)


def _read_burst(lines: Iterable[str], name: str) -> Iterator[_Row]:
    columns = ("Timestamp", "Request tokens", "Response tokens")
    for line, (when, request, response) in _read_csv(lines, name, columns):
        where = f"{name} line {line}"
        at = _read_number(when, where, columns[0], "seconds")
        tokens = (_read_tokens(request, where, columns[1]), _read_tokens(response, where, columns[2]))
        yield _Row(line, at, when, *tokens)


def _read_mooncake(lines: Iterable[str], name: str) -> Iterator[_Row]:
    for line, found in json_objects(lines, name):
        where = f"{name} line {line}"
        at = _read_number(found.get("timestamp"), where, "timestamp", "milliseconds")
        prompt, output = (_read_tokens(found.get(key), where, key) for key in ("input_length", "output_length"))
        yield _Row(line, at, shown(found["timestamp"]), prompt, output, _read_blocks(found.get("hash_ids"), where))


def _read_blocks(value: object, where: str) -> tuple[int, ...]:
    ids = [] if value is None else value
    if not isinstance(ids, list) or not all(type(block) is int and block >= 0 for block in ids):
        raise FileFault(f"{where}: hash_ids must be a list of integers of at least 0; got {shown(value)}")
    return tuple(ids)


def _read_number(value: object, where: str, column: str, unit: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, str | int | float) else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise FileFault(f"{where}: {column} must be a number of {unit} of at least 0; got {shown(value)}")
    return number


def _read_tokens(value: object, where: str, column: str) -> int:
    """A count from CSV (text) or JSON (a number); BurstGPT writes some of them as 12.0."""
    number = _read_number(value, where, column, "tokens")
    if number != int(number) or number > MAX_TOKENS:
        raise FileFault(f"{where}: {column} must be a whole number up to {MAX_TOKENS}; got {shown(value)}")
    return int(number)


_ROWS: dict[TraceFormat, Callable[[Iterable[str], str], Iterator[_Row]]] = {
    TraceFormat.AZURE_LLM: _read_azure, TraceFormat.BURST_GPT: _read_burst, TraceFormat.MOONCAKE: _read_mooncake,
}
_SECONDS: dict[TraceFormat, Callable[[Any, Any], float]] = {
    TraceFormat.AZURE_LLM: lambda first, at: float((at - first).total_seconds()),
    TraceFormat.BURST_GPT: lambda first, at: float(Fraction(at) - Fraction(first)),
    TraceFormat.MOONCAKE: lambda first, at: float((Fraction(at) - Fraction(first)) / MILLISECONDS),
}

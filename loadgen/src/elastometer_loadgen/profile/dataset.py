"""The data for a task's templates: rows of fields, inline in the profile or in a file next to it.

A file is JSON Lines (one object per line) or CSV with a header, depending on the extension of its name. It is read and
checked completely before anything is sent; its first fault names the file, the line, the rule and the value.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from elastometer_loadgen.base.fields import Fault, Fields, shown
from elastometer_loadgen.base.files import FileFault, json_objects
from elastometer_loadgen.base.template import CANARY_FIELD

Row = Mapping[str, str]
JSON_LINES, CSV = ".jsonl", ".csv"
MAX_ROWS = 100_000
MAX_PATH_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class RequiredFields:
    """The fields that the template at a path uses."""

    path: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of rows that has not been read yet; `path` is that of the field which names it."""

    path: str
    name: str


def parse_dataset(fields: Fields) -> tuple[tuple[Row, ...], DataFile | None]:
    """The field `dataset`: its rows, or the file that holds them; neither where it is absent."""
    if not fields.has("dataset"):
        return (), None
    dataset = fields.mapping("dataset", ("inline", "file"))
    if dataset.has("inline") == dataset.has("file"):
        dataset.fault("inline", "must be given, or file instead, but not both")
        return (), None
    if dataset.has("file"):
        name = dataset.text("file", MAX_PATH_CHARACTERS, default=None)
        if name and not name.endswith((JSON_LINES, CSV)):
            dataset.refuse("file", f"end in {JSON_LINES} or {CSV}")
        return (), DataFile(dataset.at("file"), name)
    where = dataset.at("inline")
    given = dataset.items("inline", MAX_ROWS, required=True)
    return tuple(_inline(row, f"{where}[{index}]", fields.faults) for index, row in enumerate(given)), None


def _inline(value: object, path: str, faults: list[Fault]) -> Row:
    if not isinstance(value, Mapping):
        faults.append(Fault(path, f"must be a mapping of field to value; got {shown(value)}"))
        return {}
    faults.extend(Fault(f"{path}.{key}", rule) for key, rule in _flaws(value))
    return _row(value)


def _row(value: Mapping[Any, object]) -> Row:
    return {str(key): str(item) for key, item in value.items()}


def _flaws(value: Mapping[Any, object]) -> Iterator[tuple[str, str]]:
    """Pairs of a field and the rule that it breaks."""
    for key, item in value.items():
        if key == CANARY_FIELD:
            yield str(key), "must have another name: this one is reserved for the request's own mark"
        if not isinstance(item, str | int | float):
            yield str(key), f"must be a string or a number; got {shown(item)}"


def missing_fields(rows: Iterable[tuple[str, Row]], needs: Iterable[RequiredFields]) -> Iterator[tuple[str, str]]:
    """Pairs of place and rule for the first row that lacks a field, for each template.

    It stands for all such rows, since a missing column is one fault and not thousands.
    """
    known = list(rows)
    for need in needs:
        for where, row in islice(((at, row) for at, row in known if need.fields - row.keys()), 1):
            for name in sorted(need.fields - row.keys()):
                yield where, f"must hold the field '{name}' that {need.path} uses; got {shown(dict(row))}"


def read_rows(lines: Iterable[str], name: str, needs: Iterable[RequiredFields]) -> tuple[Row, ...]:
    """The rows of a file, each with all fields that the templates use; raises FileFault."""
    rows = _json_rows(lines, name) if name.endswith(JSON_LINES) else _csv_rows(lines, name)
    found = list(islice(rows, MAX_ROWS + 1))
    if not found:
        raise FileFault(f"{name} must hold at least one row; it holds none")
    if len(found) > MAX_ROWS:
        raise FileFault(f"{name} must hold at most {MAX_ROWS} rows; it holds more")
    for where, rule in missing_fields(found, needs):
        raise FileFault(f"{where}: {rule}")
    return tuple(row for _, row in found)


def _json_rows(lines: Iterable[str], name: str) -> Iterator[tuple[str, Row]]:
    for number, found in json_objects(lines, name):
        where = f"{name} line {number}"
        yield where, _checked(found, where)


def _csv_rows(lines: Iterable[str], name: str) -> Iterator[tuple[str, Row]]:
    reader = csv.reader(lines, strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            where = f"{name} line {reader.line_num}"
            if not cells:
                continue
            if not header:
                header = _header(cells, where)
            elif len(cells) != len(header):
                rule = f"must have {len(header)} columns, as its header has"
                raise FileFault(f"{where}: {rule}; got {len(cells)}: {shown(','.join(cells))}")
            else:
                yield where, _checked(dict(zip(header, cells, strict=True)), where)
    except csv.Error as error:
        raise FileFault(f"{name} line {reader.line_num}: must be CSV: {error}") from error


def _header(cells: list[str], where: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    if "" in names or len(set(names)) < len(names):
        raise FileFault(f"{where}: the header must give every column a different name; got {shown(','.join(names))}")
    return names


def _checked(value: Mapping[Any, object], where: str) -> Row:
    for key, rule in _flaws(value):
        raise FileFault(f"{where}: {key} {rule}")
    return _row(value)

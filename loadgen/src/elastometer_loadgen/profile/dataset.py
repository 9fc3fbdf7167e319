"""The data for a task's templates: rows of fields, inline in the profile or in a file next to it.

A file is JSON Lines (one object per line) or CSV with a header, depending on the extension of its name. It is read and
checked completely before anything is sent; its first fault names the file, the line, the rule and the value. Only the
fields that templates use are kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from math import isfinite

from elastometer_loadgen.base.fields import Fault, Fields, shown
from elastometer_loadgen.base.files import COMPRESSED, FileFault
from elastometer_loadgen.base.tables import RESERVED, Columns, csv_rows, json_objects
from elastometer_loadgen.base.template import CANARY_FIELD
from elastometer_loadgen.checks.schema_template import is_plain_value

Row = Mapping[str, str]
JSON_LINES, CSV = ".jsonl", ".csv"
MAX_ROWS = 100_000
MAX_PATH_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class RequiredFields:
    """The fields that the template at a path uses; with `plain` each must hold a number or a boolean."""

    path: str
    fields: frozenset[str]
    plain: bool = False


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
        if name and not _bare(name).endswith((JSON_LINES, CSV)):
            dataset.refuse("file", f"end in {JSON_LINES} or {CSV}")
        return (), DataFile(dataset.at("file"), name)
    where = dataset.at("inline")
    given = dataset.items("inline", MAX_ROWS, required=True)
    return tuple(_inline(row, f"{where}[{index}]", fields.faults) for index, row in enumerate(given)), None


def _bare(name: str) -> str:
    """The name without the ending of a compressed file."""
    return next((name.removesuffix(ending) for ending in COMPRESSED if name.endswith(ending)), name)


def _inline(value: object, path: str, faults: list[Fault]) -> Row:
    if not isinstance(value, Mapping):
        faults.append(Fault(path, f"must be a mapping of field to value; got {shown(value)}"))
        return {}
    if CANARY_FIELD in value:
        faults.append(Fault(f"{path}.{CANARY_FIELD}", RESERVED))
    faults.extend(Fault(f"{path}.{key}", rule) for key, item in value.items() for rule in _flaws(item))
    return {str(key): _text(item) for key, item in value.items()}


def _text(value: object) -> str:
    """As a file would write it: Python's spelling of true is True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flaws(value: object) -> Iterator[str]:
    """The rules that a field breaks."""
    if not isinstance(value, str | int | float | Decimal) or (isinstance(value, float) and not isfinite(value)):
        yield f"must be a string or a number; got {shown(value)}"
    elif isinstance(value, str) and not value.isascii() and value != value.encode("utf-8", "replace").decode():
        yield "must be text that UTF-8 can hold, and has half of an escaped character"


def missing_fields(rows: Iterable[tuple[str, Row]], needs: Iterable[RequiredFields]) -> Iterator[tuple[str, str]]:
    """Pairs of place and rule for the first row that lacks a field, for each template.

    It stands for all such rows, since a missing column is one fault and not thousands.
    """
    known = list(rows)
    for need in needs:
        for where, row in islice(((at, row) for at, row in known if need.fields - row.keys()), 1):
            for name in sorted(need.fields - row.keys()):
                yield where, _lacks(name, need.path, row)
        yield from islice(_no_plain_values(known, need), 1)


def _no_plain_values(rows: Iterable[tuple[str, Row]], need: RequiredFields) -> Iterator[tuple[str, str]]:
    """Place and rule of each text where a number or a boolean must be."""
    for where, row in rows if need.plain else ():
        for name in sorted(need.fields & row.keys()):
            if not is_plain_value(row[name]):
                rule = f"must hold a number, true or false in the field '{name}', as which {need.path} uses it"
                yield where, f"{rule}; got {shown(row[name])}"


def _lacks(name: str, path: str, row: Mapping[str, object]) -> str:
    return f"must hold the field '{name}' that {path} uses; got {shown(dict(row))}"


def read_rows(lines: Iterable[str], name: str, needs: Sequence[RequiredFields]) -> tuple[Row, ...]:
    """The rows of a file, each with all fields that the templates use; raises FileFault."""
    users = {field: need.path for need in reversed(needs) for field in sorted(need.fields)}
    rows = _json_rows(lines, name, users) if _bare(name).endswith(JSON_LINES) else _csv_rows(lines, name, sorted(users))
    found = tuple(islice(rows, MAX_ROWS + 1))
    if not found:
        raise FileFault(f"{name} must hold at least one row; it holds none")
    if len(found) > MAX_ROWS:
        raise FileFault(f"{name} must hold at most {MAX_ROWS} rows; it holds more")
    numbered = [(f"{name} row {number}", row) for number, row in enumerate(found, 1)]
    for where, rule in (fault for need in needs for fault in _no_plain_values(numbered, need)):
        raise FileFault(f"{where} {rule}")
    return found


def _json_rows(lines: Iterable[str], name: str, users: Mapping[str, str]) -> Iterator[Row]:
    for number, found in json_objects(lines, name):
        where = f"{name} line {number}"
        if CANARY_FIELD in found:
            raise FileFault(f"{where}: {CANARY_FIELD} {RESERVED}")
        for field, path in users.items():
            if field not in found:
                raise FileFault(f"{where}: {_lacks(field, path, found)}")
            for rule in _flaws(found[field]):
                raise FileFault(f"{where}: {field} {rule}")
        yield {field: _text(found[field]) for field in users}


def _csv_rows(lines: Iterable[str], name: str, wanted: list[str]) -> Iterator[Row]:
    for _, cells in csv_rows(lines, name, Columns(wanted, reserved=CANARY_FIELD)):
        yield dict(zip(wanted, cells, strict=True))

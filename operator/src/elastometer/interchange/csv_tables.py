"""The tables of report.json as CSV: one table for each list of rows, nested objects as dotted columns.

The rows of a list inside a row become a table of their own, in which `row` is the number of the row that they belong
to, counted from 0. Absent values are empty cells, and a column of empty cells alone is left out.
"""
from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = dict[str, Any]
# What a spreadsheet would take for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Curves and bins are columns of one table rather than lists of rows.
_TIMELINE, _STEPS = "timeline", ("desired", "spec", "created", "ready", "serving")
_BINS = ("seconds", "planned", "offered", "sent", "served", "failed", "inFlight")
_WINDOWS = ("windowStarts", "firstTokenP50Milliseconds", "firstTokenP95Milliseconds")


def csv_tables(report: Mapping[str, Any]) -> dict[str, bytes]:
    """File names with their content, UTF-8 with LF, from a report as JSON. A table without rows is left out."""
    tables: dict[str, list[Row]] = {"run": []}
    rest = {name: value for name, value in report.items() if name != _TIMELINE}
    tables["run"].append(_flat(rest, "", tables, None))
    tables.update(_timeline(report[_TIMELINE]))
    return {f"{name}.csv": _text(rows) for name, rows in sorted(tables.items()) if rows}


def _flat(
    item: Mapping[str, Any], table: str, tables: dict[str, list[Row]], owner: int | None, prefix: str = "",
) -> Row:
    """One row of `table`. Lists in it go to tables of their own, except lists of texts, which become one cell."""
    row: Row = {}
    for key, value in item.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            row.update(_flat(value, table, tables, owner, f"{name}."))
        elif isinstance(value, list) and value and isinstance(value[0], (Mapping, list)):
            _add(f"{table}.{name}" if table else name, value, tables, owner)
        elif isinstance(value, list):
            if value:
                row[name] = "; ".join(map(str, value))
        else:
            row[name] = value
    return row


def _add(name: str, items: Sequence[Any], tables: dict[str, list[Row]], owner: int | None) -> None:
    rows = tables.setdefault(name, [])
    first: Row = {} if owner is None else {"row": owner}
    for item in items:
        mapping = item if isinstance(item, Mapping) else _pair(item)
        rows.append({**first, **_flat(mapping, name, tables, len(rows))})


def _pair(item: Sequence[Any]) -> Row:
    """A point of a curve, or a name with its value."""
    first = "name" if item and isinstance(item[0], str) else "seconds"
    return dict(zip((first, "value", *map(str, range(2, len(item)))), item, strict=True))


def _timeline(line: Mapping[str, Any]) -> Iterator[tuple[str, list[Row]]]:
    yield "timeline", _columns(line, _BINS)
    yield "timeline.firstToken", _columns(line, _WINDOWS)
    yield "timeline.replicas", [
        {"curve": curve, "seconds": seconds, "replicas": value}
        for curve in _STEPS for seconds, value in line[curve]]
    yield "timeline.scraped", [
        {"curve": curve["name"], "seconds": seconds, "value": value}
        for curve in line["curves"] for seconds, value in curve["points"]]


def _columns(line: Mapping[str, Any], names: Sequence[str]) -> list[Row]:
    return [dict(zip(names, cells, strict=True)) for cells in zip(*(line[name] for name in names), strict=True)]


def _text(rows: Sequence[Row]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name, value in row.items() if value not in (None, "")))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> object:
    """A number as it is; a text that a spreadsheet would compute is marked as text."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value

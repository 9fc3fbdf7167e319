"""The tables that a document has, looked up in the report of its study: each column is a number or has a reason.

A place is a path in report.json: names joined by dots, `[]` for every item of a list, `[name=value]` for the items that
have that value, and `[name~text]` for those whose value begins with a text; several of these in a row must all hold.
In the path of a column, which begins at its row, `{name}` is a field of the row, and `/` at the start begins at the
report.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

STEP = re.compile(r"([A-Za-z0-9]+)|\[(?:([A-Za-z0-9.]+)([=~])([^\]]*))?\]")


@dataclass(frozen=True, slots=True)
class SeedTable:
    """One table, list of numbers or question of a document. `columns` has the place of each by its name there; `rows`
    is the place of the rows, of which there must be at least `least`."""

    section: str
    title: str
    rows: str
    columns: Mapping[str, str]
    least: int = 1


@dataclass(frozen=True, slots=True)
class Dash:
    """A cell without a number; `reason` is None where the report gives none."""

    row: int
    column: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class FoundTable:
    """What a report has of a table."""

    wanted: SeedTable
    rows: int
    cells: int
    dashes: tuple[Dash, ...]

    @property
    def flaws(self) -> tuple[str, ...]:
        """Why the table does not count as found."""
        few = [] if self.rows >= self.wanted.least else [
            f"{self.rows} rows at {self.wanted.rows}, must be at least {self.wanted.least}"]
        bare = [f"row {dash.row}, {dash.column}: no number and no reason"
                for dash in self.dashes if dash.reason is None]
        return (*few, *bare)


def seed_tables(path: Path) -> tuple[SeedTable, ...]:
    """The tables that a file of this directory lists."""
    document = yaml.safe_load(path.read_text())
    return tuple(SeedTable(str(one["section"]), one["title"], one["rows"], one["columns"], one.get("least", 1))
                 for one in document["tables"])


def found_table(wanted: SeedTable, report: Mapping[str, Any]) -> FoundTable:
    """The rows of a table, and each cell of it that has no number."""
    rows = list(values_at(report, wanted.rows))
    dashes = tuple(Dash(number, column, reason_of(report, row, path)) for number, row in enumerate(rows, 1)
                   for column, path in wanted.columns.items() if not _is_there(report, row, path))
    return FoundTable(wanted, len(rows), len(rows) * len(wanted.columns), dashes)


def values_at(node: Any, path: str) -> Iterator[Any]:
    """Everything at a place; nothing where a step leads nowhere."""
    found = [node]
    for step in _steps(path):
        found = [value for item in found for value in _step(item, *step)]
    yield from found


def reason_of(report: Mapping[str, Any], row: Any, path: str) -> str | None:
    """Why there is no number at a place: the `reason` or the `missing` of what is nearest to it, or how many values a
    percentile `needs`. A list of nothing says that there was nothing."""
    root, steps = _root(report, row, path)
    nodes = [root]
    for step in steps:
        below = _step(nodes[-1], *step)
        if not below or below[0] is None:
            break
        nodes.append(below[0])
    names = [step[0] for step in steps if step[0]]
    return next((text for node in reversed(nodes) if (text := _stated(node, names)) is not None), None)


def _is_there(report: Mapping[str, Any], row: Any, path: str) -> bool:
    root, steps = _root(report, row, path)
    found = [root]
    for step in steps:
        found = [value for item in found for value in _step(item, *step)]
    return any(value is not None and value != [] for value in found)


def _root(report: Mapping[str, Any], row: Any, path: str) -> tuple[Any, Sequence[tuple[str, str, str, str]]]:
    filled = re.sub(r"\{(\w+)\}", lambda match: str(row.get(match[1])), path)
    return (report, _steps(filled[1:])) if filled.startswith("/") else (row, _steps(filled))


def _steps(path: str) -> list[tuple[str, str, str, str]]:
    return STEP.findall(path)


def _step(node: Any, name: str, key: str, sign: str, wanted: str) -> list[Any]:
    if name:
        return [node[name]] if isinstance(node, Mapping) and node.get(name) is not None else []
    items = node if isinstance(node, list) else [node] if key else []
    return [item for item in items if not key or _fits(next(iter(values_at(item, key)), None), sign, wanted)]


def _fits(value: Any, sign: str, wanted: str) -> bool:
    return str(value).startswith(wanted) if sign == "~" else str(value) == wanted


def _stated(node: Any, names: Sequence[str]) -> str | None:
    if not isinstance(node, Mapping):
        return None
    missing = node.get("missing")
    named = missing if isinstance(missing, Mapping) else dict(missing) if isinstance(missing, list) else {}
    needs = node.get("needs")
    if isinstance(needs, Mapping) and (count := next((needs[name] for name in names if name in needs), None)):
        return f"needs {count} values"
    # In `missing`, fields have the names that they have in the code.
    known = [*reversed(names), *(re.sub(r"([A-Z])", r"_\1", name).lower() for name in reversed(names))]
    reasons = [*(named.get(name) for name in known),
               *(node.get(key) for key in node if key == "reason" or key.endswith("Reason"))]
    return next((str(one) for one in reasons if one), None)

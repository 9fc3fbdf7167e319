"""Tables that grow with the run. Up to MANY rows a table is shown whole; beyond that, the page shows how the rows are
spread, the few that stand out, and a search over all of them, and Markdown shows the same without the search.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from elastometer.model.estimates import Percentile
from elastometer.model.measurements import Duration
from elastometer.render.wording import estimates, numbers
from elastometer.statistics.percentiles import percentile

T = TypeVar("T")
MANY = 30
# How many rows of each kind stand out.
SHOWN = 8
# What a search may add to the page, in characters of JSON. Rows beyond it are only in report.json; the page says so.
SEARCH_SIZE = 250_000


@dataclass(frozen=True, slots=True)
class Spread:
    """How the known values of one quantity are spread, in milliseconds, `of` so many rows. `name` is that of its
    colour."""

    name: str
    label: str
    of: int
    count: int
    low: float
    quarter: float
    p50: Percentile
    three_quarters: float
    p95: Percentile
    high: float


def spread(name: str, label: str, values: Iterable[float | None]) -> Spread | None:
    """None if no value is known."""
    every = list(values)
    known = sorted(value for value in every if value is not None)
    if not known:
        return None
    quarter, three_quarters = (percentile(known, percent).value or 0.0 for percent in (25, 75))
    return Spread(name, label, len(every), len(known), known[0], quarter, percentile(known, 50), three_quarters,
                  percentile(known, 95), known[-1])


@dataclass(frozen=True, slots=True)
class Box:
    """A spread on a common scale, in percent of it: from the lowest to the highest value, the box around the middle
    half of them, and marks at p50 and p95."""

    low: float
    high: float
    left: float
    right: float
    p50: float
    p95: float


def box(one: Spread, longest: float) -> Box:
    """`longest` is the length of the scale in milliseconds."""
    places = (one.low, one.high, one.quarter, one.three_quarters, one.p50.value or 0.0, one.p95.value or 0.0)
    return Box(*(round(100 * place / longest, 2) if longest > 0 else 0.0 for place in places))


SPREAD_HEAD = ("", "n", "p50", "p95", "Longest")


def spread_cells(one: Spread) -> list[str]:
    """Label, count, p50 and p95 with their intervals, and the longest."""
    count = f"{one.count:,}" + ("" if one.count == one.of else f" of {one.of:,}")
    return [one.label, count, estimates.percentile(one.p50), estimates.percentile(one.p95), numbers.duration(one.high)]


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that stand out for one reason, which is its title; `of` counts all that do."""

    title: str
    of: int
    at: tuple[int, ...]


def standing_out(rows: Sequence[T], figure: Callable[[T], Duration | None], unfinished: str) -> list[Kind]:
    """Those that never ended (called `unfinished`), those whose figure is doubtful, and the slowest of the others."""
    figures = [figure(row) for row in rows]
    never = [at for at, one in enumerate(figures) if one is not None and one.milliseconds is None]
    doubtful = [at for at, one in enumerate(figures) if one is not None and one.milliseconds is not None and one.reason]
    known = [(one.milliseconds, at) for at, one in enumerate(figures) if one and one.milliseconds is not None]
    first = set(doubtful[:SHOWN])
    slow = [at for _, at in sorted(known, key=lambda pair: (-pair[0], pair[1])) if at not in first]
    kinds = ((unfinished, len(never), never), ("doubtful", len(doubtful), doubtful), ("slowest", len(known), slow))
    return [Kind(title, of, tuple(at[:SHOWN])) for title, of, at in kinds if at]


@dataclass(frozen=True, slots=True)
class Search:
    """All rows of a table as text, for the search on the page. `noun` is what a row is, in the plural. Where the table
    has `bars`, each row has (index into them, milliseconds) of its parts."""

    id: str
    noun: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[tuple[int, float], ...], ...] = ()

    @property
    def kept(self) -> int:
        """How many of the rows fit into the page."""
        size = len(json.dumps(_table(self, len(self.rows)), separators=(",", ":")))
        return len(self.rows) if size <= SEARCH_SIZE else len(self.rows) * SEARCH_SIZE // size


def embedded(tables: Iterable[Search | None]) -> dict[str, object]:
    """By their ids, the tables as the script of the page reads them."""
    return {one.id: _table(one, one.kept) for one in tables if one is not None}


def _table(one: Search, kept: int) -> Mapping[str, object]:
    found: dict[str, object] = {
        "noun": one.noun, "head": one.head, "count": kept,
        "columns": [_column([row[index] for row in islice(one.rows, kept)]) for index in range(len(one.head))],
    }
    if one.parts:
        found["bars"] = one.bars
        found["parts"] = [[number for index, took in parts for number in (index, round(took))]
                          for parts in islice(one.parts, kept)]
    return found


def _column(cells: Sequence[str]) -> dict[str, object]:
    """Words that repeat are written once, and so is what all begin with."""
    begin = _common_beginning(cells)
    rest = [cell[len(begin):] for cell in cells]
    words = list(dict.fromkeys(rest))
    if 2 * len(words) > len(rest):
        return {"begin": begin, "cells": rest}
    at = {word: index for index, word in enumerate(words)}
    return {"begin": begin, "words": words, "cells": [at[word] for word in rest]}


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts, default=""), max(texts, default="")
    differs = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:differs]

"""A section of tables: what HTML and Markdown print of it. Cells may hold foreign text; both forms escape it."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from elastometer.model.story import Anchor
from elastometer.render.many import MANY, Search
from elastometer.render.page import sentence
from elastometer.render.tables.chart import Chart
from elastometer.render.wording import tables
from elastometer.render.wording.tables import prose


class Cell(NamedTuple):
    """`text` with a smaller `note`; a `doubtful` one is marked. Both may hold foreign text."""

    text: str
    note: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `is_bad` marks one that fails, `is_sum` one that stands for the others."""

    cells: tuple[Cell, ...]
    is_bad: bool = False
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a head. `words` are the columns that hold words, by their place; all others hold numbers, and the
    first names the row. Beyond MANY rows, the page has a search over all of them, by `id`, and `noun` is what a row is,
    in the plural. `remarks` stand below the table."""

    id: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    title: str = ""
    words: frozenset[int] = frozenset()
    noun: str = "rows"
    remarks: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows that are printed."""
        return self.rows[:MANY]

    @property
    def search(self) -> Search | None:
        """Of a table with more rows than are printed."""
        if len(self.rows) <= MANY:
            return None
        return Search(self.id, self.noun, self.head, tuple(tuple(map(cell_text, row.cells)) for row in self.rows))

    @property
    def rest(self) -> str:
        """What is said of the rows that are not printed."""
        more = len(self.rows) - len(self.shown)
        return f"{more:,} more {self.noun} are in report.json." if more else ""


@dataclass(frozen=True, slots=True)
class TableSection:
    """`source` says in a few words where the numbers are from; `sentences` stand above the tables, `remarks` below.
    HTML alone has the `charts`, and on the page of a run those that its script draws, in the template `curves`."""

    anchor: Anchor
    title: str
    tables: tuple[Table, ...]
    source: str = ""
    sentences: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    curves: str | None = None


def cell_text(cell: Cell) -> str:
    """Both parts in one line."""
    note = f" {cell.note}" if cell.note.startswith("±") else f" ({cell.note})" if cell.note else ""
    return cell.text + note + (" !" if cell.doubtful else "")


def markdown(sections: Sequence[TableSection]) -> Iterator[str]:
    """A heading for each section, its sentences, its tables and its remarks."""
    for section in sections:
        yield from ("", f"## {section.title}")
        for text in section.sentences:
            yield from ("", prose(sentence(text)))
        for table in section.tables:
            yield from _table(table)
        for remark in section.remarks:
            yield from ("", prose(sentence(remark)))


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield from ("", f"### {prose(table.title)}")
    yield from tables.table(table.head, ([prose(cell_text(cell)) for cell in row.cells] for row in table.shown))
    for remark in filter(None, (table.rest, *table.remarks)):
        yield from ("", prose(sentence(remark)))

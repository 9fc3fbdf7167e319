"""CSV and JSON Lines: the rows of a file, each with the number of its line. Only the columns that are used are judged:
files of others carry columns and fields that mean nothing here.
"""

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from elastometer_loadgen.base.fields import shown
from elastometer_loadgen.base.files import FileFault
from elastometer_loadgen.base.numbers import decode_row

# Spreadsheets of countries with a decimal comma separate columns by semicolons.
SEPARATORS = (",", ";", "\t")
RESERVED = "must have another name: this one is reserved for the request's own mark"
# A cell may hold a whole document. The default of 131,072 characters protects servers, not readers of local files.
csv.field_size_limit(sys.maxsize)


class Columns(NamedTuple):
    """The columns to read; names are compared after `spelling`, and no column may have a reserved name."""

    wanted: Sequence[str]
    spelling: Callable[[str], str] = str
    reserved: str | None = None

    def missing(self, header: Sequence[str]) -> list[str]:
        """The wanted columns that a header lacks."""
        known = {self.spelling(cell) for cell in header}
        return [column for column in self.wanted if self.spelling(column) not in known]


def letters(name: str) -> str:
    """A column's name without letter case and without the characters that join words."""
    return "".join(character for character in name.casefold() if character.isalnum())


def csv_rows(lines: Iterable[str], name: str, columns: Columns) -> Iterator[tuple[int, list[str]]]:
    """Line number and wanted cells of each row; the separator is the one with which the header names the columns."""
    source = iter(lines)
    blank, first = _first_line(source)
    reader = csv.reader(chain([first], source), delimiter=_separator(first, columns), strict=True)
    places: list[int] = []
    width = 0
    try:
        for cells in reader:
            where = f"{name} line {reader.line_num + blank}"
            if len(cells) < 2 and not "".join(cells).strip():
                continue
            if not places and not width:
                header = _without_blank_end(cells)
                places, width = _places(header, where, columns), len(header)
            elif len(cells) < width or any(cell.strip() for cell in cells[width:]):
                rule = f"must have {width} columns, as its header has"
                raise FileFault(f"{where}: {rule}; got {len(cells)}: {shown(','.join(cells))}")
            else:
                yield reader.line_num + blank, [cells[place] for place in places]
    except csv.Error as error:
        raise FileFault(f"{name} line {reader.line_num + blank}: must be CSV: {error}") from error


def _first_line(lines: Iterator[str]) -> tuple[int, str]:
    """How many blank lines precede the header, and the line in which it begins."""
    return next(((number, line) for number, line in enumerate(lines) if line.strip()), (0, ""))


def _separator(line: str, columns: Columns) -> str:
    for separator in SEPARATORS:
        header = [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
        if not columns.missing(header):
            return separator
    return SEPARATORS[0]


def _without_blank_end(cells: list[str]) -> list[str]:
    """Lines may end in a separator."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _places(header: list[str], where: str, columns: Columns) -> list[int]:
    if missing := columns.missing(header):
        rule = f"must name the columns {', '.join(columns.wanted)}; it lacks {', '.join(missing)}"
        raise FileFault(f"{where}: the header {rule}; got {shown(','.join(header))}")
    if columns.reserved in header:
        raise FileFault(f"{where}: {columns.reserved} {RESERVED}")
    names = [columns.spelling(cell) for cell in header]
    for column in columns.wanted:
        if names.count(columns.spelling(column)) > 1:
            rule = f"must name the column {column} once"
            raise FileFault(f"{where}: the header {rule}; got {shown(','.join(header))}")
    return [names.index(columns.spelling(column)) for column in columns.wanted]


def json_objects(lines: Iterable[str], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and content of each line that is not blank: one JSON object per line; raises FileFault."""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        where = f"{name} line {number}"
        try:
            found = decode_row(text)
        except (ValueError, RecursionError) as error:
            raise FileFault(f"{where}: must be a JSON object{_hint(text)}: {error}; got {shown(text)}") from error
        if not isinstance(found, dict):
            raise FileFault(f"{where}: must be a JSON object{_hint(text)}; got {shown(text)}")
        yield number, found


def _hint(text: str) -> str:
    return " and not a list (jq -c '.[]' FILE writes the objects of a list line by line)" if text[0] == "[" else ""

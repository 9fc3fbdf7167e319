"""Markdown: headings with tables, and foreign text that cannot become markup."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MARKUP = re.compile(r"([\\*_\[\]<>|])")


def section(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A heading with its table; nothing if the table is empty. Cells are Markdown already."""
    found = [*table(head, rows)]
    if found:
        yield from ("", f"## {title}", *found)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table after an empty line; nothing if it is empty. Cells are Markdown already."""
    body = ["| " + " | ".join(row) + " |" for row in rows]
    if body:
        yield from ("", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body)


def prose(text: str) -> str:
    """Foreign text on one line, without any meaning to Markdown."""
    return _MARKUP.sub(r"\\\1", _one_line(text))


def code(text: str) -> str:
    """Foreign text as code, on one line."""
    return "`" + _one_line(text).replace("`", "'").replace("|", "\\|") + "`"


def _one_line(text: str) -> str:
    """Without characters that could break a table or control a terminal."""
    return printable(" ".join(text.split()))


def printable(line: str) -> str:
    """A line as it is, without characters that control a terminal or its direction of writing."""
    return _UNPRINTABLE.sub("\ufffd", line)

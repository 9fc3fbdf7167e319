"""Text for terminals: quantities in words, columns, wrapping, and no control characters from a cluster."""
from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

# Not the terminal's own width: output is the same in a terminal, in a file and in CI. 100 fits into half a wide screen.
WIDTH = 100
MIN_COLUMN_WIDTH = 20
# textwrap breaks only at ordinary white space.
_UNBROKEN = "\u00a0"


def printable(text: object, limit: int = 2000) -> str:
    """The text on one line: control, format and surrogate characters become spaces, a long text ends in '…'.

    Names and messages come from a cluster and may hold escape sequences, which must not reach a terminal.
    """
    clean = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in str(text))
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def seconds_in_words(seconds: float) -> str:
    """90 -> '1 min 30 s'."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def columns(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows as lines, every column but the last padded to its widest cell."""
    table = [[printable(cell) for cell in row] for row in rows]
    if not table:
        return []
    widths = [max(len(row[i]) for row in table if i < len(row)) for i in range(max(map(len, table)))]
    return [
        (indent + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False))])).rstrip()
        for row in table
    ]


def unbroken(text: str) -> str:
    """The text such that `wrapped` does not break it."""
    return text.replace(" ", _UNBROKEN)


def wrapped(text: str, indent: str = "", further: str = "", width: int = WIDTH) -> list[str]:
    """The text as lines of at most `width`. Each begins with `indent`, and all but the first also with `further`."""
    lines = textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent + further,
                          break_on_hyphens=False)
    return [line.replace(_UNBROKEN, " ") for line in lines]


def blocks(rows: Iterable[Sequence[str]], limits: Mapping[int, int], indent: str = "  ") -> list[list[str]]:
    """Like `columns`, but one list of lines per row. A column in `limits` wraps at that width, the last column at what
    is left of WIDTH."""
    cells = [[[printable(line) for part in cell.split("\n") for line in _cell_lines(part, limits.get(at))]
              for at, cell in enumerate(row)] for row in rows]
    if not cells:
        return []
    last = max(map(len, cells)) - 1
    widths = [max((len(line) for row in cells if at < len(row) for line in row[at]), default=0) for at in range(last)]
    left = max(MIN_COLUMN_WIDTH, WIDTH - len(indent) - sum(width + 2 for width in widths))
    return [_block([cell if at < last else [line for part in cell for line in _cell_lines(part, left)]
                    for at, cell in enumerate(row)], widths, indent) for row in cells]


def wrapped_columns(rows: Iterable[Sequence[str]], limits: Mapping[int, int], indent: str = "  ") -> list[str]:
    """The lines of `blocks` in one list, where nothing is printed between two rows."""
    return [line for block in blocks(rows, limits, indent) for line in block]


def _cell_lines(text: str, width: int | None) -> list[str]:
    return [text] if width is None or len(text) <= width else wrapped(text, width=width)


def _block(cells: Sequence[Sequence[str]], widths: Sequence[int], indent: str) -> list[str]:
    lines = []
    for number in range(max(map(len, cells))):
        texts = [cell[number] if number < len(cell) else "" for cell in cells]
        padded = [text.ljust(widths[at] if at < len(widths) else 0) for at, text in enumerate(texts)]
        lines.append((indent + "  ".join(padded)).rstrip())
    return lines

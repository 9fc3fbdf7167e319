"""Words for people: what comes from a cluster is printed without its control characters."""
from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def printable(text: object, limit: int = 2000) -> str:
    """The text on one line: control, format and surrogate characters become spaces, a long text ends in '…'."""
    clean = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in str(text))
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def seconds_in_words(seconds: float) -> str:
    """90 -> '1 min 30 s'."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def milliseconds_in_words(milliseconds: float) -> str:
    """1234 -> '1.2 s'; 87 -> '87 ms'."""
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


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

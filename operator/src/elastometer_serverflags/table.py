"""The flags of `vllm serve`, as a list made from vLLM's own parser.

`tests/oracle/vllm_flags.py` writes `vllm-0.33.tsv`. Its columns: name, other names, names that switch it off, how many
values it takes, what they are, `optional` where an empty value or `None` means the default, and the choices.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from elastometer_serverflags.flag import Flag, Reads, Takes

# The release whose flags the table has.
RELEASE = (0, 33)
COLUMNS = 7


@cache
def vllm_flags() -> tuple[Flag, ...]:
    """All flags of that release."""
    text = (files("elastometer_serverflags") / "vllm-0.33.tsv").read_text(encoding="utf-8")
    return tuple(map(_flag, text.splitlines()))


def _flag(line: str) -> Flag:
    columns = line.split("\t")
    name, also, off, takes, reads, optional, choices = columns + [""] * (COLUMNS - len(columns))
    return Flag(
        name, Takes(takes), Reads(reads or Reads.TEXT), tuple(also.split()), tuple(off.split()),
        is_optional=bool(optional), choices=tuple(filter(None, choices.split("|"))),
    )

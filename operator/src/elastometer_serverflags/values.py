"""The values of flags, as vLLM 0.33 converts them (vllm/utils/argparse_utils.py, vllm/engine/arg_utils.py)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from elastometer_serverflags.flag import Flag, Reads

_HUMAN = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT])")
_EXPONENT: Mapping[str, int] = {"k": 1, "m": 2, "g": 3, "t": 4}
AUTOMATIC = -1


def whole(text: str) -> int:
    """An integer as Python's `int` takes it: blanks around it, a sign, and `_` between digits are allowed."""
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def human(text: str) -> int:
    """`4096`, `4k` (4000), `25.6k` (25600) or `4K` (4096). Only the decimal units take a fraction."""
    found = _HUMAN.fullmatch(text.strip())
    if found is None:
        try:
            return int(text)
        except ValueError:
            raise ValueError("must be a whole number, or one with a unit such as 4k (4000) or 4K (4096)") from None
    number, unit = found.groups()
    if unit.islower():
        return int(float(number) * 1000 ** _EXPONENT[unit])
    if "." in number:
        raise ValueError(f"must be a whole number before {unit}, a power of 1024 (a fraction needs {unit.lower()})")
    return int(number) * int(1024 ** _EXPONENT[unit.lower()])


def length(text: str) -> int:
    """As `human`; -1 for `auto` and -1."""
    return AUTOMATIC if text.strip().lower() in ("-1", "auto") else human(text)


def number(text: str) -> float:
    """A number as Python's `float` takes it."""
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None


def document(text: str) -> object:
    """JSON. Bare numbers with a unit are allowed where vLLM expands them, so they are expanded everywhere."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"\b\d+(?:\.\d+)?[kKmMgGtT]\b", lambda found: str(human(found.group())), parts[index])
    try:
        return json.loads("".join(parts))
    except ValueError:
        raise ValueError("must be JSON") from None


_READERS: Mapping[Reads, Callable[[str], object]] = {
    Reads.TEXT: str, Reads.INTEGER: whole, Reads.HUMAN: human, Reads.LENGTH: length, Reads.NUMBER: number,
    Reads.JSON: document,
}


def value_of(flag: Flag, text: str) -> object:
    """The value; None where the text asks for the default. Raises ValueError with the rule, `must …`."""
    if flag.is_optional and text in ("", "None"):
        return None
    value = _READERS[flag.reads](text)
    if flag.choices and str(value) not in flag.choices:
        raise ValueError(f"must be one of {', '.join(flag.choices)}")
    return value

"""The spellings that vLLM's parser evens out before argparse sees them (FlexibleArgumentParser.parse_args)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Of `--a_b.c_d`, only the part before the first dot is a name; what follows are keys of its JSON value.
_NAME = re.compile(r"(?<=--)[^.]*")
_LEVEL = "--optimization-level"


@dataclass(frozen=True, slots=True)
class Token:
    """One argument, evened out, and the place that it had among the arguments as given. `is_key` where it sets one
    key of a JSON value, as `--compilation-config.mode=0`."""

    text: str
    place: int
    is_key: bool = False


def evened(args: Sequence[str]) -> Iterator[Token]:
    """The arguments with dashes for underscores in their names, and `-O3` written out."""
    for place, arg in enumerate(args):
        if arg.startswith("--"):
            name, equals, value = arg.partition("=")
            name = _NAME.sub(lambda found: found.group().replace("_", "-"), name, count=1)
            yield Token(f"{name}{equals}{value}", place, "." in name)
        elif arg.startswith("-O") and arg != "-O":
            yield Token(_LEVEL, place)
            yield Token(arg[3:] if arg[2] == "=" else arg[2:], place)
        elif arg == "-O" and args[place + 1:place + 2] and args[place + 1] in {"0", "1", "2", "3"}:
            yield Token(_LEVEL, place)
        else:
            yield Token(arg, place, arg.startswith("-") and "." in arg.partition("=")[0])

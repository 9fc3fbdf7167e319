"""Writes the flags of `vllm serve` as a table, from the parser of an installed vLLM.

    python tests/oracle/vllm_flags.py > operator/src/elastometer_serverflags/vllm-0.33.tsv

Run it with a Python that has vLLM. Nothing of the model server is started; `tests/unit/serverflags` reads the result.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import vllm.platforms
from vllm.platforms.cpu import CpuPlatform

# Without an accelerator vLLM cannot tell its platform, but the parser asks for one.
vllm.platforms.current_platform = CpuPlatform()

from vllm.entrypoints.common.cli_args import make_arg_parser  # noqa: E402
from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: E402

TAKES = {None: "one", "?": "optional", "+": "many", "*": "many", 0: "nothing"}
# What each kind of converter makes of these texts tells which kind it is.
PROBES = {"length": ("auto", -1), "human": ("4k", 4000), "integer": ("7", 7), "number": ("0.5", 0.5)}
# A flag that evens out its value before it compares it with the choices has none here.
UNCHANGED = "A-b"
# Its choices are those of the platform on which this program runs.
OF_THE_PLATFORM = "--mm-processor-device"


def rows() -> Iterator[tuple[str, ...]]:
    """One row for each flag: its names, those that switch it off, and what it takes."""
    parser = make_arg_parser(FlexibleArgumentParser())
    options = parser._option_string_actions
    for action in {id(one): one for one in options.values()}.values():
        names = [name for name, one in options.items() if one is action]
        off = [name for name in names if name in getattr(action, "negative_option_strings", ())]
        on = sorted((name for name in names if name not in off), key=lambda name: not name.startswith("--"))
        is_optional = action.nargs != 0 and converted(action, "None") is None
        yield (on[0], " ".join(on[1:]), " ".join(off), TAKES[action.nargs], kind(action),
               "optional" if is_optional else "", choices(action))


def kind(action: argparse.Action) -> str:
    """The first kind whose probe the converter reads as expected."""
    if action.nargs == 0:
        return ""
    if converted(action, "{}") is not REFUSED and converted(action, "a word") is REFUSED:
        return "json"
    for name, (text, value) in PROBES.items():
        found = converted(action, text)
        if found == value and type(found) is type(value):
            return name
    return "text"


def choices(action: argparse.Action) -> str:
    """The values that are allowed, with | between them; empty if others are too."""
    if OF_THE_PLATFORM in action.option_strings or converted(action, UNCHANGED) not in (UNCHANGED, REFUSED):
        return ""
    return "|".join(sorted(str(choice) for choice in action.choices or () if choice is not None))


class REFUSED:
    """What a converter that refuses a text returns."""


def converted(action: argparse.Action, text: str) -> Any:
    """The value that the flag's converter makes of a text."""
    try:
        return (action.type or str)(text)  # type: ignore[operator]
    except (ValueError, TypeError, argparse.ArgumentTypeError):
        return REFUSED


if __name__ == "__main__":
    for row in sorted(rows()):
        sys.stdout.write("\t".join(row).rstrip("\t") + "\n")

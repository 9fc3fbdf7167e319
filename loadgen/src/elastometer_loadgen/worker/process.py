"""The process of a worker: its exit codes, its limits, its garbage collector."""

import gc
import resource
from enum import IntEnum
from typing import Any

# The youngest objects are collected every 50,000 allocations instead of every 700: pauses are rare and short.
YOUNG_OBJECTS = 50_000


class ExitCode(IntEnum):
    """The exit codes of the process."""

    CARRIED_OUT = 0
    USAGE = 2
    FELL_BEHIND = 3
    NOT_CARRIED_OUT = 4
    REJECTED = 5


def describe_loop_error(context: dict[str, Any]) -> str:
    """One line from the context that an event loop passes to its exception handler."""
    error = context.get("exception")
    return f"{context.get('message')}: {error!r}" if error else str(context.get("message"))


def prepare_process() -> None:
    """Raises the limit of open files to the hard limit (one per connection), and calms the garbage collector."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.collect()
    # What is alive now (schedule, prompts, modules) is never looked at again:
    # https://docs.python.org/3/library/gc.html#gc.freeze
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)

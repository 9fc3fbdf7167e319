"""The process around a worker: its exit codes, its limits, its garbage collector."""

import gc
import resource
from enum import IntEnum
from typing import Any

# A collection of the youngest objects every 50,000 allocations instead of every 700: pauses are rare and
# short, and what was alive before the start is never looked at again.
YOUNG_OBJECTS = 50_000


class ExitCode(IntEnum):
    """What the process says at its end."""

    CARRIED_OUT = 0
    USAGE = 2
    FELL_BEHIND = 3
    NOT_CARRIED_OUT = 4


def fault_in(context: dict[str, Any]) -> str:
    """What an event loop tells its exception handler, in a line."""
    error = context.get("exception")
    return f"{context.get('message')}: {error!r}" if error else str(context.get("message"))


def prepare_process() -> None:
    """Open files up to the hard limit (one per connection in flight), and a garbage collector that stays
    quiet.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)

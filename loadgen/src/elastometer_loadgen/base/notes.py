"""The load generator's log: one line per event on standard error, since standard output belongs to the results."""

import sys


def note(message: str) -> None:
    """Writes one line to the log."""
    print(f"elastometer-load: {message}", file=sys.stderr, flush=True)

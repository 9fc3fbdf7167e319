"""Lines for the load generator's log: standard error, one line each; standard output belongs to the results."""

import sys


def note(message: str) -> None:
    """One line for the log."""
    print(f"elastometer-load: {message}", file=sys.stderr, flush=True)

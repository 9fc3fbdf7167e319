"""Shows a person what the lab is doing and how long each step took: live on a terminal, otherwise line by line."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Prints one line per step when it ends, and on a terminal also the step that is going on."""

    def __init__(self, console: Console | None = None) -> None:
        # No colours for numbers and no line breaks: the lines are read in CI logs and searched by tests.
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.started = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """Time since the command began."""
        return time.monotonic() - self.started

    def say(self, text: str) -> None:
        """Print one line, preceded by the seconds since the command began."""
        self.console.print(f"[{self.elapsed_seconds:6.1f}s] {text}", markup=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Measure a step. Its line is printed when it ends without an exception, with the outcome that the body set."""
        begun = time.monotonic()
        step = Step()
        if self.console.is_terminal:
            with self.console.status(f"{title} …"):
                yield step
        else:
            yield step
        took = time.monotonic() - begun
        self.say(f"{title}: {step.outcome} ({took:.1f} s)")


class Step:
    """The outcome of a step, in a few words."""

    def __init__(self) -> None:
        self.outcome = "done"

"""Tells a person what the lab is doing and how long each step took: live on a terminal, lines elsewhere."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """One line per step when it ends; on a terminal also what is going on now."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.started = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self.started

    def say(self, text: str) -> None:
        """One line, marked with the seconds since the command began."""
        self.console.print(f"[{self.elapsed_seconds:6.1f}s] {text}", markup=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Times a step; its line tells what it found to do (`done`) or that nothing had to be done."""
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
    """What a step amounted to; the default is that it did something and that went well."""

    def __init__(self) -> None:
        self.outcome = "done"

"""Lines of a server's log by what they are: access lines, which come by the thousand, and those that tell of trouble.

vLLM and uvicorn print a level at the beginning of a line; a traceback, and a message of several lines, have one in
their first line at most. What follows such a line without a level of its own belongs to it.
"""
from __future__ import annotations

import re
from enum import StrEnum

# Where a level stands, behind a process, a time or a logger's name.
_BEGINNING = 100
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\b")
_ACCESS = re.compile(r'- "[A-Z]+ \S+ HTTP/\d')
_TRACEBACK = "Traceback (most recent call last)"
# An exception, or a warning, that is printed without a level.
_RAISED = re.compile(r"(?:^|[\s.:)])\w*(Error|Exception|Warning)\b:")
_OUT_OF_MEMORY = re.compile("out of memory", re.IGNORECASE)
# A message is not longer; beyond it, lines without a level are of something else, such as a progress bar.
CONTINUED_LINES = 200


class LogLevel(StrEnum):
    """What a line is. A line of a traceback is an error's."""

    ACCESS = "Access"
    ROUTINE = "Routine"
    WARNING = "Warning"
    ERROR = "Error"


_LEVELS = {"DEBUG": LogLevel.ROUTINE, "INFO": LogLevel.ROUTINE, "WARN": LogLevel.WARNING, "WARNING": LogLevel.WARNING,
           "ERROR": LogLevel.ERROR, "CRITICAL": LogLevel.ERROR, "FATAL": LogLevel.ERROR}
NOTABLE = frozenset({LogLevel.WARNING, LogLevel.ERROR})


class LevelReader:
    """Reads one log line by line, in order: what a line without a level is depends on those before it."""

    def __init__(self) -> None:
        self._before, self._continued = LogLevel.ROUTINE, 0

    def level(self, text: str) -> LogLevel:
        """The level of the next line."""
        if _ACCESS.search(text):
            return LogLevel.ACCESS
        stated = _stated(text)
        if stated is None and self._continued < CONTINUED_LINES:
            self._continued += 1
            return self._before
        self._before, self._continued = stated or LogLevel.ROUTINE, 0
        return self._before

    @property
    def is_within(self) -> bool:
        """Whether the last line was no first line of a message."""
        return self._continued > 0


def _stated(text: str) -> LogLevel | None:
    if _OUT_OF_MEMORY.search(text):
        return LogLevel.ERROR
    found = _LEVEL.search(text, 0, _BEGINNING)
    if found is not None:
        return _LEVELS[found[1]]
    raised = _RAISED.search(text)
    if raised is not None:
        return LogLevel.WARNING if raised[1] == "Warning" else LogLevel.ERROR
    return LogLevel.ERROR if _TRACEBACK in text else None

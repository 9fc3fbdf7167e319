"""The startup phases of vLLM, read from its log lines. The kubelet's stamp on a line is the instant; a duration in the
line says how much of the time since the line before is explained.

The wording changes between releases: each pattern names the releases that are known to print it, and every phase may
be absent (eager mode compiles nothing).
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.model.milestones import Milestone
from elastometer.model.observation import LogSeen
from elastometer.model.units import SECOND, Instant, Nanoseconds

_TOOK = r"(?P<took>\d+(?:\.\d+)?) ?s(?:ec(?:ond)?s?)?\b"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A wording of the line that ends a phase; `releases` are those of vLLM in which it was read."""

    milestone: Milestone
    regex: re.Pattern[str]
    releases: str


PATTERNS: tuple[Pattern, ...] = (
    Pattern(Milestone.CONFIGURED, re.compile(r"Initializing an? (?:V\d+ )?LLM engine"), "0.4 to 0.33"),
    Pattern(Milestone.WEIGHTS_LOADED, re.compile(r"Model loading took .*?(?:and|in) " + _TOOK), "0.6 to 0.33"),
    Pattern(Milestone.WEIGHTS_LOADED, re.compile(r"Loading weights took " + _TOOK), "0.6 to 0.33"),
    Pattern(Milestone.COMPILED, re.compile(r"torch\.compile t(?:akes|ook) " + _TOOK), "0.7 to 0.33"),
    Pattern(Milestone.COMPILED, re.compile(r"Directly load the compiled graph\(s\).*?took " + _TOOK), "0.8 to 0.33"),
    Pattern(Milestone.COMPILED, re.compile(r"Compiling a graph for .*?takes " + _TOOK), "0.8 to 0.33"),
    Pattern(Milestone.PROFILED, re.compile(r"Initial profiling/warmup run took " + _TOOK), "0.11 to 0.33"),
    Pattern(Milestone.PROFILED, re.compile(r"Memory profiling takes " + _TOOK), "0.6 to 0.10"),
    Pattern(Milestone.PROFILED, re.compile(r"KV cache size: "), "0.8 to 0.33"),
    Pattern(Milestone.PROFILED, re.compile(r"Available KV cache memory: "), "0.8 to 0.33"),
    Pattern(Milestone.GRAPHS_CAPTURED, re.compile(r"Graph capturing finished in " + _TOOK), "0.4 to 0.33"),
    Pattern(Milestone.HTTP_UP, re.compile(r"Application startup complete"), "0.4 to 0.33"),
)
ABORTING = re.compile(r"aborting in-flight requests.*?count=(\d+)")


@dataclass(frozen=True, slots=True)
class EngineMark:
    """The end of a phase; `stated` is the duration in its lines, None if there is none."""

    milestone: Milestone
    instant: Instant
    stated: Nanoseconds | None


def engine_marks(lines: Sequence[LogSeen]) -> list[EngineMark]:
    """The marks of the first start in a Pod's log: the last line of each phase, up to where HTTP answers."""
    if not lines:
        return []
    marks = {Milestone.FIRST_LINE: EngineMark(Milestone.FIRST_LINE, lines[0].time, None)}
    for line in lines:
        pattern, match = _recognised(line.line)
        if pattern is None or match is None:
            continue
        before = marks.get(pattern.milestone)
        # One phase may have several lines, of which only some state a duration: the last instant, the last duration.
        stated = _stated(match) or (before.stated if before else None)
        marks[pattern.milestone] = EngineMark(pattern.milestone, line.time, stated)
        if pattern.milestone == Milestone.HTTP_UP:
            break
    return list(marks.values())


def _recognised(line: str) -> tuple[Pattern | None, re.Match[str] | None]:
    for pattern in PATTERNS:
        match = pattern.regex.search(line)
        if match is not None:
            return pattern, match
    return None, None


def _stated(match: re.Match[str]) -> Nanoseconds | None:
    took = match.groupdict().get("took")
    return None if took is None else round(float(took) * SECOND)


def aborted_by_server(lines: Sequence[LogSeen]) -> int | None:
    """How many requests the server reports to have aborted at its shutdown; None if its log does not say."""
    counts = [int(match.group(1)) for line in lines if (match := ABORTING.search(line.line)) is not None]
    return sum(counts) if counts else None

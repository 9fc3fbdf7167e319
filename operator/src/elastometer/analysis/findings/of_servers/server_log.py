"""What the servers' logs said under load that they had not said before: warnings and errors, by pattern."""
from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence, PodHistory
from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.of_servers.out_of_memory import lines_of_trouble
from elastometer.analysis.starts.loglines import plain_line
from elastometer.model.document import text_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural
from elastometer.model.milestones import Milestone
from elastometer.model.observation import LogSeen
from elastometer.model.report import Finding
from elastometer.model.server_log import NOTABLE, LevelReader, LogLevel
from elastometer.model.units import SECOND, Instant

_SHOWN, _CHARACTERS = 5, 200
_ONE_TROUBLE = SECOND
# What differs between two lines that say the same: processes, times, quoted text, identifiers and numbers.
_VARYING = re.compile(r"\([A-Za-z]\w*(?: \w+)? pid=\d+[^)]*\)|'[^']*'|\"[^\"]*\"|\b0x[0-9a-f]+\b|"
                      r"\b[\w-]*\d[\w.:-]*\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Lines of one pattern: the first of them, how many, and in how many Pods."""

    first: LogSeen
    level: LogLevel
    count: int
    pods: int


def server_warnings(facts: Facts) -> Iterator[Finding]:
    """A pattern that any Pod printed while it started says nothing of the load, and one at its end neither."""
    kinds = sorted(_new(facts), key=lambda one: (one.level is not LogLevel.ERROR, -one.count))
    if not kinds:
        return
    total, worst = sum(one.count for one in kinds), kinds[0].level
    more = f"; and {plural(len(kinds) - _SHOWN, 'more pattern')}" if len(kinds) > _SHOWN else ""
    yield Finding(
        FindingName.SERVER_WARNINGS, Severity.WARNING if worst is LogLevel.ERROR else Severity.HINT,
        "The servers logged warnings under load that they do not log at their start",
        f"{plural(total, 'line')} of {plural(len(kinds), 'pattern')}: "
        + "; ".join(_words(one, facts.evidence) for one in kinds[:_SHOWN]) + more,
        "Read what they say: a server often names its own trouble before clients can see it. All lines are in the "
        "bundle: SELECT time, pod, line FROM 'observations.parquet' WHERE kind = 'Log'.")


def _words(one: _Kind, evidence: Evidence) -> str:
    where = f" in {plural(one.pods, 'Pod')}" if one.pods > 1 else ""
    return (f"{one.count} × from {evidence.seconds(one.first.time):+.0f} s on{where}: "
            f"{plain_line(one.first).text[:_CHARACTERS]}")


def _new(facts: Facts) -> Iterator[_Kind]:
    evidence, ready = facts.evidence, _ready(facts)
    explained = {pod: lines_of_trouble(lines) for pod, lines in evidence.logs.items()}
    usual: set[str] = set()
    under_load: dict[str, list[tuple[LogSeen, LogLevel]]] = {}
    ends = {pod.name: end for pod in evidence.pods if (end := _leaving(pod)) is not None}
    for pod, lines in evidence.logs.items():
        begin = max(ready.get(pod, evidence.origin), evidence.origin)
        for line, level in _notable(lines):
            pattern = pattern_of(line.line)
            if line.time < begin:
                usual.add(pattern)
            elif line.time < ends.get(pod, line.time + 1) and not _is_near(line.time, explained[pod]):
                under_load.setdefault(pattern, []).append((line, level))
    for pattern, found in under_load.items():
        if pattern not in usual:
            first, level = min(found, key=lambda pair: pair[0].time)
            yield _Kind(first, level, len(found), len({line.pod for line, _ in found}))


def _is_near(time: Instant, others: Sequence[Instant]) -> bool:
    """Whether the line belongs to the trouble that OutOfMemory is about: a trace has many first lines. The others are
    in order."""
    place = bisect_left(others, time - _ONE_TROUBLE)
    return place < len(others) and others[place] <= time + _ONE_TROUBLE


def _notable(lines: Sequence[LogSeen]) -> Iterator[tuple[LogSeen, LogLevel]]:
    """The first line of each warning or error, without what continues it."""
    reader = LevelReader()
    for line in lines:
        level = reader.level(line.line)
        if level in NOTABLE and not reader.is_within:
            yield line, level


def pattern_of(text: str) -> str:
    """The line without what differs between two that say the same."""
    return _VARYING.sub("…", text).strip()


def _ready(facts: Facts) -> Mapping[str, Instant]:
    """When each Pod was Ready, on the clock of the record."""
    found: dict[str, Instant] = {}
    for start in facts.cold_starts:
        seconds = next((one.stamp.seconds for one in start.instants if one.name == Milestone.READY and one.used), None)
        if seconds is not None:
            found[start.pod] = facts.evidence.origin + round(seconds * SECOND)
    return found


def _leaving(pod: PodHistory) -> Instant | None:
    """When the Pod was first seen as being deleted."""
    return next((seen.received for seen in pod.sightings
                 if text_at(seen.object, "metadata", "deletionTimestamp") is not None), None)

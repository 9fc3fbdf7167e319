"""What a stated duration tells: when a phase began. The time before that belongs to the phase that ended then."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from elastometer.analysis.starts.enginemark import ORDER, EngineMark
from elastometer.model.milestones import Milestone
from elastometer.model.units import SECOND, Instant

# A duration in a log line is rounded, and the line is written a little after the work that it reports.
STATED_ALLOWANCE = SECOND // 4


def with_begins(marks: Sequence[EngineMark]) -> list[EngineMark]:
    """The marks, and a mark for each beginning that only a duration shows."""
    return _with_spans(_with_phase_begins(marks))


def _with_phase_begins(marks: Sequence[EngineMark]) -> list[EngineMark]:
    """A phase of several lines begins with the earliest beginning of its lines, but not before the line before it."""
    found: list[EngineMark] = []
    for _, group in groupby(marks, key=lambda mark: (mark.milestone, mark.model)):
        own = list(group)
        first = min((mark for mark in own if mark.begins and mark.began is not None), key=_began, default=None)
        if first is not None:
            found += _phase_begin(first, found[-1] if found else None, own[0].instant)
        found += own
    return found


def _phase_begin(mark: EngineMark, before: EngineMark | None, latest: Instant) -> list[EngineMark]:
    """None if the phase began with the line before it, or that line says so itself."""
    name, begin = mark.begins, min(_began(mark), latest)
    if name is None or (before is not None and before.milestone in (name, Milestone.DOWNLOADED)):
        return []
    least = STATED_ALLOWANCE + mark.stated_resolution
    if before is not None and begin - before.instant <= least:
        return []
    return [_begin(name, mark, begin)]


def _with_spans(marks: Sequence[EngineMark]) -> list[EngineMark]:
    """A line that sums up several phases shows the beginning of the first, unless a line of its own does."""
    found = list(marks)
    for mark in marks:
        known = any(one.milestone is mark.spans for one in found)
        if mark.spans is not None and mark.began is not None and not known:
            _insert(found, mark.spans, mark)
    return found


def _insert(found: list[EngineMark], name: Milestone, mark: EngineMark) -> None:
    before = [index for index, one in enumerate(found) if ORDER[one.milestone] < ORDER[name]]
    place = before[-1] + 1 if before else 0
    begin = _began(mark)
    if before:
        begin = max(begin, found[before[-1]].instant)
    if place < len(found):
        begin = min(begin, found[place].instant)
    found.insert(place, _begin(name, mark, begin))


def _began(mark: EngineMark) -> Instant:
    return mark.instant if mark.began is None else mark.began


def _begin(name: Milestone, mark: EngineMark, instant: Instant) -> EngineMark:
    return replace(mark, milestone=name, instant=instant, resolution=mark.stated_resolution, stated=None,
                   wording=None)

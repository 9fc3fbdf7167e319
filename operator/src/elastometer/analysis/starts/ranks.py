"""Several processes, one start: of the ranks of an engine the last one counts, of several engines the last to be ready.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from elastometer.analysis.starts.enginemark import EngineMark


def critical_marks(marks: Sequence[EngineMark]) -> list[EngineMark]:
    """The marks that the start waited for, in order of time. Ranks work side by side: their durations do not add."""
    return _last_ranks(_last_engine(marks))


def _last_engine(marks: Sequence[EngineMark]) -> list[EngineMark]:
    engines = {mark.engine: mark.instant for mark in marks if mark.engine is not None}
    last = max(engines, key=lambda engine: (engines[engine], engine), default=None)
    return [mark for mark in marks if mark.engine in (None, last)]


def _last_ranks(marks: Sequence[EngineMark]) -> list[EngineMark]:
    """Of each line that several processes print, the n-th time: the last."""
    turns: Counter[object] = Counter()
    last: dict[object, EngineMark] = {}
    for mark in marks:
        what = (mark.wording, mark.milestone, mark.model)
        turns[what, mark.process] += 1
        turn = (what, turns[what, mark.process])
        if turn not in last or mark.instant >= last[turn].instant:
            last[turn] = mark
    return sorted(last.values(), key=lambda mark: mark.instant)

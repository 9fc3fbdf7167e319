"""The instants of a vLLM server's start, read from its log. The kubelet's stamp on a line is the instant; a duration in
the line tells when what it reports began.

A phase may come several times (a draft model is compiled after the model itself), several ranks print the same lines,
and with data parallelism several engines start at once. What counts is what the first answer had to wait for: of
several ranks the last one, of several engines the last to be ready, of several starts in one log the last.
"""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.analysis.starts.begins import with_begins
from elastometer.analysis.starts.enginemark import ORDER, EngineMark, mark_of
from elastometer.analysis.starts.loglines import Line, plain_line
from elastometer.analysis.starts.ranks import critical_marks
from elastometer.analysis.starts.wordings import ABORTING, ASLEEP, DRAFT_BEGUN, WOKEN
from elastometer.model.milestones import Milestone
from elastometer.model.observation import LogSeen
from elastometer.model.units import SECOND, Instant

# Between the two writings of a line that is written twice. No two phases of one process end so close to each other and
# took equally long.
REPEATED_WITHIN = SECOND // 10
_FIRST_OF_ENGINE = ORDER[Milestone.CONFIGURED]


def engine_marks(lines: Sequence[LogSeen], until: Instant | None = None) -> list[EngineMark]:
    """The marks of the start in a Pod's log, in order of time, up to where HTTP answers.

    Of what comes later, only a wake-up counts, if it is not after `until`.
    """
    attempt = _Attempt()
    for index, line in enumerate(lines):
        attempt.take(plain_line(line))
        if attempt.is_over:
            return _last_start(lines[index + 1:], until) or (
                attempt.marks_of(lines) + _wake_ups(lines[index + 1:], until))
    return attempt.marks_of(lines)


class _Attempt:
    """The marks of one start of the container, while its lines come."""

    def __init__(self) -> None:
        self.is_over = False
        self._marks: list[EngineMark] = []
        self._up: EngineMark | None = None
        self._last: EngineMark | None = None
        self._drafts: set[str] = set()
        self._compiled: dict[str, int] = {}

    def take(self, line: Line) -> None:
        """Adds the mark of a line, if it has one."""
        mark = mark_of(line)
        if mark is None or mark.milestone is Milestone.WOKEN or self._is_repeated(mark):
            return
        if mark.milestone is Milestone.ARGUMENTS_PARSED and self._has_engine(line.process_name):
            self._marks = [EngineMark(Milestone.RESTARTED, line.instant, process=line.process)]
            self._drafts.clear()
            self._compiled.clear()
        if mark.milestone is Milestone.HTTP_UP:
            self._listens(mark)
        elif not (mark.milestone is Milestone.MODEL_RESOLVED and self._has_engine(None)):
            self._marks.append(self._of_its_model(mark))
        if mark.wording is DRAFT_BEGUN:
            self._drafts.add(mark.process)

    def _is_repeated(self, mark: EngineMark) -> bool:
        """Whether a second handler of the server's logging wrote the last line once more."""
        last, self._last = self._last, mark
        return (last is not None and mark.stated is not None and mark.instant - last.instant < REPEATED_WITHIN
                and (last.wording, last.process, last.stated) == (mark.wording, mark.process, mark.stated))

    def _has_engine(self, process: str | None) -> bool:
        """Whether an engine has begun; and, if a process is named, that process has been seen in this start."""
        begun = any(ORDER[mark.milestone] >= _FIRST_OF_ENGINE for mark in self._marks)
        return begun and (process is None or any(mark.process.partition(" ")[0] == process for mark in self._marks))

    def _listens(self, mark: EngineMark) -> None:
        # Before the engine, it is another server of the same container; without one, it is all that there is.
        if self._has_engine(None):
            self._marks.append(mark)
            self.is_over = True
        elif self._up is None:
            self._up = mark

    def _of_its_model(self, mark: EngineMark) -> EngineMark:
        """Which model a line about weights or a compilation is about, where a server has several."""
        process, draft = mark.process, mark.process in self._drafts
        if mark.milestone in (Milestone.WEIGHTS_LOADED, Milestone.DOWNLOADED):
            return mark.about("draft model" if draft and not mark.spans else mark.model)
        if mark.milestone is Milestone.COMPILED or mark.is_warm_up:
            done = self._compiled.setdefault(process, 0)
            self._compiled[process] = done + mark.ends_model
            number = done - 1 if mark.is_warm_up else done
            later = "draft model" if draft else f"model {number + 1}"
            return mark.about(mark.model or (later if number > 0 else None))
        return mark

    def marks_of(self, lines: Sequence[LogSeen]) -> list[EngineMark]:
        """The marks so far, with the first line of the log, and with what began when."""
        marks = critical_marks(self._marks)
        if not self._has_engine(None) and self._up is not None:
            marks.append(self._up)
        # The beginning of a second start is no line of the first.
        return with_begins(sorted([*_first_line(lines, marks), *marks],
                                  key=lambda mark: (mark.instant, mark.milestone is not Milestone.RESTARTED)))


def _first_line(lines: Sequence[LogSeen], marks: Sequence[EngineMark]) -> list[EngineMark]:
    """None for a log that lost its beginning: then its first line is not the server's."""
    restart = next((mark for mark in marks if mark.milestone is Milestone.RESTARTED), None)
    if restart is not None:
        return [EngineMark(Milestone.FIRST_LINE, restart.instant)]
    whole = any(mark.milestone is Milestone.ARGUMENTS_PARSED for mark in marks)
    if not lines or (not whole and any(mark.milestone is not Milestone.HTTP_UP for mark in marks)):
        return []
    return [EngineMark(Milestone.FIRST_LINE, lines[0].time)]


def _last_start(lines: Sequence[LogSeen], until: Instant | None) -> list[EngineMark]:
    """The marks of a start after one that answered and was ended before the Pod was Ready; none if there is none."""
    for index, line in enumerate(lines):
        if until is None or line.time > until:
            return []
        mark = mark_of(plain_line(line))
        if mark is not None and mark.milestone is Milestone.ARGUMENTS_PARSED:
            later = [one for one in engine_marks(lines[index:], until) if one.milestone is not Milestone.RESTARTED]
            return [EngineMark(Milestone.RESTARTED, line.time), *later]
    return []


def _wake_ups(lines: Sequence[LogSeen], until: Instant | None) -> list[EngineMark]:
    """Those since the engine last fell asleep: weights and cache may be woken one by one. No other line is looked at,
    and there may be thousands."""
    found: list[EngineMark] = []
    for line in lines:
        if until is not None and line.time > until:
            continue
        if ASLEEP.search(line.line):
            found.clear()
        elif WOKEN.regex.search(line.line) and (mark := mark_of(plain_line(line))) is not None:
            found.append(mark)
    return found


def aborted_by_server(lines: Sequence[LogSeen]) -> int | None:
    """How many requests the server reports to have aborted at its shutdown; None if its log does not say."""
    counts = [int(match.group(1)) for line in lines if (match := ABORTING.search(line.line)) is not None]
    return sum(counts) if counts else None

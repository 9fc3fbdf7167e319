"""One instant of a server's start, as a line of its log shows it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from elastometer.analysis.starts.loglines import Line
from elastometer.analysis.starts.wordings import COMPILATION_DONE, WARMED, WORDINGS, Wording
from elastometer.model.milestones import CHAIN, Milestone
from elastometer.model.units import MILLISECOND, SECOND, Instant, Nanoseconds

ORDER: Mapping[Milestone, int] = {link.name: index for index, link in enumerate(CHAIN)}
# The part of a server that all others belong to; its tag adds nothing.
_MAIN_PARTS = frozenset({"", "backbone"})


@dataclass(frozen=True, slots=True)
class EngineMark:
    """`stated` is the duration in the line, None if it has none, and `stated_resolution` how finely it is stated;
    `model` is what the line is about where a server has several models, None for the model that is served."""

    milestone: Milestone
    instant: Instant
    stated: Nanoseconds | None = None
    stated_resolution: Nanoseconds = MILLISECOND
    model: str | None = None
    process: str = ""
    engine: int | None = None
    resolution: Nanoseconds = MILLISECOND
    wording: Wording | None = None

    @property
    def began(self) -> Instant | None:
        """When what the line reports began, by the duration in it."""
        return None if self.stated is None else self.instant - self.stated

    @property
    def spans(self) -> Milestone | None:
        """The milestone at which that began, for a line that sums up several phases."""
        return None if self.wording is None else self.wording.spans

    @property
    def begins(self) -> Milestone | None:
        """The milestone at which that began, for a line about one phase."""
        return None if self.wording is None else self.wording.begins

    @property
    def is_warm_up(self) -> bool:
        """Whether the line reports the first run of a compiled model."""
        return self.wording is WARMED

    @property
    def ends_model(self) -> bool:
        """Whether a compilation after this line is that of another model."""
        return self.wording is COMPILATION_DONE

    def about(self, model: str | None) -> EngineMark:
        """The same mark, of this model."""
        return replace(self, model=model)


def mark_of(line: Line) -> EngineMark | None:
    """The mark of a line, None if it ends no phase."""
    for wording in WORDINGS:
        match = wording.regex.search(line.text)
        if match is not None:
            found = match.groupdict()
            took, part = found.get("took"), found.get("part") or ""
            mark = EngineMark(wording.milestone, line.instant, process=line.process, engine=line.engine,
                              model=None if part in _MAIN_PARTS else part, wording=wording)
            return mark if took is None else replace(
                mark, stated=round(float(took) * SECOND), stated_resolution=_resolution(took))
    return None


def _resolution(took: str) -> Nanoseconds:
    """How finely a duration is stated: half of its last digit, and no finer than the stamp of its line."""
    last_digit = SECOND // int("1" + "0" * len(took.partition(".")[2]))
    return max(MILLISECOND, last_digit // 2)

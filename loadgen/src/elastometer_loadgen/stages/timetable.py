"""When each stage begins and ends, as far as that is known before the load runs. Pure.

The one place that adds up the lengths of stages: the plans of the load generator and of the operator, and the terms
that a run is judged by, are all made from it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from elastometer_loadgen.stages.stage import Stage


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage and its place in time, in seconds from the start of the load.

    From a stage on that ends when its requests do, times are the latest that they can be, and not exact. None is what
    depends on the length of a trace whose file was not read.
    """

    stage: Stage
    start_seconds: int | None
    start_is_exact: bool
    end_seconds: int | None
    end_is_exact: bool

    @property
    def length_seconds(self) -> int | None:
        """How long it lasts, whenever it begins; None where its requests or an unread file decide that."""
        return None if self.stage.is_open_ended or self.stage.has_unknown_length else self.stage.duration_seconds


def timetable(stages: Iterable[Stage]) -> Iterator[PlannedStage]:
    """The stages in order, each beginning where the one before ends."""
    at: int | None = 0
    is_exact = True
    for stage in stages:
        end = None if at is None or stage.has_unknown_length else at + stage.duration_seconds
        ends_exactly = is_exact and not stage.is_open_ended
        yield PlannedStage(stage, at, is_exact, end, ends_exactly)
        at, is_exact = end, ends_exactly

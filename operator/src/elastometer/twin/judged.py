"""The requests of a prediction that are judged, as columns: all but those that were due in a warm-up."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from elastometer.analysis.requests.misses import RequestColumns, stretches
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import Arrival


@dataclass(frozen=True, slots=True)
class JudgedArrivals:
    """What all predictions of the same arrivals share; `are_judged` is None where all of them are."""

    at: list[float]
    later_tokens: list[int]
    tasks: list[str]
    stretches: dict[str, tuple[int, int]]
    are_judged: list[bool] | None

    def columns(self, prediction: Prediction) -> RequestColumns:
        """With what became of them; `prediction` is one of these arrivals."""
        first, ended = self._judged(prediction.first_token), self._judged(prediction.ended)
        return RequestColumns(at=self.at, first_token=first, last_token=ended, ended=ended, gaps=self.later_tokens,
                              stretches=self.stretches, tasks=self.tasks)

    def _judged(self, column: Sequence[float]) -> Sequence[float]:
        return column if self.are_judged is None else list(compress(column, self.are_judged))


def judged_arrivals(arrivals: Sequence[Arrival], stages: Sequence[str]) -> JudgedArrivals:
    """`stages` are the names of the stages in their order."""
    are_judged = [arrival.is_judged for arrival in arrivals]
    kept = arrivals if all(are_judged) else list(compress(arrivals, are_judged))
    names = [stages[arrival.stage] if arrival.stage < len(stages) else "" for arrival in kept]
    return JudgedArrivals(
        at=[arrival.at for arrival in kept], later_tokens=[max(0, arrival.output_tokens - 1) for arrival in kept],
        tasks=[arrival.task for arrival in kept], stretches=stretches(names),
        are_judged=None if kept is arrivals else are_judged)

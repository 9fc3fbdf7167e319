"""One run as a comparison sees it: its figures, its curves, and the question that it answers.

Seconds count from the start of the load. What was not measured is None, with a reason.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from elastometer.model.measurements import Steps
from elastometer.model.report import Verdict

# Fields that a reader of the comparison's JSON has no use for.
_NOT_IN_JSON = {"json": False}
WARMUP_REASON = "the warm-up is not compared"


@dataclass(frozen=True, slots=True)
class QuestionPart:
    """One part of what a run was asked: the load, the objectives, the model, the price or the demand.

    `leaves` has every scalar of that part of the spec by its path, as JSON. `measures` are the measures that it decides
    about; empty if all are.
    """

    name: str
    leaves: Mapping[str, str]
    measures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What must be equal of runs that are compared. A part that a run's record does not hold is not in `parts`."""

    parts: tuple[QuestionPart, ...] = ()

    def part(self, name: str) -> QuestionPart | None:
        """The part of that name."""
        return next((one for one in self.parts if one.name == name), None)


@dataclass(frozen=True, slots=True)
class RunLabel:
    """Which run of a comparison it is; repetitions count from 1. A warm-up is never compared."""

    run: str
    variant: str
    repetition: int
    is_warmup: bool = False


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run. `figures` has every measure by its name, and `missing` why one of them is None.

    `excluded` says why the run is in no comparison (not carried out, inconclusive, a warm-up); None if it is in it.
    `scaler` is the type of its autoscaler ("None" for a fixed number of replicas). `samples` holds latencies in
    milliseconds by measure, in order of time, where the requests themselves were read; only single runs need them.
    """

    label: RunLabel
    verdict: Verdict | None
    reason: str
    message: str
    excluded: str | None
    figures: Mapping[str, float | None] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    load_seconds: float | None = None
    ready: Steps = ()
    ordered: Steps = ()
    demand: Steps = ()
    scaler: str | None = None
    maximum_replicas: int | None = None
    currency: str | None = None
    question: Question = field(default_factory=Question, metadata=_NOT_IN_JSON)
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict, metadata=_NOT_IN_JSON)

    @property
    def is_compared(self) -> bool:
        """Whether its figures count."""
        return self.excluded is None

    def figure(self, measure: str) -> float | None:
        """The value of a measure; None if it is not known."""
        return self.figures.get(measure)

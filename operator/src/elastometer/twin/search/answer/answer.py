"""Everything that what-if found, ready to be rendered. All of it is predicted except `measured` and measured curves."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.measurements import Steps
from elastometer.twin.fit.backtest import PredictionError
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.search.score.cliff import Cliff, LeastReplicas
from elastometer.twin.search.score.held_out import Interval
from elastometer.twin.search.score.scorecard import Scorecard
from elastometer.twin.search.score.supplies import Supply
from elastometer.twin.search.vary.fields import Setting


@dataclass(frozen=True, slots=True)
class Run:
    """The recorded run, and what scaled it."""

    test: str
    namespace: str
    model: str | None
    load_start: str | None
    autoscaler: str
    cold_start_seconds: float
    gpus_per_replica: int | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Replicas over time, each value held until the next; seconds from the start of the load."""

    name: str
    predicted: bool
    steps: Steps


@dataclass(frozen=True, slots=True)
class Option:
    """Settings and what is predicted for them: `card` is the median, `interval` the span over held-out draws, the same
    draws for all options; `draws` has the scorecard of each. `patch` is the manifest, or None with the reason in
    `no_patch`."""

    settings: tuple[Setting, ...]
    card: Scorecard
    interval: Interval
    draws: tuple[Scorecard, ...]
    patch: str | None
    no_patch: str | None = None


# Objectives missed, objective-miss seconds and cost (means over the draws), the settings as text, and the lowest and
# highest of miss seconds and of cost.
Dot = tuple[float, float, float, str, tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Searched:
    """`dots` are all candidates, `front` those that no other beats, `ranked` the front as dots; `chosen` is the index
    of the chosen one, and `why` the reason. The numbers of the dots are means over the `draws` by which the candidates
    were ranked; all other numbers come from held-out draws."""

    tried: int
    refused: int
    seed: int
    fields: tuple[tuple[str, int], ...]
    draws: int
    dots: tuple[Dot, ...]
    ranked: tuple[Dot, ...]
    front: tuple[Option, ...]
    chosen: int
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`variant` is what --set asked for, `searched` what --search found. Without objectives there is no cliff, and
    `least` is None. `supplies` are fixed numbers of replicas and the oracle, to compare with."""

    run: Run
    calibration: Calibration
    prediction_error: PredictionError
    measured: Scorecard
    recorded: Option
    curves: tuple[Curve, ...]
    cliffs: tuple[tuple[str, Cliff], ...]
    least: LeastReplicas | None
    variant: Option | None = None
    searched: Searched | None = None
    supplies: tuple[Supply, ...] = ()

    @property
    def chosen(self) -> Option | None:
        """The option that the patch describes."""
        if self.searched is not None:
            return self.searched.front[self.searched.chosen]
        return self.variant

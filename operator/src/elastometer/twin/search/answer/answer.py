"""Everything that what-if found, for whoever prints it: predicted, all but `measured` and the measured curves."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.measured import Steps
from elastometer.twin.fit.backtest import Honesty
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.search.score.cliff import Cliff, LeastReplicas
from elastometer.twin.search.score.held_out import Interval
from elastometer.twin.search.score.scorecard import Scorecard
from elastometer.twin.search.vary.fields import Setting


@dataclass(frozen=True, slots=True)
class Run:
    """Which run was asked about, and who scaled it."""

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
    """Settings with what is predicted of them: `card` is the median, `interval` the span over draws of chance that no
    search used and nothing was chosen by; the same for all options. `patch` is the manifest, or
    None with the reason in `no_patch`."""

    settings: tuple[Setting, ...]
    card: Scorecard
    interval: Interval
    patch: str | None
    no_patch: str | None = None


# Objectives missed, objective-miss seconds, cost (means over the draws), and the settings as text.
Dot = tuple[float, float, float, str]


@dataclass(frozen=True, slots=True)
class Searched:
    """`dots` are all candidates; `front` those worth a look, `ranked` the same as dots, `chosen` the index of the one
    that was picked, and `why`. Each candidate was ranked over `draws` draws of chance: behind the
    dots, and behind nothing else."""

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
    """`variant` is what --set asked for, `searched` what --search found. Without objectives there is nothing to hold:
    no cliff, and `least` is None."""

    run: Run
    calibration: Calibration
    honesty: Honesty
    measured: Scorecard
    recorded: Option
    curves: tuple[Curve, ...]
    cliffs: tuple[tuple[str, Cliff], ...]
    least: LeastReplicas | None
    variant: Option | None = None
    searched: Searched | None = None

    @property
    def chosen(self) -> Option | None:
        """The one that the patch is of."""
        if self.searched is not None:
            return self.searched.front[self.searched.chosen]
        return self.variant

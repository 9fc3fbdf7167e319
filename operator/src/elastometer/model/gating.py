"""A gate without a cluster: a changed spec replayed on recorded runs by the twin, and what it says about each of them.

Everything in here is predicted except `measured`.
"""
from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from elastometer.model.bundle import Bundle
from elastometer.model.comparison import GateState
from elastometer.model.measures import MISS_SECONDS
from elastometer.model.study import Gate
from elastometer.model.tuning import PredictedFigure


@dataclass(frozen=True, slots=True)
class GateTerms:
    """What is bounded; each measure once."""

    gates: tuple[Gate, ...] = (Gate(MISS_SECONDS, absolute=Decimal(0)),)


@dataclass(frozen=True, slots=True)
class GateBundle:
    """A recorded run with the name by which it is reported; `flaw` says why it could not be read."""

    name: str
    bundle: Bundle | None
    flaw: str | None = None


class ChangeEffect(StrEnum):
    """What a changed field means for a replay."""

    MODELLED = "Modelled"
    WITHOUT_EFFECT = "WithoutEffect"  # it changes neither the service nor its load
    NOT_COMPARED = "NotCompared"  # its recorded value was struck out as a secret
    NOT_MODELLED = "NotModelled"  # the twin does not know what it would do
    OTHER_QUESTION = "OtherQuestion"  # another load, or judged otherwise: the recorded run says nothing about it


REFUSED = frozenset({ChangeEffect.NOT_MODELLED, ChangeEffect.OTHER_QUESTION})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of the spec that differs; the values as text, None where it is absent. `reason` says why it is refused,
    where that needs saying."""

    path: str
    before: str | None
    after: str | None
    effect: ChangeEffect
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GateRow:
    """One measure of a group of runs, as the mean over the runs. The change is predicted less predicted, draw by draw:
    `expected` is its mean over the draws, `change` its median and range. `error` is the twin's own error on these runs,
    the largest difference between a draw under the recorded settings and what was measured; or what so few draws leave
    open of the mean (two standard errors), if that is more. With `is_reproduced` the twin reproduces what was measured,
    as far as chance allows."""

    measure: str
    measured: float
    recorded: PredictedFigure
    changed: PredictedFigure
    change: PredictedFigure
    expected: float
    error: float
    is_reproduced: bool
    allowed: float
    state: GateState
    message: str


@dataclass(frozen=True, slots=True)
class GateGroup:
    """Recorded runs of one spec, replayed together: their mean has less chance in it than each of them. `reason` says
    why the twin cannot tell."""

    runs: tuple[str, ...]
    state: GateState
    changes: tuple[FieldChange, ...] = ()
    rows: tuple[GateRow, ...] = ()
    reason: str | None = None
    draws: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """The worst of the groups: Regressed before CannotTell before Held. `message` is one sentence."""

    state: GateState
    message: str
    groups: tuple[GateGroup, ...] = ()

"""One measure of recorded runs under a change: whether it became worse than is allowed, beyond the twin's own error."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, sqrt
from statistics import fmean, median, stdev

from elastometer.model.comparison import GateState
from elastometer.model.errors import SpecError
from elastometer.model.gating import GateRow
from elastometer.model.study import Gate
from elastometer.model.tuning import PredictedFigure
from elastometer.study.gate.replay import Replay
from elastometer.study.gate.words import row_message
from elastometer.twin.advice.by_measure import PREDICTED


def row(bound: Gate, replays: Sequence[Replay]) -> GateRow:
    """The measure as the mean over the runs. Raises SpecError for one that the twin does not predict, or that a run
    does not have."""
    name = bound.measure
    if name not in PREDICTED:
        raise SpecError(f"{name} is not predicted by the twin, which predicts {', '.join(PREDICTED)}")
    found = [one.measures[name] for one in replays if name in one.measures]
    if len(found) < len(replays) or not found:
        raise SpecError(f"{name} is not known of every run: it was not measured, or no objective is on requests")
    measured = fmean(one.measured for one in found)
    before, after = _means([one.recorded for one in found]), _means([one.changed for one in found])
    changes = [later - earlier for earlier, later in zip(before, after, strict=True)]
    made = GateRow(
        name, measured, _figure(before), _figure(after), _figure(changes), expected=fmean(changes),
        error=max(max(abs(one - measured) for one in before), _chance(changes)), allowed=_allowed(bound, measured),
        state=GateState.CANNOT_TELL, message="")
    made = replace(made, state=_state(made))
    return replace(made, message=row_message(made))


def _state(row: GateRow) -> GateState:
    """Held if no more is predicted than is allowed; Regressed if more is even where the twin is wrong by its error."""
    if row.expected <= row.allowed:
        return GateState.HELD
    return GateState.REGRESSED if row.expected - row.error > row.allowed else GateState.CANNOT_TELL


def _chance(changes: Sequence[float]) -> float:
    """What the draws leave open of their mean: two standard errors."""
    return 2 * stdev(changes) / sqrt(len(changes)) if len(changes) > 1 else inf


def _allowed(bound: Gate, measured: float) -> float:
    if bound.percent is not None:
        return bound.percent * measured / 100
    return 0.0 if bound.absolute is None else float(bound.absolute)


def _means(draws: Sequence[Sequence[float]]) -> list[float]:
    """The mean over the runs of each draw."""
    return [fmean(values) for values in zip(*draws, strict=True)]


def _figure(values: Sequence[float]) -> PredictedFigure:
    return PredictedFigure(median(values), min(values), max(values))

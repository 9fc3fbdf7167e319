"""One measure of recorded runs under a change: whether it became worse than is allowed, beyond the twin's own error."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, sqrt
from statistics import fmean, median, stdev

from elastometer.model.comparison import GateState
from elastometer.model.errors import SpecError
from elastometer.model.gating import GateRow
from elastometer.model.measures import BY_NAME
from elastometer.model.study import Gate
from elastometer.model.tuning import PredictedFigure
from elastometer.study.gate.replay import Replay
from elastometer.study.gate.words import row_message
from elastometer.twin.advice.by_measure import PREDICTED

# What may be off without being wrong: a share of what was measured, or steps of the grid on which it is known.
SMALL_SHARE, SMALL_STEPS = 0.1, 5


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
    resolution = BY_NAME[name].resolution
    made = GateRow(
        name, measured, _figure(before), _figure(after), _figure(changes), expected=fmean(changes),
        # No error is smaller than the grid on which the value is known: nine draws without a miss do not exclude one.
        error=max(*(abs(one - measured) for one in before), _chance(changes), resolution),
        is_reproduced=_is_reproduced(measured, before, resolution), allowed=_allowed(bound, measured),
        state=GateState.CANNOT_TELL, message="")
    made = replace(made, state=_state(made))
    return replace(made, message=row_message(made))


def _state(row: GateRow) -> GateState:
    """Held if no more is predicted than is allowed; Regressed if more is even where the twin is wrong by its error. A
    twin that does not reproduce the runs may only say that nothing changes."""
    if row.expected <= row.allowed:
        is_unchanged = row.change.low == row.change.high == 0
        return GateState.HELD if row.is_reproduced or is_unchanged else GateState.CANNOT_TELL
    return GateState.REGRESSED if row.expected - row.error > row.allowed else GateState.CANNOT_TELL


def _is_reproduced(measured: float, before: Sequence[float], resolution: float) -> bool:
    """Whether what was measured is no further from the draws than they are from each other. With a twin that is right,
    one run in five lies outside of nine draws, but one in 300 so far outside (one in 50 where noise is exponential).
    Small differences do not count."""
    low, high = min(before), max(before)
    outside = max(low - measured, measured - high)
    return outside <= max(high - low, SMALL_SHARE * measured, SMALL_STEPS * resolution)


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

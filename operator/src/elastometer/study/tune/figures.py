"""A forecast as a result of tuning shows it: by measure, the median with its range.

The draws differ by chance alone. A range over them is too narrow for a live run, which the twin also gets wrong in a
systematic way: costs were up to 8 % too low in a live check, in all variants alike. So each range is widened by how
far the median under the recorded settings was from what that run measured.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from elastometer.model.price import Price
from elastometer.model.tuning import Predicted, PredictedFigure
from elastometer.twin.advice.by_measure import drawn_by_name
from elastometer.twin.advice.forecast import Forecast


def predicted_of(forecast: Forecast, price: Price | None, shifts: Mapping[str, float]) -> Predicted:
    """The figures of a forecast, in the units of their measures; one without a shift keeps the range of its draws."""
    return Predicted(len(forecast.draws), forecast.held, {
        name: _figure(values, shifts.get(name, 0.0)) for name, values in drawn_by_name(forecast, price).items()})


def _figure(values: Sequence[float], shift: float) -> PredictedFigure:
    return PredictedFigure(*(
        round(one, 2) for one in (median(values), max(0.0, min(values) - shift), max(values) + shift)))


def shifts_of(measured: Mapping[str, float], recorded: Forecast, price: Price | None) -> Mapping[str, float]:
    """By measure, how far the median under the recorded settings is from what was measured."""
    return {name: abs(median(values) - measured[name])
            for name, values in drawn_by_name(recorded, price).items() if name in measured}


def errors_of(measured: Mapping[str, float], recorded: Forecast, price: Price | None) -> Mapping[str, float]:
    """The twin's own error by measure: how far a draw under the recorded settings is from what was measured."""
    return {name: round(max(abs(one - measured[name]) for one in values), 2)
            for name, values in drawn_by_name(recorded, price).items() if name in measured}

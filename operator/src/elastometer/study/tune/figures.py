"""A forecast as a result of tuning shows it: by measure, the median with its range over chance."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from elastometer.model.price import Price
from elastometer.model.tuning import Predicted, PredictedFigure
from elastometer.twin.advice.by_measure import drawn_by_name
from elastometer.twin.advice.forecast import Forecast


def predicted_of(forecast: Forecast, price: Price | None) -> Predicted:
    """The figures of a forecast."""
    return Predicted(len(forecast.draws), forecast.held, {
        name: _figure(values) for name, values in drawn_by_name(forecast, price).items()})


def _figure(values: Sequence[float]) -> PredictedFigure:
    return PredictedFigure(*(round(one, 2) for one in (median(values), min(values), max(values))))


def errors_of(measured: Mapping[str, float], recorded: Forecast, price: Price | None) -> Mapping[str, float]:
    """The twin's own error by measure: how far a draw under the recorded settings is from what was measured."""
    return {name: round(max(abs(one - measured[name]) for one in values), 2)
            for name, values in drawn_by_name(recorded, price).items() if name in measured}

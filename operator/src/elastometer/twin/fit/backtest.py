"""The prediction error: the twin against what was measured, by replicas over time, scale-out lag and missed objectives.

The load balancer, the scrape phases and the cold starts are random, and one draw of them may turn a decision that is
close to its threshold. An error is therefore reported over several draws. The twin's prediction is the typical draw,
the one nearest to all others, which is chosen without using the measurement.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from operator import sub
from statistics import median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.steps import Steps, segments
from elastometer.analysis.requests.misses import measured_miss_seconds, miss_seconds
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.starts.scaleout import scale_out_lag
from elastometer.model.terms import Terms
from elastometer.model.units import SECOND
from elastometer.twin.engine import predict
from elastometer.twin.judged import judged_arrivals
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import Scenario
from elastometer_loadgen.base.measures import nearest_rank

# Odd, so that a median is the value of one draw.
DRAWS = 15


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures by which runs are compared, measured or predicted; times in seconds. None: there was none. `requests`
    are those that were sent, which users decide by the answers that they get."""

    requests: int
    first_token_p95: float | None
    first_scale_out: float | None
    scale_outs: int
    scale_ins: int
    scale_out_lag: float | None
    miss_seconds: int | None
    replica_seconds: float


@dataclass(frozen=True, slots=True)
class Difference:
    """One prediction against the measured run. An error is the area between the two curves in percent of the area under
    the measured one, from the load's start to the end of the shorter curve."""

    ready_percent: float
    desired_percent: float
    predicted: Figures


@dataclass(frozen=True, slots=True)
class PredictionError:
    """How far predictions are from the measured run.

    `recorded` is the prediction with the run's own random draw (None if the scenario is another run's), `typical` the
    draw nearest to all others, `draws` all of them. `draws_apart_percent` is how far two draws are apart (median): by
    so much two runs under the same settings would differ. `mean_percent` is the error of the mean over all draws, a
    curve that no single run follows but that has the smallest error on average.
    """

    measured: Figures
    draws_apart_percent: float
    mean_percent: float
    recorded: Difference | None
    typical: Difference
    draws: tuple[Difference, ...]

    @property
    def within(self) -> tuple[float, float]:
        """The smallest and the largest error of the Ready replicas over the draws."""
        found = [draw.ready_percent for draw in self.draws]
        return min(found), max(found)


def backtest(
    scenario: Scenario, run: DerivedRun, terms: Terms, *, recorded: Scenario | None = None, draws: int = DRAWS,
) -> PredictionError:
    """Predicts the recorded run and compares. `recorded` is the scenario with the run's own random draw, if known."""
    predictions = [predict(replace(scenario, seed=scenario.seed + number)) for number in range(draws)]
    found = tuple(compare(prediction, run, terms) for prediction in predictions)
    return PredictionError(
        measured(run, scenario.horizon_seconds), _apart(predictions),
        _error(mean_ready(predictions), run.replicas.ready, min(scenario.horizon_seconds, _end(run.evidence))),
        None if recorded is None else compare(predict(recorded), run, terms),
        found[typical(predictions)], found,
    )


def typical(predictions: Sequence[Prediction]) -> int:
    """The index of the prediction whose Ready curve has the smallest total area to those of all others."""
    curves, end = [_steps(prediction.ready) for prediction in predictions], predictions[0].end_seconds
    totals = [sum(area_between(curve, other, end) for other in curves) for curve in curves]
    return totals.index(min(totals))


def mean_ready(predictions: Sequence[Prediction]) -> Steps:
    """The mean of the Ready replicas over the predictions."""
    curves = [_steps(prediction.ready) for prediction in predictions]
    times = sorted({time for curve in curves for time in curve.times()})
    return Steps.of((time, sum(curve.value_at(time) or 0.0 for curve in curves) / len(curves)) for time in times)


def compare(prediction: Prediction, run: DerivedRun, terms: Terms) -> Difference:
    """One prediction against the recorded run."""
    end = min(prediction.end_seconds, _end(run.evidence))
    return Difference(
        _error(_steps(prediction.ready), run.replicas.ready, end),
        _error(_steps(prediction.desired), run.replicas.ordered, end),
        predicted(prediction, terms, end),
    )


def predicted(prediction: Prediction, terms: Terms, end: float) -> Figures:
    """The figures of a prediction."""
    steps = [(before, at, after) for (_, before), (at, after) in pairwise(prediction.desired) if 0 <= at <= end]
    outs = [at for before, at, after in steps if after > before]
    lags = [max(replica.ready or end for replica in prediction.replicas if replica.created == at) - at for at in outs]
    arrivals = prediction.arrivals
    columns = judged_arrivals(arrivals, [stage.name for stage in terms.stages]).columns(prediction)
    waits = [wait for wait in map(sub, prediction.first_token, (arrival.at for arrival in arrivals)) if wait == wait]
    return Figures(
        len(arrivals), nearest_rank(sorted(waits), 95),
        min(outs, default=None), len(outs), len(steps) - len(outs), median(lags) if lags else None,
        miss_seconds(columns, terms.objectives), _steps(prediction.ready).integral(0.0, end),
    )


def measured(run: DerivedRun, end: float) -> Figures:
    """The figures of the recorded run."""
    evidence = run.evidence
    found = [change for change in run.changes if 0 <= evidence.seconds(change.decided.instant) <= end]
    outs = [change for change in found if change.is_out]
    lags = [scale_out_lag(change, [start for start in run.starts if start.change is change], evidence).milliseconds
            for change in outs]
    known = [lag / 1000 for lag in lags if lag is not None]
    waits = sorted((one.first_token - one.intended) / SECOND for one in evidence.requests
                   if one.first_token is not None)
    return Figures(
        len(evidence.requests), nearest_rank(waits, 95),
        min((evidence.seconds(change.decided.instant) for change in outs), default=None),
        len(outs), len(found) - len(outs), median(known) if known else None,
        measured_miss_seconds(evidence),
        run.replicas.ready.integral(0.0, min(end, _end(evidence))),
    )


def _apart(predictions: Sequence[Prediction]) -> float:
    curves, end = [_steps(prediction.ready) for prediction in predictions], predictions[0].end_seconds
    return median(_error(curve, other, end) for curve, other in combinations(curves, 2)) if len(curves) > 1 else 0.0


def area_between(first: Steps, other: Steps, end: float) -> float:
    """Replica-seconds between two curves, from the load's start to `end`."""
    return sum(width * abs(left - right) for width, (left, right) in segments([first, other], 0.0, end))


def _error(found: Steps, truth: Steps, end: float) -> float:
    area = truth.integral(0.0, end)
    return 100 * area_between(found, truth, end) / area if area > 0 else 0.0


def _steps(points: Sequence[tuple[float, int]]) -> Steps:
    return Steps.of((at, float(value)) for at, value in points)


def _end(evidence: Evidence) -> float:
    return 0.0 if evidence.last_seen is None else evidence.seconds(evidence.last_seen)

"""The twin against what was measured: replicas over time, scale-out lag, objective-miss seconds. Misses included.

The load balancer, the scrape's phase and the cold starts are chance, and one draw of them may turn a decision near its
threshold. So an error is told of several draws; the typical one, which is nearest to all others, is what the twin
predicts, chosen without a look at the measurement.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from statistics import median

from elastometer.analysis.evidence import replicas
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.scaling import changes
from elastometer.analysis.evidence.steps import Steps, segments
from elastometer.analysis.requests.misses import RequestColumns, columns_of, miss_seconds, stretches
from elastometer.analysis.starts.coldstart import starts
from elastometer.analysis.starts.scaleout import scale_out_lag
from elastometer.model.terms import Terms
from elastometer.twin.engine import predict
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import Scenario

DRAWS = 15


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run, measured or predicted, is compared by; seconds. None: there was no such thing."""

    first_scale_out: float | None
    scale_outs: int
    scale_ins: int
    scale_out_lag: float | None
    miss_seconds: int | None
    replica_seconds: float


@dataclass(frozen=True, slots=True)
class Difference:
    """One prediction against the measured run. An error is the area between the two curves as a share of the area
    under the measured one, percent, from the load's start to the end of the shorter of the two."""

    ready_percent: float
    desired_percent: float
    predicted: Figures


@dataclass(frozen=True, slots=True)
class Honesty:
    """`recorded` is the prediction with the run's own chance (None where that is another run's), `typical` the draw
    nearest to all others, `draws` all of them. `chance_percent` is how far two draws are apart (median): what two runs
    under the very same settings would differ by. `mean_percent` is the error of the mean over all draws, the curve that
    no single run follows and that is wrong by the least on the average.
    """

    measured: Figures
    chance_percent: float
    mean_percent: float
    recorded: Difference | None
    typical: Difference
    draws: tuple[Difference, ...]

    @property
    def median_percent(self) -> float:
        """Of the errors of the ready replicas over the draws."""
        return median(one.ready_percent for one in self.draws)

    @property
    def within(self) -> tuple[float, float]:
        """The least and the greatest error of the ready replicas over the draws."""
        found = [one.ready_percent for one in self.draws]
        return min(found), max(found)


def honesty(
    scenario: Scenario, evidence: Evidence, terms: Terms, recorded: Scenario | None = None, draws: int = DRAWS,
) -> Honesty:
    """What the scenario predicts against the run of the evidence; `recorded` where the scenario was calibrated from
    this very run."""
    predictions = [predict(replace(scenario, seed=scenario.seed + number)) for number in range(draws)]
    found = tuple(compare(one, scenario, evidence, terms) for one in predictions)
    return Honesty(
        measured(evidence, scenario.horizon_seconds), _apart(predictions),
        _error(mean_ready(predictions), replicas.ready(evidence), min(scenario.horizon_seconds, _end(evidence))),
        None if recorded is None else compare(predict(recorded), recorded, evidence, terms),
        found[typical(predictions)], found,
    )


def typical(predictions: Sequence[Prediction]) -> int:
    """Which of them has the least area between its ready curve and those of all others."""
    curves, end = [_steps(one.ready) for one in predictions], predictions[0].end_seconds
    totals = [sum(area_between(one, other, end) for other in curves) for one in curves]
    return totals.index(min(totals))


def mean_ready(predictions: Sequence[Prediction]) -> Steps:
    """Ready replicas, the mean over the predictions."""
    curves = [_steps(one.ready) for one in predictions]
    times = sorted({time for curve in curves for time in curve.times()})
    return Steps.of((time, sum(curve.value_at(time) or 0.0 for curve in curves) / len(curves)) for time in times)


def compare(prediction: Prediction, scenario: Scenario, evidence: Evidence, terms: Terms) -> Difference:
    """One prediction against the run of the evidence."""
    end = min(prediction.end_seconds, _end(evidence))
    return Difference(
        _error(_steps(prediction.ready), replicas.ready(evidence), end),
        _error(_steps(prediction.desired), replicas.ordered(evidence), end),
        predicted(prediction, scenario, terms, end),
    )


def predicted(prediction: Prediction, scenario: Scenario, terms: Terms, end: float) -> Figures:
    """The figures of a prediction."""
    steps = [(before, at, after) for (_, before), (at, after) in pairwise(prediction.desired) if 0 <= at <= end]
    outs = [at for before, at, after in steps if after > before]
    lags = [max(one.ready or end for one in prediction.replicas if one.created == at) - at for at in outs]
    arrivals, names = scenario.arrivals, [stage.name for stage in terms.stages]
    columns = RequestColumns(
        [one.at for one in arrivals], prediction.first_token, prediction.ended, prediction.ended,
        [max(0, one.output_tokens - 1) for one in arrivals],
        stretches([names[one.stage] if one.stage < len(names) else "" for one in arrivals]),
    )
    return Figures(
        min(outs, default=None), len(outs), len(steps) - len(outs), median(lags) if lags else None,
        miss_seconds(columns, terms.objectives), _steps(prediction.ready).integral(0.0, end),
    )


def measured(evidence: Evidence, end: float) -> Figures:
    """The figures of the recorded run."""
    found = [one for one in changes(evidence) if 0 <= evidence.seconds(one.decided.instant) <= end]
    outs, lives = [one for one in found if one.is_out], starts(evidence, found)
    lags = [scale_out_lag(one, [life for life in lives if life.change is one], evidence).milliseconds for one in outs]
    known = [one / 1000 for one in lags if one is not None]
    return Figures(
        min((evidence.seconds(one.decided.instant) for one in outs), default=None), len(outs), len(found) - len(outs),
        median(known) if known else None, miss_seconds(columns_of(evidence), evidence.terms.objectives),
        replicas.ready(evidence).integral(0.0, min(end, _end(evidence))),
    )


def _apart(predictions: Sequence[Prediction]) -> float:
    curves, end = [_steps(one.ready) for one in predictions], predictions[0].end_seconds
    return median(_error(one, other, end) for one, other in combinations(curves, 2)) if len(curves) > 1 else 0.0


def area_between(one: Steps, other: Steps, end: float) -> float:
    """Replica-seconds between two curves, from the load's start to `end`."""
    return sum(width * abs(left - right) for width, (left, right) in segments([one, other], 0.0, end))


def _error(found: Steps, truth: Steps, end: float) -> float:
    area = truth.integral(0.0, end)
    return 100 * area_between(found, truth, end) / area if area > 0 else 0.0


def _steps(points: Sequence[tuple[float, int]]) -> Steps:
    return Steps.of((at, float(value)) for at, value in points)


def _end(evidence: Evidence) -> float:
    return 0.0 if evidence.last_seen is None else evidence.seconds(evidence.last_seen)

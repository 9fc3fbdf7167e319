"""The scorecard of a prediction: objectives, objective-miss seconds, replica-seconds, scale-outs and their lag.

The rules are those of the report (`analysis.verdict.objectives`, `analysis.requests.misses`), applied to columns
instead of records: a search judges a thousand predictions, and records would cost more than the predictions.
"""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor
from operator import ne, sub
from statistics import median

from elastometer.analysis.requests.misses import RequestColumns, miss_seconds, missed_seconds
from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.model.measurements import Duration
from elastometer.model.objectives import NOT_PREDICTED
from elastometer.model.report import Verdict
from elastometer.model.terms import ON_REQUESTS, Indicator, Objective, Terms
from elastometer.statistics.rates import meets
from elastometer.twin.judged import judged_arrivals
from elastometer.twin.prediction import PredictedReplica, Prediction
from elastometer.twin.scenario import Arrival
from elastometer_loadgen.stages.objectives import Statistic

# Requests are recorded to the microsecond, so a smaller difference from a bound does not count.
CLOCK_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class ObjectiveScore:
    """One objective: `measured` and `bound` in `unit`, which is ms or %. `statistic` is `p95` or `mean`; a share has
    none."""

    name: str
    indicator: str
    stage: str | None
    verdict: Verdict
    measured: float | None
    bound: float | None
    unit: str
    statistic: str | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One run, measured or predicted. `miss_seconds` is None if the test has no objective on requests."""

    objectives: tuple[ObjectiveScore, ...]
    miss_seconds: int | None
    replica_seconds: float | None
    gpu_seconds: float | None
    scale_outs: int
    scale_ins: int
    peak_ready: int
    scale_out_lag_seconds: float | None
    requests: int
    not_served: int

    @property
    def missed(self) -> tuple[str, ...]:
        """Names of the objectives missed. One on requests that cannot be judged counts as missed; one on scale-outs or
        cold starts does not if there was none, nor does one on answers, whose content no prediction knows."""
        return tuple(objective.name for objective in self.objectives if objective.verdict is Verdict.FAIL
                     or (objective.verdict is Verdict.INCONCLUSIVE and objective.indicator in ON_REQUESTS))

    @property
    def failed(self) -> int:
        """How many objectives are missed."""
        return len(self.missed)

    @property
    def holds(self) -> bool:
        """Whether all objectives are met."""
        return self.failed == 0

    @property
    def cost(self) -> float:
        """GPU-seconds, or replica-seconds if a replica has no GPU."""
        found = self.replica_seconds if self.gpu_seconds is None else self.gpu_seconds
        return 0.0 if found is None else found


class Judge:
    """The objectives of one test over one list of arrivals, prepared for many predictions of them."""

    def __init__(self, arrivals: Sequence[Arrival], terms: Terms, gpus_per_replica: int | None) -> None:
        self._objectives = terms.objectives
        self._gpus = gpus_per_replica
        self._names = [stage.name for stage in terms.stages]
        self._read(arrivals)

    def _read(self, arrivals: Sequence[Arrival]) -> None:
        self._arrivals = arrivals
        self._judged = judged_arrivals(arrivals, self._names)

    def score(self, prediction: Prediction) -> Scorecard:
        """The scorecard. Times count from the start of the load; replicas cost nothing before it."""
        columns = self._columns(prediction)
        changes = list(pairwise(size for _, size in prediction.desired))
        lags = scale_out_lags(prediction)
        replica_seconds = held_seconds(prediction.replicas, prediction.end_seconds)
        known = [lag.milliseconds / 1000 for lag in lags if lag.milliseconds is not None]
        return Scorecard(
            objectives=tuple(_objective(objective, columns, prediction, lags) for objective in self._objectives),
            miss_seconds=miss_seconds(columns, self._objectives),
            replica_seconds=replica_seconds,
            gpu_seconds=None if self._gpus is None else self._gpus * replica_seconds,
            scale_outs=sum(after > before for before, after in changes),
            scale_ins=sum(after < before for before, after in changes),
            peak_ready=max((ready for at, ready in prediction.ready), default=0),
            scale_out_lag_seconds=median(known) if known else None,
            requests=len(self._arrivals), not_served=_absent(prediction.ended),
        )

    def missed(self, prediction: Prediction) -> set[int] | None:
        """Which seconds of the load are missed; None without an objective on requests."""
        return missed_seconds(self._columns(prediction), self._objectives)

    def _columns(self, prediction: Prediction) -> RequestColumns:
        """Users send other requests in each prediction; those of a schedule are always the same."""
        if prediction.arrivals is not self._arrivals:
            self._read(prediction.arrivals)
        return self._judged.columns(prediction)


def _objective(
    objective: Objective, columns: RequestColumns, prediction: Prediction, lags: Sequence[Duration],
) -> ObjectiveScore:
    if objective.indicator in NOT_PREDICTED:
        return _scored(objective, Verdict.INCONCLUSIVE, None)
    requests = columns.of(objective)
    match objective.indicator:
        case Indicator.SCALE_OUT_LAG | Indicator.COLD_START:
            result = judge_objective(objective, (), lags, cold_starts(prediction))
            return replace(_scored(objective, result.verdict, result.measured), bound=result.bound)
        case Indicator.REQUEST_SUCCESS:
            return _success(objective, requests.ended)
    return _latency(objective, _values(objective.indicator, requests), len(requests.at))


def _values(indicator: Indicator, requests: RequestColumns) -> list[float]:
    """Seconds in ascending order, of the requests that got that far."""
    first, ended, at = requests.first_token, requests.ended, requests.at
    match indicator:
        case Indicator.TIME_TO_FIRST_TOKEN:
            found = list(map(sub, first, at))
        case Indicator.REQUEST_LATENCY:
            found = list(map(sub, ended, at))
        case _:
            found = [(end - start) / tokens
                     for end, start, tokens in zip(ended, first, requests.gaps, strict=True) if tokens > 0]
    if _absent(found):
        found = [value for value in found if value == value]  # NaN is not equal to itself
    found.sort()
    return found


def _absent(values: Sequence[float]) -> int:
    """How many are NaN. No Python loop, since this is done for every candidate."""
    return sum(map(ne, values, values))


def _scored(objective: Objective, verdict: Verdict, measured: float | None) -> ObjectiveScore:
    is_share = objective.indicator in (Indicator.REQUEST_SUCCESS, Indicator.ANSWER_CHECK)
    bound = objective.minimum_percent if is_share else objective.maximum_milliseconds
    return ObjectiveScore(
        objective.name, objective.indicator, objective.stage, verdict, measured,
        bound=None if bound is None else float(bound),
        unit="%" if is_share else "ms",
        task=objective.task,
        statistic=None if is_share or objective.indicator in NOT_PREDICTED
        else objective.statistic.named(objective.percentile))


def _success(objective: Objective, ended: Sequence[float]) -> ObjectiveScore:
    count, bound = len(ended), objective.minimum_percent
    good = count - _absent(ended)
    if not count or bound is None:
        return _scored(objective, Verdict.INCONCLUSIVE, None)
    verdict = Verdict.PASS if meets(good, count, bound) else Verdict.FAIL
    # Rounded down: a share just below the bound must not be shown as the bound.
    return _scored(objective, verdict, floor(10000 * good / count) / 100)


def _latency(objective: Objective, values: Sequence[float], asked: int) -> ObjectiveScore:
    """A request without a first token or an end counts as too slow; one with a single token has no time per token and
    does not count."""
    bound = objective.maximum_milliseconds
    reached = objective.statistic.of(values, objective.percentile)
    if reached is None or bound is None:
        return _scored(objective, Verdict.INCONCLUSIVE, None)
    total = len(values) if objective.indicator is Indicator.TIME_PER_OUTPUT_TOKEN else asked
    limit = bound / 1000 + CLOCK_SECONDS
    within = bisect_right(values, limit)
    # The mean is that of the requests that got so far, as in the report.
    has_room = objective.statistic is Statistic.MEAN or 100 * within >= objective.percentile * total
    met = reached <= limit and has_room
    return _scored(objective, Verdict.PASS if met else Verdict.FAIL, round(1000 * reached, 1))


def held_seconds(replicas: Sequence[PredictedReplica], end: float) -> float:
    """Seconds of all replicas from their creation (or the load's start, if later) until they are gone (or the end)."""
    return round(sum(max(0.0, (end if replica.gone is None else min(end, replica.gone)) - max(0.0, replica.created))
                     for replica in replicas), 1)


def scale_out_lags(prediction: Prediction) -> list[Duration]:
    """One per scale-out: from the decision until the last replica that it added is Ready."""
    out = [at for (_, before), (at, after) in pairwise(prediction.desired) if after > before]
    made = {at: [replica for replica in prediction.replicas if replica.created == at] for at in out}
    return [_slowest(made[at], at, prediction.end_seconds) for at in out]


def _slowest(replicas: Sequence[PredictedReplica], at: float, end: float) -> Duration:
    never = [replica for replica in replicas if replica.ready is None]
    if never:
        until = min(end if replica.deleted is None else replica.deleted for replica in never)
        return Duration(at_least_milliseconds=1000 * (until - at), reason="an added replica was never Ready")
    return Duration(milliseconds=1000 * (max(replica.ready or 0.0 for replica in replicas) - at))


def cold_starts(prediction: Prediction) -> list[Duration]:
    """One per added replica: from its creation to Ready."""
    start = prediction.desired[0][0]
    return [_slowest([replica], replica.created, prediction.end_seconds)
            for replica in prediction.replicas if replica.created > start]

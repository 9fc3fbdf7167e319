"""What a prediction is worth: objectives, seconds in which they were missed, replica-seconds, scale-outs and their lag.

The rules are those of the report (`analysis.objectives`, `analysis.misses`), on columns instead of records: a search
judges a thousand predictions, and records would cost more than the predictions do.
"""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor
from operator import ne, sub
from statistics import median

from elastometer.analysis.requests.misses import RequestColumns, miss_seconds, stretches
from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.model.measured import Figure
from elastometer.model.report import Verdict
from elastometer.model.terms import Indicator, Objective, Terms
from elastometer.twin.prediction import Prediction, PredictedReplica
from elastometer.twin.scenario import Arrival
from elastometer_loadgen.base.measures import nearest_rank

# What was in an answer no prediction says, so that an objective on it is neither met nor missed by one.
_ON_REQUESTS = frozenset(set(Indicator) - {Indicator.SCALE_OUT_LAG, Indicator.COLD_START, Indicator.ANSWER_CHECK})
# Requests are recorded to the microsecond: what differs by less is the same.
CLOCK_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class ObjectiveScore:
    """One objective: `measured` and `bound` in `unit`, which is ms or %; of a share there is no `percentile`."""

    name: str
    indicator: str
    stage: str | None
    verdict: Verdict
    measured: float | None
    bound: float | None
    unit: str
    percentile: int | None = None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One run, measured or predicted. `miss_seconds` None: the test has no objective on requests."""

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
        """Names of the objectives missed. One on scale-outs or cold starts is not missed where there was none."""
        return tuple(objective.name for objective in self.objectives if objective.verdict is Verdict.FAIL
                     or (objective.verdict is Verdict.INCONCLUSIVE and objective.indicator in _ON_REQUESTS))

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
        """GPU-seconds; replica-seconds where a replica has no GPU."""
        found = self.replica_seconds if self.gpu_seconds is None else self.gpu_seconds
        return 0.0 if found is None else found


class Judge:
    """The objectives of one test over one list of arrivals, prepared for many predictions."""

    def __init__(self, arrivals: Sequence[Arrival], terms: Terms, gpus_per_replica: int | None) -> None:
        self._at = [arrival.at for arrival in arrivals]
        self._gaps = [max(0, arrival.output_tokens - 1) for arrival in arrivals]
        self._objectives = terms.objectives
        self._gpus = gpus_per_replica
        names = {number: stage.name for number, stage in enumerate(terms.stages)}
        self._stretches = stretches([names.get(arrival.stage, "") for arrival in arrivals])

    def score(self, prediction: Prediction) -> Scorecard:
        """The scorecard; times count from the start of the load, and what was before it costs nothing."""
        lives, changes = prediction.replicas, list(pairwise(size for _, size in prediction.desired))
        lags = scale_out_lags(prediction)
        replica_seconds = held_seconds(lives, prediction.end_seconds)
        known = [lag.milliseconds / 1000 for lag in lags if lag.milliseconds is not None]
        return Scorecard(
            objectives=tuple(self._objective(objective, prediction, lags) for objective in self._objectives),
            miss_seconds=miss_seconds(self._columns(prediction), self._objectives),
            replica_seconds=replica_seconds,
            gpu_seconds=None if self._gpus is None else self._gpus * replica_seconds,
            scale_outs=sum(after > before for before, after in changes),
            scale_ins=sum(after < before for before, after in changes),
            peak_ready=max((ready for at, ready in prediction.ready), default=0),
            scale_out_lag_seconds=median(known) if known else None,
            requests=len(self._at), not_served=_absent(prediction.ended),
        )

    def _columns(self, prediction: Prediction) -> RequestColumns:
        return RequestColumns(at=self._at, first_token=prediction.first_token, last_token=prediction.ended,
                              ended=prediction.ended, gaps=self._gaps, stretches=self._stretches)

    def _objective(self, objective: Objective, prediction: Prediction, lags: Sequence[Figure]) -> ObjectiveScore:
        low, high = (0, len(self._at)) if objective.stage is None else self._stretches.get(objective.stage, (0, 0))
        match objective.indicator:
            case Indicator.SCALE_OUT_LAG | Indicator.COLD_START:
                result = judge_objective(objective, (), lags, cold_starts(prediction))
                return ObjectiveScore(objective.name, objective.indicator, objective.stage, result.verdict, result.measured,
                                      result.bound, "ms", objective.percentile)
            case Indicator.REQUEST_SUCCESS:
                return _success(objective, prediction.ended[low:high])
            case Indicator.ANSWER_CHECK:
                bound = objective.minimum_percent
                return ObjectiveScore(objective.name, objective.indicator, objective.stage, Verdict.INCONCLUSIVE, None, bound, "%")
        values = self._values(objective.indicator, prediction, low, high)
        return _latency(objective, values, high - low)

    def _values(self, indicator: Indicator, prediction: Prediction, low: int, high: int) -> list[float]:
        """Seconds, rising, of the requests that got that far."""
        first, ended, at = prediction.first_token[low:high], prediction.ended[low:high], self._at[low:high]
        match indicator:
            case Indicator.TIME_TO_FIRST_TOKEN:
                found = list(map(sub, first, at))
            case Indicator.REQUEST_LATENCY:
                found = list(map(sub, ended, at))
            case _:
                gaps = self._gaps[low:high]
                found = [(end - start) / gap for end, start, gap in zip(ended, first, gaps, strict=True) if gap > 0]
        if _absent(found):
            found = [value for value in found if value == value]
        found.sort()
        return found


def _absent(values: Sequence[float]) -> int:
    """How many are NaN; counted without a loop of our own, for it is done for every candidate."""
    return sum(map(ne, values, values))


def _success(objective: Objective, ended: Sequence[float]) -> ObjectiveScore:
    count, bound = len(ended), objective.minimum_percent
    good = count - _absent(ended)
    if not count or bound is None:
        return ObjectiveScore(objective.name, objective.indicator, objective.stage, Verdict.INCONCLUSIVE, None, bound, "%")
    verdict = Verdict.PASS if 100 * good >= bound * count else Verdict.FAIL
    return ObjectiveScore(objective.name, objective.indicator, objective.stage, verdict, floor(10000 * good / count) / 100, bound, "%")


def _latency(objective: Objective, values: Sequence[float], asked: int) -> ObjectiveScore:
    """A request without a first token or an end counts as too slow; one without gaps between tokens does not count."""
    bound = objective.maximum_milliseconds
    reached = nearest_rank(values, objective.percentile)
    if reached is None or bound is None:
        return ObjectiveScore(objective.name, objective.indicator, objective.stage, Verdict.INCONCLUSIVE, None, bound, "ms",
                              objective.percentile)
    total = len(values) if objective.indicator is Indicator.TIME_PER_OUTPUT_TOKEN else asked
    limit = bound / 1000 + CLOCK_SECONDS
    within = bisect_right(values, limit)
    met = reached <= limit and 100 * within >= objective.percentile * total
    return ObjectiveScore(objective.name, objective.indicator, objective.stage, Verdict.PASS if met else Verdict.FAIL,
                          round(1000 * reached, 1), bound, "ms", objective.percentile)


def held_seconds(lives: Sequence[PredictedReplica], end: float) -> float:
    """Seconds of all replicas from their creation, or the load's start, to being gone, or the end."""
    return round(sum(max(0.0, (end if replica.gone is None else min(end, replica.gone)) - max(0.0, replica.created))
                     for replica in lives), 1)


def scale_out_lags(prediction: Prediction) -> list[Figure]:
    """Per scale-out, from the decision to the Ready of the last replica that it added."""
    out = [at for (_, before), (at, after) in pairwise(prediction.desired) if after > before]
    made = {at: [replica for replica in prediction.replicas if replica.created == at] for at in out}
    return [_slowest(made[at], at, prediction.end_seconds) for at in out]


def _slowest(lives: Sequence[PredictedReplica], at: float, end: float) -> Figure:
    if any(replica.ready is None for replica in lives):
        until = min(replica.deleted if replica.deleted is not None else end for replica in lives if replica.ready is None)
        return Figure(at_least_milliseconds=1000 * (until - at), reason="an added replica was never Ready")
    return Figure(milliseconds=1000 * (max(replica.ready or 0.0 for replica in lives) - at))


def cold_starts(prediction: Prediction) -> list[Figure]:
    """Per replica that was added, from its creation to Ready."""
    start = prediction.desired[0][0]
    return [_slowest([replica], replica.created, prediction.end_seconds) for replica in prediction.replicas if replica.created > start]

"""The requests as clients would have recorded them, and the servers' queues as scrapes would have shown them."""
from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import ceil, inf, isnan
from typing import NamedTuple

from elastometer.model.bundle import LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.request import RecordedRequest
from elastometer.model.units import Instant
from elastometer.twin.forecast.predicted_run import PredictedRun, instant, pod_name
from elastometer.twin.prediction import PredictedReplica
from elastometer.twin.scenario import Arrival
from elastometer_loadgen.base.record import Outcome


def request_records(foretold: PredictedRun) -> tuple[RecordedRequest, ...]:
    """One per arrival, sent when it was due; its task is not known."""
    names = _Names(
        tuple(stage.name for stage in foretold.plan.spec.profile.stages),
        {life.number: pod_name(foretold.plan.names, life.number) for life in foretold.prediction.replicas},
        _Steps(foretold.prediction.ready))
    return tuple([_record(foretold, number, arrival, names)
                  for number, arrival in enumerate(foretold.scenario.arrivals)])


class _Steps:
    def __init__(self, points: Sequence[tuple[float, int]]) -> None:
        self.times = [at for at, _ in points]
        self.values = [value for _, value in points]

    def at(self, time: float) -> int:
        index = bisect_right(self.times, time) - 1
        return 0 if index < 0 else self.values[index]


class _Names(NamedTuple):
    """What every record needs: names of stages and of replicas, and how many were Ready when."""

    stages: tuple[str, ...]
    pods: Mapping[int, str]
    ready: _Steps


def _record(foretold: PredictedRun, number: int, arrival: Arrival, names: _Names) -> RecordedRequest:
    prediction, replica, intended = foretold.prediction, foretold.prediction.replica[number], instant(arrival.at)
    first, ended = _instant(prediction.first_token[number]), _instant(prediction.ended[number])
    outcome, end = (Outcome.SUCCESS, ended) if ended is not None else _failure(foretold, arrival, replica, names.ready)
    return RecordedRequest(
        id=number, worker=0, stage=names.stages[arrival.stage], task="",
        intended=intended, send=intended, connect=None, first_byte=first, first_token=first, last_token=ended,
        end=end, chunks=0, prompt_tokens=arrival.prompt_tokens,
        completion_tokens=arrival.output_tokens if ended is not None else None, finish_reason=None, status=None,
        outcome=outcome, error=None, pod=names.pods.get(replica), address=None,
    )


def _failure(foretold: PredictedRun, arrival: Arrival, replica: int, ready: _Steps) -> tuple[Outcome, Instant]:
    """How a request that was not served ended, and when."""
    scenario, end = foretold.scenario, foretold.prediction.end_seconds
    if replica < 0 and ready.at(arrival.at) == 0:
        return Outcome.REFUSED, instant(arrival.at)
    given_up = arrival.at + min(scenario.timeout_seconds, scenario.patience_seconds if replica < 0 else inf)
    gone = next((life.gone for life in foretold.prediction.replicas if life.number == replica), None)
    if gone is not None and gone < given_up:
        return Outcome.ABORTED, instant(gone)
    return Outcome.TIMED_OUT, instant(min(given_up, end))


def _instant(seconds: float) -> Instant | None:
    return None if isnan(seconds) else instant(seconds)


def series(foretold: PredictedRun) -> tuple[SeriesResult, ...]:
    """Waiting and running requests of each replica, on the grid of the test's scrape period. Those whose clients gave
    up before their first token are not in it: the prediction does not say where they waited."""
    moves: dict[int, tuple[list[float], list[float], list[float]]] = defaultdict(lambda: ([], [], []))
    prediction, capacity = foretold.prediction, foretold.scenario.capacity
    for number, arrival in enumerate(foretold.scenario.arrivals):
        first, ended, replica = prediction.first_token[number], prediction.ended[number], prediction.replica[number]
        if replica >= 0 and not isnan(first):
            prefill = capacity.prefill_seconds + capacity.prefill_seconds_per_token * arrival.prompt_tokens
            arrived, started, over = moves[replica]
            arrived.append(arrival.at)
            started.append(max(arrival.at, first - prefill))
            over.append(arrival.at + foretold.scenario.timeout_seconds if isnan(ended) else ended)
    for lists in moves.values():
        for instants in lists:
            instants.sort()
    grid = _grid(foretold)
    return (
        _series(foretold, SeriesName.WAITING, grid, {name: (times[0], times[1]) for name, times in moves.items()}),
        _series(foretold, SeriesName.RUNNING, grid, {name: (times[1], times[2]) for name, times in moves.items()}),
    )


def _grid(foretold: PredictedRun) -> list[float]:
    step = float(foretold.plan.spec.measurement.scrape_period_seconds)
    first = ceil(foretold.scenario.start_seconds / step)
    return [index * step for index in range(first, int(foretold.prediction.end_seconds / step) + 1)]


def _series(foretold: PredictedRun, name: SeriesName, grid: list[float],
            moves: dict[int, tuple[list[float], list[float]]]) -> SeriesResult:
    """How many have come in and not left, at each instant of the grid at which the replica serves."""
    lines = tuple(
        LabelledSamples({"pod": pod_name(foretold.plan.names, life.number)}, tuple(
            (instant(at), float(bisect_right(came, at) - bisect_right(left, at)))
            for at in grid if _serves(life, at)))
        for life in foretold.prediction.replicas
        for came, left in (moves.get(life.number, ([], [])),)
    )
    return SeriesResult(name.value, "", SeriesOutcome.SAMPLES, "", None, tuple(line for line in lines if line.samples))


def _serves(life: PredictedReplica, at: float) -> bool:
    return life.ready is not None and life.ready <= at and (life.gone is None or at < life.gone)

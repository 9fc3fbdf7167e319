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


def request_records(run: PredictedRun) -> tuple[RecordedRequest, ...]:
    """One record per arrival, sent when it was due."""
    names = _Names(
        tuple(stage.name for stage in run.plan.spec.profile.stages),
        {replica.number: pod_name(run.plan.names, replica.number) for replica in run.prediction.replicas},
        _Steps(run.prediction.ready))
    return tuple([_record(run, number, arrival, names)
                  for number, arrival in enumerate(run.prediction.arrivals)])


class _Steps:
    def __init__(self, points: Sequence[tuple[float, int]]) -> None:
        self.times = [at for at, _ in points]
        self.values = [value for _, value in points]

    def at(self, time: float) -> int:
        index = bisect_right(self.times, time) - 1
        return 0 if index < 0 else self.values[index]


class _Names(NamedTuple):
    """What every record needs: the names of stages and replicas, and how many replicas were Ready at a time."""

    stages: tuple[str, ...]
    pods: Mapping[int, str]
    ready: _Steps


def _record(run: PredictedRun, number: int, arrival: Arrival, names: _Names) -> RecordedRequest:
    prediction, replica, intended = run.prediction, run.prediction.replica[number], instant(arrival.at)
    first, ended = _instant(prediction.first_token[number]), _instant(prediction.ended[number])
    outcome, end = (Outcome.SUCCESS, ended) if ended is not None else _failure(run, arrival, replica, names.ready)
    return RecordedRequest(
        id=prediction.ids[number], worker=0, stage=names.stages[arrival.stage], task=arrival.task,
        intended=intended, send=intended, connect=None, first_byte=first, first_token=first, last_token=ended,
        end=end, chunks=0, prompt_tokens=arrival.prompt_tokens,
        completion_tokens=arrival.output_tokens if ended is not None else None, finish_reason=None, status=None,
        outcome=outcome, error=None, pod=names.pods.get(replica), address=None,
    )


def _failure(run: PredictedRun, arrival: Arrival, replica: int, ready: _Steps) -> tuple[Outcome, Instant]:
    """How a request that was not served ended, and when."""
    scenario, end = run.scenario, run.prediction.end_seconds
    if replica < 0 and ready.at(arrival.at) == 0:
        return Outcome.REFUSED, instant(arrival.at)
    given_up = arrival.at + min(scenario.timeout_seconds, scenario.patience_seconds if replica < 0 else inf)
    gone = next((found.gone for found in run.prediction.replicas if found.number == replica), None)
    # A replica that is gone before its client would give up has aborted the request.
    if gone is not None and gone < given_up:
        return Outcome.ABORTED, instant(gone)
    return Outcome.TIMED_OUT, instant(min(given_up, end))


def _instant(seconds: float) -> Instant | None:
    return None if isnan(seconds) else instant(seconds)


def series(run: PredictedRun) -> tuple[SeriesResult, ...]:
    """Waiting and running requests of each replica, on the grid of the test's scrape period. Requests whose clients
    gave up before their first token are missing, since the prediction does not say where they waited."""
    moves: dict[int, tuple[list[float], list[float], list[float]]] = defaultdict(lambda: ([], [], []))
    prediction, capacity = run.prediction, run.scenario.capacity
    for number, arrival in enumerate(run.prediction.arrivals):
        first, ended, replica = prediction.first_token[number], prediction.ended[number], prediction.replica[number]
        if replica >= 0 and not isnan(first):
            prefill = capacity.prefill_seconds + capacity.prefill_seconds_per_token * arrival.prompt_tokens
            arrived, started, done = moves[replica]
            arrived.append(arrival.at)
            started.append(max(arrival.at, first - prefill))
            # A request that started but was not served kept running until its client gave up.
            done.append(arrival.at + run.scenario.timeout_seconds if isnan(ended) else ended)
    for lists in moves.values():
        for instants in lists:
            instants.sort()
    grid = _grid(run)
    return (
        _series(run, SeriesName.WAITING, grid, {name: (times[0], times[1]) for name, times in moves.items()}),
        _series(run, SeriesName.RUNNING, grid, {name: (times[1], times[2]) for name, times in moves.items()}),
    )


def _grid(run: PredictedRun) -> list[float]:
    step = float(run.plan.spec.measurement.scrape_period_seconds)
    first = ceil(run.scenario.start_seconds / step)
    return [index * step for index in range(first, int(run.prediction.end_seconds / step) + 1)]


def _series(run: PredictedRun, name: SeriesName, grid: list[float],
            moves: dict[int, tuple[list[float], list[float]]]) -> SeriesResult:
    """How many requests have entered and not left, at each instant of the grid at which the replica serves."""
    lines = tuple(
        LabelledSamples({"pod": pod_name(run.plan.names, replica.number)}, tuple(
            (instant(at), float(bisect_right(entered, at) - bisect_right(left, at)))
            for at in grid if _serves(replica, at)))
        for replica in run.prediction.replicas
        for entered, left in (moves.get(replica.number, ([], [])),)
    )
    return SeriesResult(name.value, "", SeriesOutcome.SAMPLES, "", None, tuple(line for line in lines if line.samples))


def _serves(replica: PredictedReplica, at: float) -> bool:
    return replica.ready is not None and replica.ready <= at and (replica.gone is None or at < replica.gone)

"""Series as Prometheus would return them, from functions of time, for the synthetic run."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from elastometer.model.bundle import LabelledSamples, SeriesOutcome, SeriesResult
from elastometer.model.units import SECOND
from support.synthetic.script import LOAD_START, PODS

STEP = 2.0
FIRST, SECOND_POD, THIRD, FOURTH = (name for name, *_ in PODS)
ORIGIN = round(LOAD_START.timestamp()) * SECOND
# When each Pod's server has metrics: from some time after its creation until it is gone.
LIVES = {name: (created + 4.0, 240.0 if gone is None else gone) for name, created, _, gone in PODS}
Value = Callable[[float], float]


def grid(start: float = -60.0, end: float = 240.0, step: float = STEP) -> list[float]:
    return [start + index * step for index in range(round((end - start) / step) + 1)]


def labelled(labels: Mapping[str, str], value: Value, times: Sequence[float]) -> LabelledSamples:
    pairs = tuple((ORIGIN + round(time * SECOND), float(value(time))) for time in times)
    return LabelledSamples(dict(labels), pairs)


def scraped(name: str, *series: LabelledSamples, step: float = STEP) -> SeriesResult:
    outcome = SeriesOutcome.SAMPLES if series else SeriesOutcome.NO_DATA
    return SeriesResult(name, "", outcome, "", step, series)


def of_pod(pod: str, value: Value, step: float = STEP, **labels: str) -> LabelledSamples:
    """While the Pod lived, on the query's grid."""
    start, end = LIVES[pod]
    times = [time for time in grid(step=step) if start <= time <= end]
    return labelled({"pod": pod, "job": "pods", **labels}, value, times)


def taken_every(seconds: float) -> Value:
    """When the newest sample of a source was taken that is read once in so many seconds, as Unix seconds."""
    return lambda time: ORIGIN / SECOND + (time // seconds) * seconds


def held(value: Value, seconds: float) -> Value:
    """What such a source shows: the value of its newest reading."""
    return lambda time: value((time // seconds) * seconds)

"""Numbers as the benchmark report wants them: statistics of a sample, and of a step function over time."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from elastometer.analysis.evidence.steps import Steps, segments
from elastometer_loadgen.base.measures import nearest_rank

Json = dict[str, Any]
# Field names of the format with their percentiles.
PERCENTILES: Mapping[str, float] = {
    "p0p1": 0.1, "p1": 1, "p5": 5, "p10": 10, "p25": 25, "p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99,
    "p99p9": 99.9,
}


def statistics(values: pl.Series, units: str, scale: float = 1.0) -> Json | None:
    """Mean, standard deviation and percentiles by nearest rank, each value multiplied by `scale`; None without values,
    since the format requires a mean. A percentile of fewer values than its tail has places is left out: the 99.9th of
    40 values would be their maximum under another name."""
    known = values.drop_nulls().sort()
    count = len(known)
    if not count:
        return None
    mean = known.mean()
    found: Json = {"units": units, "mean": _scaled(mean, scale), "min": _scaled(known[0], scale)}
    if count > 1:
        found["stddev"] = _scaled(known.std(), scale)
    for name, percent in PERCENTILES.items():
        if count * min(percent, 100 - percent) >= 100:
            found[name] = _scaled(known[nearest_rank(range(count), percent) or 0], scale)
    return {**found, "max": _scaled(known[-1], scale)}


def single(value: float | None, units: str) -> Json | None:
    """A quantity of which there is one value for the whole stage; None where it is not known."""
    return None if value is None else {"units": units, "mean": round(value, 6)}


def over_time(steps: Steps, start: float, end: float, units: str) -> Json | None:
    """Mean weighted by time, smallest and largest value of a step function on [start, end]; None if it has no value at
    the start."""
    if end <= start or steps.value_at(start) is None:
        return None
    parts = segments([steps], start, end)
    values = [value for _, (value,) in parts]
    mean = sum(width * value for width, (value,) in parts) / (end - start)
    return {"units": units, "mean": round(mean, 6), "min": min(values), "max": max(values)}


def without_nothing(fields: Mapping[str, Any]) -> Json:
    """The fields that have a value: in this format, what is not known is absent."""
    return {name: value for name, value in fields.items() if value is not None}


def _scaled(value: object, scale: float) -> float:
    return round(float(value) * scale, 9)  # type: ignore[arg-type]


def spread(values: Sequence[float], units: str) -> Json | None:
    """The same statistics of a few values."""
    return statistics(pl.Series(values, dtype=pl.Float64), units)


def digest(value: object) -> str:
    """A stable id of a document."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]

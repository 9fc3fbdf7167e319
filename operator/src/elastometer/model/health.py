"""The preset Health of an objective: four rows by which a chat service is called healthy, abnormal, or between the two.

Everything that reads `spec.objectives` reads `objective_rows` instead, so that a preset is nothing but its rows.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.estimates import Interval

PRESET_FIELDS = ("name", "preset", "stageName")
# What `percentile` means is filled in by the API server for every row, and says nothing about a preset.
DEFAULTED_FIELDS = ("percentile", "statistic")
MAX_ROWS = 32
MAX_NAME = 63


class ObjectivePreset(StrEnum):
    """A row of `spec.objectives` that stands for several."""

    HEALTH = "Health"


class HealthPart(StrEnum):
    """The four measures of the preset; each is the suffix of a row's name."""

    SUCCESS = "success"
    MEAN = "mean"
    P99 = "p99"
    RATE = "rate"


# Healthy up to here. The bound of the mean that is abnormal is twice this; that of p99 is near the load's time-out.
HEALTHY: Mapping[HealthPart, Mapping[str, object]] = {
    HealthPart.SUCCESS: {"indicator": "RequestSuccess", "minimumPercent": 99},
    HealthPart.MEAN: {"indicator": "RequestLatency", "statistic": "Mean", "maximumMilliseconds": 1000},
    HealthPart.P99: {"indicator": "RequestLatency", "percentile": 99, "maximumMilliseconds": 2000},
    HealthPart.RATE: {"indicator": "SteadyRate", "maximumPercent": 10},
}
# A bin below this share of the median: the rate fell. It swings where it varies by more than the abnormal bound.
FALLEN_PERCENT, SWINGING_PERCENT = 50, 25
LONGEST_SUFFIX = max(len(part) for part in HealthPart) + 1


def row_name(name: str, part: HealthPart) -> str:
    """The name of one of the rows of a preset: `health-p99`."""
    return f"{name}-{part.value}"


def objective_rows(spec: Document) -> tuple[Document, ...]:
    """The rows of `spec.objectives`, with the rows of each preset in its place; those have `preset` with its name."""
    return tuple(row for item in documents_at(spec, "objectives") for row in _rows(item))


def _rows(item: Document) -> Iterator[Document]:
    if text_at(item, "preset") not in set(ObjectivePreset):
        yield item
        return
    name, stage = text_at(item, "name") or "", text_at(item, "stageName")
    where = {} if stage is None else {"stageName": stage}
    for part, row in HEALTHY.items():
        yield {"name": row_name(name, part), **row, **where, "preset": name}


def preset_flaws(spec: Document) -> Iterator[str]:
    """What the schema cannot say of presets: the rows that they become must have names and places of their own."""
    items = documents_at(spec, "objectives")
    names = {text_at(item, "name") for item in items}
    for index, item in enumerate(items):
        name, path = text_at(item, "name") or "", f"spec.objectives[{index}]"
        if text_at(item, "preset") is None:
            continue
        if len(name) > MAX_NAME - LONGEST_SUFFIX:
            yield (f"{path}.name: must have at most {MAX_NAME - LONGEST_SUFFIX} characters for a preset, whose rows "
                   f"add theirs, is {name!r}")
        if taken := [row for part in HealthPart if (row := row_name(name, part)) in names]:
            yield f"{path}.name: must not give a row the name of another objective ({', '.join(taken)}), is {name!r}"
    if (count := len(objective_rows(spec))) > MAX_ROWS:
        yield f"spec.objectives: must come to at most {MAX_ROWS} rows, a preset being {len(HealthPart)}, is {count}"


@dataclass(frozen=True, slots=True)
class ServedRate:
    """Requests that were served, counted in bins of `bin_seconds` by the time of their end.

    `variation_percent` is the variation of the rate beyond chance with its interval, `lowest_of_median_percent` the
    lowest bin in percent of the `median`. With a `reason` there are too few bins or requests to judge.
    """

    bin_seconds: int
    counts: tuple[int, ...]
    median: float | None = None
    variation_percent: float | None = None
    interval: Interval | None = None
    lowest_of_median_percent: float | None = None
    reason: str | None = None

    @property
    def fell(self) -> bool:
        """Whether a bin has less than half of the median."""
        return self.lowest_of_median_percent is not None and self.lowest_of_median_percent < FALLEN_PERCENT


class HealthState(StrEnum):
    """What one measure says of a service."""

    HEALTHY = "Healthy"
    BETWEEN = "Between"
    ABNORMAL = "Abnormal"
    NOT_JUDGED = "NotJudged"


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One measure of a preset, in `unit`: healthy up to `healthy` (success: from it on), abnormal beyond `abnormal`.
    `word` is what the rate did: it `falls`, or `swings`. `reason` says why there is no number, or no state."""

    objective: str
    part: HealthPart
    stage: str | None
    unit: str
    healthy: float
    abnormal: float | None
    measured: float | None
    interval: Interval | None
    count: int
    state: HealthState
    word: str | None = None
    reason: str | None = None

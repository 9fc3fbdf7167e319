"""Latency and errors per stage. Percentiles are exact, by nearest rank: each one is a value that was observed.

What one request took is defined in the load generator's `base.measures`, for both sides.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from elastometer.model.measurements import LoadRow, Quantiles
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import StageWindow
from elastometer.model.units import SECOND, to_milliseconds
from elastometer_loadgen.base.measures import (
    latency,
    latency_from_send,
    nearest_rank,
    time_per_output_token,
    time_to_first_token,
)
from elastometer_loadgen.base.record import Outcome

TOTAL = "total"


def first_outcome(record: RecordedRequest) -> Outcome:
    """Of the first attempt, which is the only one unless the profile has retries."""
    return record.outcome if record.first_attempt is None else record.first_attempt


def ordered(
    records: Iterable[RecordedRequest], measure: Callable[[RecordedRequest], float | None],
) -> list[float]:
    """The values that there are, in nanoseconds, rising."""
    return sorted(value for record in records if (value := measure(record)) is not None)


def quantiles(values: Sequence[float]) -> Quantiles:
    """Percentiles of values in rising order."""
    def of(percentile: float) -> float | None:
        value = nearest_rank(values, percentile)
        return None if value is None else to_milliseconds(value)
    return Quantiles(len(values), of(50), of(95), of(99), of(100))


def load_rows(records: Sequence[RecordedRequest], stages: Sequence[StageWindow]) -> tuple[LoadRow, ...]:
    """A row per stage in the order of the schedule, and the total last."""
    by_stage: dict[str, list[RecordedRequest]] = {stage.name: [] for stage in stages}
    for record in records:
        by_stage.setdefault(record.stage, []).append(record)
    rows = [load_row(name, found) for name, found in by_stage.items()]
    return (*rows, load_row(TOTAL, records))


def load_row(stage: str, records: Sequence[RecordedRequest]) -> LoadRow:
    """One row; no request at all leaves every number absent."""
    outcomes = Counter(record.outcome.value for record in records)
    good = outcomes[Outcome.SUCCESS.value]
    at_once = sum(first_outcome(record) is Outcome.SUCCESS for record in records)
    return LoadRow(
        stage=stage, count=len(records),
        success_percent=round(100 * good / len(records), 2) if records else None,
        first_attempt_success_percent=round(100 * at_once / len(records), 2) if records else None,
        sent_again=sum(record.first_attempt is not None for record in records),
        outcomes={outcome.value: outcomes[outcome.value] for outcome in Outcome if outcomes[outcome.value]},
        time_to_first_token=quantiles(ordered(records, time_to_first_token)),
        time_per_output_token=quantiles(ordered(records, time_per_output_token)),
        latency=quantiles(ordered(records, latency)),
        latency_from_send=quantiles(ordered(records, latency_from_send)),
        output_tokens_per_second=_tokens_per_second(records),
    )


def _tokens_per_second(records: Sequence[RecordedRequest]) -> float | None:
    """Tokens that the server counted, over the time from the first intended request to the last end."""
    tokens = [record.completion_tokens for record in records if record.completion_tokens is not None]
    ends = [record.end for record in records if record.end is not None]
    if not tokens or not ends:
        return None
    length = max(ends) - min(record.intended for record in records)
    return round(sum(tokens) / (length / SECOND), 1) if length > 0 else None

"""Latency and errors per stage. Percentiles are exact, by nearest rank: each is a value that some request had.

First-token time and latency count from the intended time, so that a request which was sent late is not flattered;
latency is given from the send time as well. Time per output token is (last token - first token) / (tokens - 1).
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import ceil

from elastometer.model.measured import LoadRow, Quantiles
from elastometer.model.request import RequestRecord
from elastometer.model.terms import Stage
from elastometer.model.units import SECOND, Nanoseconds, to_milliseconds
from elastometer_loadgen.base.record import Outcome

TOTAL = "total"


def nearest_rank(ordered: Sequence[Nanoseconds], percentile: float) -> Nanoseconds | None:
    """The smallest value that at least `percentile` per cent of the values do not exceed; values in rising order."""
    if not ordered:
        return None
    return ordered[max(0, ceil(percentile / 100 * len(ordered)) - 1)]


def time_to_first_token(record: RequestRecord) -> Nanoseconds | None:
    """From the intended time to the first chunk with content."""
    return None if record.first_token is None else record.first_token - record.intended


def time_per_output_token(record: RequestRecord) -> Nanoseconds | None:
    """Mean gap between tokens after the first; None for one token or when the server gave no usage."""
    tokens, first, last = record.completion_tokens, record.first_token, record.last_token
    if tokens is None or tokens < 2 or first is None or last is None or record.outcome is not Outcome.SUCCESS:
        return None
    return (last - first) // (tokens - 1)


def latency(record: RequestRecord) -> Nanoseconds | None:
    """From the intended time to the end, of requests that succeeded: a quick refusal is no quick answer."""
    return None if record.ended is None or record.outcome is not Outcome.SUCCESS else record.ended - record.intended


def latency_from_send(record: RequestRecord) -> Nanoseconds | None:
    """From the hand-over to the socket to the end, of requests that succeeded."""
    if record.ended is None or record.sent is None or record.outcome is not Outcome.SUCCESS:
        return None
    return record.ended - record.sent


def first_outcome(record: RequestRecord) -> Outcome:
    """Of the first attempt, which is the only one unless the profile has retries."""
    return record.outcome if record.first_attempt is None else record.first_attempt


def ordered(
    records: Iterable[RequestRecord], measure: Callable[[RequestRecord], Nanoseconds | None],
) -> list[Nanoseconds]:
    """The values that there are, rising."""
    return sorted(value for record in records if (value := measure(record)) is not None)


def quantiles(values: Sequence[Nanoseconds]) -> Quantiles:
    """Percentiles of values in rising order."""
    def of(percentile: float) -> float | None:
        value = nearest_rank(values, percentile)
        return None if value is None else to_milliseconds(value)
    return Quantiles(len(values), of(50), of(95), of(99), of(100))


def load_rows(records: Sequence[RequestRecord], stages: Sequence[Stage]) -> tuple[LoadRow, ...]:
    """A row per stage in the order of the schedule, and the total last."""
    by_stage: dict[str, list[RequestRecord]] = {stage.name: [] for stage in stages}
    for record in records:
        by_stage.setdefault(record.stage, []).append(record)
    rows = [load_row(name, found) for name, found in by_stage.items()]
    return (*rows, load_row(TOTAL, records))


def load_row(stage: str, records: Sequence[RequestRecord]) -> LoadRow:
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


def _tokens_per_second(records: Sequence[RequestRecord]) -> float | None:
    """Tokens that the server counted, over the time from the first intended request to the last end."""
    tokens = [record.completion_tokens for record in records if record.completion_tokens is not None]
    ends = [record.ended for record in records if record.ended is not None]
    if not tokens or not ends:
        return None
    length = max(ends) - min(record.intended for record in records)
    return round(sum(tokens) / (length / SECOND), 1) if length > 0 else None

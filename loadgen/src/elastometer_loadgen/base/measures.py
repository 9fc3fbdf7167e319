"""The durations of one request, and percentiles of many: one definition for the load generator and the operator.

A duration has the unit of the record's instants: microseconds in the load generator's records, nanoseconds in the
operator's. It is None where the request has no such value. The formulas are here and not in the operator, because the
load generator must work alone. They exist again, on purpose, in two places that have no records: the knee search judges
a step by the float timestamps of requests that may still be in flight (`drive.knee_search`), and the operator's what-if
search compares thousands of predictions as columns of numbers (`analysis.requests.misses`, `twin.search.score`).
"""

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

from elastometer_loadgen.base.record import Outcome

Value = TypeVar("Value", int, float)
# A stream of fewer tokens can come in one piece by chance, when the network or this machine is busy.
BUFFERED_TOKENS = 5


class Timed(Protocol):
    """The fields that the formulas use; both record types have them under these names."""

    @property
    def intended(self) -> int: ...
    @property
    def send(self) -> int | None: ...
    @property
    def first_token(self) -> int | None: ...
    @property
    def last_token(self) -> int | None: ...
    @property
    def end(self) -> int | None: ...
    @property
    def chunks(self) -> int: ...
    @property
    def first_chunks(self) -> int | None: ...
    @property
    def completion_tokens(self) -> int | None: ...
    @property
    def outcome(self) -> Outcome: ...


def time_to_first_token(record: Timed) -> int | None:
    """From the intended time to the first token, so that a request that was sent late does not look faster."""
    return None if record.first_token is None else record.first_token - record.intended


def time_to_first_token_from_send(record: Timed) -> int | None:
    """From the write to the socket to the first token."""
    return None if record.first_token is None or record.send is None else record.first_token - record.send


def time_per_output_token(record: Timed) -> float | None:
    """(last token - first token) / (tokens - 1) by the server's count; None for one token, without usage, and where
    too many of them came together.

    The mean is not rounded: rounded to whole microseconds and to whole nanoseconds it would differ.
    """
    return _mean_gap(record, record.completion_tokens)


def time_between_chunks(record: Timed) -> float | None:
    """The same by the number of chunks that arrived."""
    return _mean_gap(record, record.chunks)


def is_buffered(record: Timed) -> bool:
    """True for a stream of several tokens that succeeded and whose pace is not known, since they came together."""
    tokens = max(record.chunks, record.completion_tokens or 0)
    return record.outcome is Outcome.SUCCESS and tokens >= BUFFERED_TOKENS and _is_in_one_piece(record)


def is_in_one_piece(chunks: int, first_chunks: int) -> bool:
    """True where more than a quarter of the chunks, the first aside, came together with the first one.

    Those that came with it were generated before it arrived, and so in a time that nobody saw: the pace between first
    and last token is too quick by this share. A single chunk holds all tokens there are.
    """
    return chunks < 2 or 4 * (first_chunks - 1) > chunks - 1


def _is_in_one_piece(record: Timed) -> bool:
    """Earlier versions did not count the chunks that came with the first one; there only equal instants tell."""
    if record.first_token is None or record.first_token == record.last_token:
        return record.first_token is not None
    return record.first_chunks is not None and is_in_one_piece(record.chunks, record.first_chunks)


def latency(record: Timed) -> int | None:
    """From the intended time to the end, for requests that succeeded: a quick refusal is not a quick answer."""
    return None if record.end is None or record.outcome is not Outcome.SUCCESS else record.end - record.intended


def latency_from_send(record: Timed) -> int | None:
    """From the write to the socket to the end, for requests that succeeded."""
    if record.end is None or record.send is None or record.outcome is not Outcome.SUCCESS:
        return None
    return record.end - record.send


def _mean_gap(record: Timed, count: int | None) -> float | None:
    first, last = record.first_token, record.last_token
    if record.outcome is not Outcome.SUCCESS or first is None or last is None or count is None or count < 2:
        return None
    if _is_in_one_piece(record):
        return None
    return (last - first) / (count - 1)


def nearest_rank(ordered: Sequence[Value], percent: float) -> Value | None:
    """The smallest value that at least `percent` % of the ascending values do not exceed; None without values."""
    # Multiplied before it is divided: 0.07 * 100 is more than 7 in floating point, and would give the next rank.
    if not ordered:
        return None
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]

"""When requests failed, and with which message: all losses of a stage at its begin are another fault than a steady few.

Seconds count from the start of the load. What was not recorded is None.
"""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.estimates import Rate

# What the documents of teams call the begin of a stage, and what servers need to warm up after a quiet time.
BEGIN_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class SecondAttempts:
    """What became of the requests whose first attempt failed in this way: `served` at a later attempt, `lost` at that
    one too, or `not_sent` again."""

    served: int
    lost: int
    not_sent: int


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """First attempts of one stage that failed alike: by how they ended, by HTTP status (None without an answer), and by
    message, in which each number is written as N; `message` is None where none was recorded, and `example` is the first
    of them as it was.

    Instants are those at which the requests were due. `early` is the share of them that were due within BEGIN_SECONDS
    of the stage's begin, as were `early_requests` of all its `requests`. `chance` is the probability that at least so
    many of the failed ones are among those if failing does not depend on the time. All three are None where the begin
    of the stage is not known. `requests_until_last` counts the stage's requests
    that were due until the last failed one, itself included.
    """

    stage: str
    outcome: str
    status: int | None
    message: str | None
    example: str | None
    count: int
    requests: int
    first_seconds: float
    last_seconds: float
    early: Rate | None
    early_requests: int | None
    requests_until_last: int
    chance: float | None
    second_attempt: SecondAttempts

"""Users of the twin against users of the stand-in's continuous batching, step by step; the two share no code.

The capacity is fitted from a climb of the stand-in from one user to more than it has slots. The twin then predicts each
number of users, with other requests of the same lengths.
"""
from __future__ import annotations

import random
from functools import lru_cache

import pytest

from elastometer.analysis.capacity.fit import capacity_of
from elastometer.analysis.capacity.served import of_one_replica, served_requests_of
from elastometer.model.capacity import Capacity
from elastometer.twin.engine import predict
from elastometer_standin.settings import Pace
from support.closed_loads import closed, users
from support.standin_runs import MIXED, Replica, Served

SLOTS, SECONDS, SETTLED = 16, 400.0, 40.0
PACE = Pace(prefill_tokens_per_second=8000.0, prefill_overhead_ms=5.0, decode_ms_per_token=20.0, decode_slowdown=0.01)
ALLOWED = 0.05


def standin(steps: list[int], seconds: float, seed: int) -> list[Served]:
    """Its answered requests."""
    return [one for one in Replica(SLOTS, PACE).serve_users(MIXED, steps, seconds, seed) if one.sent == one.output]


@lru_cache(maxsize=1)
def capacity() -> Capacity:
    rows = [(one.at, one.first, one.last, one.prompt, one.output - 1)
            for one in standin([1, 4, 8, 12, 16, 20], 60.0, 1)]
    return capacity_of(served_requests_of(of_one_replica(rows)), SLOTS)[0]


def lengths(request: int) -> int:
    return MIXED.draw(random.Random(request))[1]


@pytest.mark.parametrize("number", [1, 6, 16, 24])
def test_users_get_as_many_tokens_and_wait_as_long_for_each_as_by_continuous_batching(number: int):
    truth = [one for one in standin([number], SECONDS, 2) if one.at > SETTLED]
    found = predict(closed(users(number, SECONDS), output=lengths, capacity=capacity(), horizon_seconds=SECONDS + 60))
    mine = [(arrival.at, end, arrival.output_tokens)
            for arrival, end in zip(found.arrivals, found.ended, strict=True)
            if arrival.at > SETTLED and end <= SECONDS]
    theirs = [(one.at, one.last, one.output) for one in truth]
    # In tokens: the two draw other requests, which differ in length by chance.
    for value in (tokens_per_second, seconds_per_token):
        assert value(mine) == pytest.approx(value(theirs), rel=ALLOWED)


def tokens_per_second(spans: list[tuple[float, float, int]]) -> float:
    return sum(tokens for _, _, tokens in spans) / (max(end for _, end, _ in spans) - min(at for at, _, _ in spans))


def seconds_per_token(spans: list[tuple[float, float, int]]) -> float:
    return sum(end - at for at, end, _ in spans) / sum(tokens for _, _, tokens in spans)

"""The twin's replica against the stand-in server's continuous batching, step by step: the two share no code.

The load rises above what one replica can sustain and falls again. The capacity is fitted from the stand-in's requests,
as from those of a recorded run. The twin takes a request's pace from the batch in which it starts; in the stand-in, the
pace changes at each step.
"""
from __future__ import annotations

import random
from statistics import mean

import pytest

from elastometer.analysis.capacity.fit import capacity_of
from elastometer.analysis.capacity.served import of_one_replica, served_requests_of
from elastometer.model.capacity import Capacity
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Arrival
from elastometer_standin.engine import Engine, Finish, Sequence
from elastometer_standin.settings import EngineLimits, Pace
from support.twin_worlds import hpa, scenario

COUNT = 800


class Silent:
    """An observer that ignores every event of the engine."""

    def on_step(self, *_: object) -> None: ...
    def on_first_token(self, *_: object) -> None: ...
    def on_preemption(self) -> None: ...
    def on_finish(self, *_: object) -> None: ...


def ramp(rate: float) -> tuple[Arrival, ...]:
    rng, at, found = random.Random(3), 0.0, []
    for number in range(COUNT):
        share = 0.3 + min(1.0, number / (0.6 * COUNT)) if number < 0.8 * COUNT else 0.5
        at += rng.expovariate(rate * share)
        found.append(Arrival(at, rng.randrange(50, 400), rng.randrange(50, 150), 0))
    return tuple(found)


def batched(arrivals: tuple[Arrival, ...], slots: int, pace: Pace) -> list[tuple[float, float]]:
    """(first token, end) of each request, by the stand-in's engine in virtual time."""
    engine = Engine(EngineLimits(max_num_seqs=slots, num_gpu_blocks=10**6), pace, Silent())
    coming, sequences = list(reversed(arrivals)), []
    now: float = 0.0
    while coming or engine.unfinished:
        now = now if engine.unfinished else max(now, coming[-1].at)
        while coming and coming[-1].at <= now:
            engine.add(sequence_of(coming.pop(), sequences))
        end = engine.begin_step(now)
        assert end is not None
        while coming and coming[-1].at < end:
            engine.add(sequence_of(coming.pop(), sequences))
        engine.end_step(end)
        now = end
    return [(sequence.first_token_at or 0.0, sequence.last_token_at or 0.0) for sequence in sequences]


def sequence_of(arrival: Arrival, sequences: list[Sequence]) -> Sequence:
    sequences.append(Sequence(
        arrival.prompt_tokens, arrival.output_tokens, Finish.LENGTH, arrival.at, arrival.output_tokens))
    return sequences[-1]


def fitted(arrivals: tuple[Arrival, ...], spans: list[tuple[float, float]], slots: int) -> Capacity:
    rows = [(arrival.at, first, last, arrival.prompt_tokens, arrival.output_tokens - 1)
            for arrival, (first, last) in zip(arrivals, spans, strict=True)]
    return capacity_of(served_requests_of(of_one_replica(rows)), slots)[0]


@pytest.mark.parametrize(("slots", "slowdown", "rate", "allowed"), [(4, 0.0, 0.9, 0.03), (16, 0.02, 2.2, 0.06)])
def test_latency_is_that_of_continuous_batching(slots: int, slowdown: float, rate: float, allowed: float) -> None:
    arrivals = ramp(rate)
    spans = batched(arrivals, slots, Pace(4000, 20, 40, slowdown))
    prediction = predict(scenario(
        arrivals, capacity=fitted(arrivals, spans, slots), controller=hpa(1, 1),
        horizon_seconds=arrivals[-1].at + 1000,
    ))
    truth = mean(last - arrival.at for arrival, (_, last) in zip(arrivals, spans, strict=True))
    found = mean(last - arrival.at for arrival, last in zip(arrivals, prediction.ended, strict=True))
    waits = mean(first - arrival.at for arrival, (first, _) in zip(arrivals, spans, strict=True))
    assert waits > 1.0
    assert found == pytest.approx(truth, rel=allowed)
    assert prediction.ended[-1] == pytest.approx(spans[-1][1], rel=0.02)

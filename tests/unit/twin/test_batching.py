"""The twin's replica against the stand-in server's continuous batching, step by step: code that shares nothing with it.

The load ramps over what one replica bears and falls again; the capacity is fitted from the stand-in's requests as from
a recorded run's. The twin takes a request's pace from the batch that it starts in; the stand-in's changes at each step.
"""
from __future__ import annotations

import random
from statistics import mean

import pytest

from elastometer.twin.engine import predict
from elastometer.twin.fit import capacity as fit_capacity
from elastometer.twin.scenario import Arrival, Capacity
from elastometer_standin.engine import Engine, Finish, Sequence
from elastometer_standin.settings import EngineLimits, Pace
from support.twin_worlds import hpa, scenario

COUNT = 800


class Deaf:
    """Hears nothing of what the engine does."""

    def on_step(self, *_: object) -> None: ...
    def on_first_token(self, *_: object) -> None: ...
    def on_preemption(self) -> None: ...
    def on_finish(self, *_: object) -> None: ...


def ramp(rate: float) -> tuple[Arrival, ...]:
    chance, at, found = random.Random(3), 0.0, []
    for number in range(COUNT):
        share = 0.3 + min(1.0, number / (0.6 * COUNT)) if number < 0.8 * COUNT else 0.5
        at += chance.expovariate(rate * share)
        found.append(Arrival(at, chance.randrange(50, 400), chance.randrange(50, 150), 0))
    return tuple(found)


def batched(arrivals: tuple[Arrival, ...], slots: int, pace: Pace) -> list[tuple[float, float]]:
    """(first token, end) of each request, by the stand-in's engine in virtual time."""
    engine = Engine(EngineLimits(max_num_seqs=slots, num_gpu_blocks=10**6), pace, Deaf())
    coming, sequences = list(reversed(arrivals)), []
    now: float = 0.0
    while coming or engine.unfinished:
        now = now if engine.unfinished else max(now, coming[-1].at)
        while coming and coming[-1].at <= now:
            one = coming.pop()
            sequences.append(Sequence(one.prompt_tokens, one.output_tokens, Finish.LENGTH, one.at, one.output_tokens))
            engine.add(sequences[-1])
        end = engine.begin_step(now)
        assert end is not None
        while coming and coming[-1].at < end:
            one = coming.pop()
            sequences.append(Sequence(one.prompt_tokens, one.output_tokens, Finish.LENGTH, one.at, one.output_tokens))
            engine.add(sequences[-1])
        engine.end_step(end)
        now = end
    return [(one.first_token_at or 0.0, one.last_token_at or 0.0) for one in sequences]


def fitted(arrivals: tuple[Arrival, ...], spans: list[tuple[float, float]], slots: int) -> Capacity:
    rows = [(one.at, first, last, one.prompt_tokens, one.output_tokens - 1)
            for one, (first, last) in zip(arrivals, spans, strict=True)]
    return fit_capacity.capacity_of(fit_capacity.turns_of(rows), slots)[0]


@pytest.mark.parametrize(("slots", "slowdown", "rate", "allowed"), [(4, 0.0, 0.9, 0.03), (16, 0.02, 2.2, 0.06)])
def test_latency_is_that_of_continuous_batching(slots: int, slowdown: float, rate: float, allowed: float) -> None:
    arrivals = ramp(rate)
    spans = batched(arrivals, slots, Pace(4000, 20, 40, slowdown))
    prediction = predict(scenario(
        arrivals, capacity=fitted(arrivals, spans, slots), controller=hpa(1, 1),
        horizon_seconds=arrivals[-1].at + 1000,
    ))
    truth = mean(last - one.at for one, (_, last) in zip(arrivals, spans, strict=True))
    found = mean(last - one.at for one, last in zip(arrivals, prediction.ended, strict=True))
    waits = mean(first - one.at for one, (first, _) in zip(arrivals, spans, strict=True))
    assert waits > 1.0
    assert found == pytest.approx(truth, rel=allowed)
    assert prediction.ended[-1] == pytest.approx(spans[-1][1], rel=0.02)

"""Closed loads made by hand: users of one stage, with token counts that follow from the request's id."""
from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from elastometer.model.capacity import Capacity
from elastometer.twin.closed_load import ClosedLoad, Step, UserStage
from elastometer.twin.scenario import Arrival, Scenario, ScheduledController
from elastometer_loadgen.base.turns import turn_of
from support.twin_worlds import scenario

TOKEN = 0.001
MANY = 1e9


def exponential(mean: float) -> Callable[[int], int]:
    """Tokens whose decoding takes an exponential time of this mean, in seconds, drawn from the id."""
    return lambda request: 1 + round(random.Random(request).expovariate(1 / mean) / TOKEN)


@dataclass(frozen=True)
class MadeFacts:
    output: Callable[[int], int]
    turns_each: int = 1
    turn_think_seconds: float = 0.0

    def tokens(self, request: int) -> tuple[int, int]:
        return 10 * turn_of(request), self.output(request)

    def turns(self, conversation: int) -> int:
        return self.turns_each

    def task(self, request: int) -> str:
        return ""

    def turn_think(self, request: int) -> float:
        return self.turn_think_seconds


def users(number: int, end: float, *, think: float = 0.0, span: float = 0.0, index: int = 0, begin: float = 0.0,
          **more: Any) -> UserStage:
    return UserStage(index, begin, end, (Step(begin, number, MANY),), think=think, think_span=span, **more)


def closed(*stages: UserStage, output: Callable[[int], int] = lambda _: 1, turns: int = 1, pause: float = 0.0,
           arrivals: tuple[Arrival, ...] = (), replicas: int = 1, slots: int = 1, prefill: float = 0.0,
           **changes: Any) -> Scenario:
    """A fixed number of replicas; a request takes its output tokens, less one, times a millisecond."""
    load = ClosedLoad(tuple(range(len(arrivals))), stages, MadeFacts(output, turns, pause), seed=7, expected=100)
    made = scenario(arrivals, capacity=Capacity(slots, prefill, 0.0, TOKEN), controller=ScheduledController(()),
                    initial_replicas=replicas, horizon_seconds=7_000.0)
    return replace(made, closed=load, **changes)

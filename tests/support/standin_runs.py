"""Runs of the stand-in's engine in virtual time: a load of random arrivals on one replica, and its knee."""
from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp

from elastometer_loadgen.stages.objectives import KneeObjective, Sample, judge
from elastometer_standin.engine import Engine, Finish, Sequence
from elastometer_standin.settings import EngineLimits, Pace


class Silent:
    """An observer that ignores every event of the engine."""

    def on_step(self, *_: object) -> None: ...
    def on_first_token(self, *_: object) -> None: ...
    def on_preemption(self) -> None: ...
    def on_finish(self, *_: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Load:
    """A mix of requests: prompt and output tokens are drawn for each."""

    name: str
    draw: Callable[[random.Random], tuple[int, int]]

    def mean(self) -> tuple[float, float]:
        """The mean prompt and output tokens."""
        rng = random.Random(11)
        pairs = [self.draw(rng) for _ in range(20_000)]
        return sum(one for one, _ in pairs) / len(pairs), sum(two for _, two in pairs) / len(pairs)


SHORT = Load("short answers", lambda rng: (rng.randrange(50, 400), rng.randrange(8, 25)))
LONG = Load("long answers", lambda rng: (rng.randrange(50, 400), rng.randrange(200, 401)))
MIXED = Load("mixed", lambda rng: (SHORT if rng.random() < 0.5 else LONG).draw(rng))
LOADS = (SHORT, LONG, MIXED)


@dataclass(slots=True)
class Served:
    """One request as it was served; seconds of virtual time."""

    at: float
    prompt: int
    output: int
    first: float = 0.0
    last: float = 0.0
    sent: int = 0


def arrivals(load: Load, rates: list[tuple[float, float]], seed: int) -> Iterator[Served]:
    """Random arrivals (Poisson) at rates that each hold for (requests per second, seconds)."""
    rng, begin = random.Random(seed), 0.0
    for rate, seconds in rates:
        at = begin + rng.expovariate(rate)
        while at < begin + seconds:
            yield Served(at, *load.draw(rng))
            at += rng.expovariate(rate)
        begin += seconds


class Replica:
    """One replica in virtual time."""

    def __init__(self, slots: int, pace: Pace) -> None:
        self.engine = Engine(EngineLimits(max_num_seqs=slots, num_gpu_blocks=10**6, max_num_batched_tokens=8192), pace,
                             Silent())
        self.now = 0.0

    def serve(self, requests: list[Served], until: float | None = None) -> None:
        """Serves the requests; ends when all are done, or after `until`."""
        engine, coming = self.engine, list(reversed(requests))
        while (coming or engine.unfinished) and (until is None or self.now < until):
            if not engine.unfinished:
                self.now = max(self.now, coming[-1].at)
            self._admit(coming, self.now)
            end = engine.begin_step(self.now)
            assert end is not None
            self._admit(coming, end)
            self._hand_out(end)
            self.now = end

    def serve_users(self, load: Load, steps: list[int], seconds: float, seed: int) -> list[Served]:
        """A closed loop without pauses: as many users as each step says, each of which sends again at once."""
        rng, found, begin = random.Random(seed), list[Served](), self.now
        for users in steps:
            while self.engine.unfinished < users:
                found.append(self._send(Served(self.now, *load.draw(rng))))
            begin += seconds
            while self.now < begin:
                end = self.engine.begin_step(self.now)
                assert end is not None
                self._hand_out(end)
                while self.engine.unfinished < users:
                    found.append(self._send(Served(end, *load.draw(rng))))
                self.now = end
        return found

    def _send(self, one: Served) -> Served:
        self.engine.add(Sequence(one.prompt, one.output, Finish.LENGTH, one.at, one.output, sink=one))
        return one

    def _hand_out(self, end: float) -> None:
        for sequence in self.engine.end_step(end):
            served: Served = sequence.sink
            served.first = served.first or end
            served.last = end
            served.sent += 1

    def _admit(self, coming: list[Served], now: float) -> None:
        while coming and coming[-1].at <= now:
            self._send(coming.pop())


def saturated_rate(load: Load, slots: int, pace: Pace) -> float:
    """Requests per second of a stand-in that is never idle, by its formula, for the mean lengths of a load."""
    return saturated(*load.mean(), slots, pace)


def saturated(prompt: float, output: float, slots: int, pace: Pace) -> float:
    """The same for given mean lengths: each output token takes a share of a step of the full batch, each prompt holds
    up the whole batch once, and each step in which at least one request begins costs the overhead once (they begin
    independently: Poisson)."""
    begins = slots / output
    overhead = pace.prefill_overhead_ms / 1000 * (1 - exp(-begins)) / begins
    return 1 / (output * pace.decode_seconds(slots) / slots + overhead + prompt / pace.prefill_tokens_per_second)


def knee(load: Load, slots: int, pace: Pace, rates: list[float], seconds: float,
         objectives: tuple[KneeObjective, ...], seed: int) -> tuple[float | None, float | None]:
    """The last rate that held and the first that did not, judged by the load generator's own rule, step after step on
    one replica without a pause."""
    replica, good, begin = Replica(slots, pace), None, 0.0
    every = list(arrivals(load, [(rate, seconds) for rate in rates], seed))
    for rate in rates:
        step = [one for one in every if begin <= one.at < begin + seconds]
        begin += seconds
        replica.serve(step, begin)
        if judge(objectives, [_sample(one, begin) for one in step]).failed is not None:
            return good, rate
        good = rate
    return good, None


def users_knee(load: Load, slots: int, pace: Pace, steps: list[int], seconds: float,
               objectives: tuple[KneeObjective, ...], seed: int) -> tuple[int | None, int | None]:
    """The last number of users that held and the first that did not, judged by the load generator's own rule."""
    replica, good = Replica(slots, pace), None
    for number, users in enumerate(steps):
        found = replica.serve_users(load, [users], seconds, seed=seed + number)
        if judge(objectives, [_sample(one, replica.now) for one in found]).failed is not None:
            return good, users
        good = users
    return good, None


def users_within(load: Load, slots: int, pace: Pace, bound: float, percentile: float) -> int:
    """Users without pauses of whom so many percent have their first token within `bound` seconds, by the formula.

    With n users, n - slots always wait, first come, first served: one is late if fewer slots than those become free
    within the bound. Slots that are always taken are renewal processes, each independent, in which a request takes time
    in proportion to its output; how many end in a span of that length is counted in drawn ones. No batch is simulated.
    """
    rng, spans, (_, output) = random.Random(1), 1500, load.mean()
    mean = slots / saturated_rate(load, slots, pace)
    freed = [0] * spans
    for _ in range(slots):
        at = -40 * mean * rng.random()
        while (at := at + mean * load.draw(rng)[1] / output) < spans * bound:
            if at >= 0:
                freed[int(at / bound)] += 1
    return slots + sorted(freed)[int((1 - percentile / 100) * spans)]


def _sample(one: Served, end: float) -> Sample:
    first = 1000 * (one.first - one.at) if one.first else None
    if one.output > one.sent:
        return Sample(first_token=first, age=1000 * (end - one.at))
    return Sample(succeeded=True, first_token=first, latency=1000 * (one.last - one.at))

"""The highest load of one replica at which the latency objectives hold, as a share of its saturated throughput.

Requests arrive at random (Poisson) and wait in the replica's own queue, first come, first served. The share of them
that wait is Erlang's C formula; how long they wait is its exponential tail, with the correction of Allen and Cunneen
for times in a slot that vary less or more than exponential ones (A. O. Allen, Probability, Statistics, and Queueing
Theory, 1990, section 5.2). No randomness is drawn.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from statistics import fmean, pvariance

from elastometer.analysis.capacity.work import first_token_seconds, pace
from elastometer.model.capacity import Capacity
from elastometer.model.terms import Indicator, Objective
from elastometer_loadgen.stages.objectives import Statistic

# Prompt and output tokens of a request.
Lengths = tuple[float, float]
LATENCIES = (Indicator.TIME_TO_FIRST_TOKEN, Indicator.TIME_PER_OUTPUT_TOKEN, Indicator.REQUEST_LATENCY)
# No random arrival meets a bound always: a bound on all requests counts as one on 999 of 1,000.
HIGHEST_PERCENTILE = 99.9
# Halvings of the interval in which the highest load is searched: 2^-30 of the slots.
HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Sustained:
    """`share` of the saturated throughput, 0 to 1; `objective` is the one that limits it, None if none does."""

    share: float
    objective: Objective | None


def sustained(capacity: Capacity, lengths: Sequence[Lengths], objectives: Sequence[Objective]) -> Sustained:
    """The share at which every latency objective holds for requests of these lengths; a share of 0 if one of them is
    missed even by requests that find the replica idle."""
    found = Sustained(1.0, None)
    if not fmean(_in_slot(capacity, lengths, float(capacity.slots))) > 0:
        return found
    full = _rate(capacity, lengths, float(capacity.slots))
    for objective in objectives:
        if objective.indicator not in LATENCIES or objective.maximum_milliseconds is None:
            continue
        share = _highest(capacity, lengths, objective, objective.maximum_milliseconds / 1000) / full
        if share < found.share:
            found = Sustained(share, objective)
    return found


def _highest(capacity: Capacity, lengths: Sequence[Lengths], objective: Objective, bound: float) -> float:
    """The highest rate at which one objective holds, in requests per second: by bisection over the slots in use."""
    low, high = 0.0, float(capacity.slots)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _holds(capacity, lengths, objective, bound, middle) else (low, middle)
    return 0.0 if low == 0.0 else _rate(capacity, lengths, low)


def _holds(capacity: Capacity, lengths: Sequence[Lengths], objective: Objective, bound: float, busy: float) -> bool:
    if objective.statistic is Statistic.MEAN:
        return _mean(capacity, lengths, objective.indicator, busy) <= bound
    allowed = 1 - min(objective.percentile, HIGHEST_PERCENTILE) / 100
    return _late(capacity, lengths, objective.indicator, bound, busy) <= allowed


def _rate(capacity: Capacity, lengths: Sequence[Lengths], busy: float) -> float:
    """Requests per second that keep `busy` slots in use on average (Little's law)."""
    return busy / fmean(_in_slot(capacity, lengths, busy))


def _in_slot(capacity: Capacity, lengths: Sequence[Lengths], busy: float) -> list[float]:
    step, own = pace(capacity, busy), _first_tokens(capacity, lengths, busy)
    return [first + max(0.0, output - 1) * step for first, (_, output) in zip(own, lengths, strict=True)]


def _first_tokens(capacity: Capacity, lengths: Sequence[Lengths], busy: float) -> list[float]:
    """Seconds from the start of each request to its first token: those that waited join from the queue, the others find
    a free slot, so that a replica that is nearly full does nearly as a full one."""
    waits = erlang_c(capacity.slots, busy)
    return [waits * first_token_seconds(capacity, prompt, capacity.slots)
            + (1 - waits) * first_token_seconds(capacity, prompt, busy) for prompt, _ in lengths]


def _late(capacity: Capacity, lengths: Sequence[Lengths], indicator: Indicator, bound: float, busy: float) -> float:
    """The share of requests that exceed the bound, with `busy` slots in use on average."""
    step = pace(capacity, busy)
    if indicator is Indicator.TIME_PER_OUTPUT_TOKEN:
        return 0.0 if step <= bound else 1.0
    own, waits, leave = _waiting(capacity, lengths, indicator, busy)
    return fmean(1.0 if own_time > bound else waits * exp(-leave * (bound - own_time)) for own_time in own)


def _mean(capacity: Capacity, lengths: Sequence[Lengths], indicator: Indicator, busy: float) -> float:
    """The mean of what is bounded, in seconds: that of an exponential wait is 1 / `leave`."""
    if indicator is Indicator.TIME_PER_OUTPUT_TOKEN:
        return pace(capacity, busy)
    own, waits, leave = _waiting(capacity, lengths, indicator, busy)
    return fmean(own) + waits / leave


def _waiting(
    capacity: Capacity, lengths: Sequence[Lengths], indicator: Indicator, busy: float,
) -> tuple[list[float], float, float]:
    """(each request's own seconds, the share that waits for a slot, how many of those that wait leave a second)."""
    seconds = _in_slot(capacity, lengths, busy)
    own = seconds if indicator is Indicator.REQUEST_LATENCY else _first_tokens(capacity, lengths, busy)
    mean = fmean(seconds)
    # Allen and Cunneen: waits are (1 + cv^2) / 2 as long as those of exponential times in a slot.
    varies = (1 + pvariance(seconds, mean) / mean**2) / 2
    return own, erlang_c(capacity.slots, busy), (capacity.slots - busy) / (mean * varies)


def erlang_c(servers: int, offered: float) -> float:
    """The share of random arrivals that find all servers busy, at an offered load in servers; 1 if they never catch up.
    By the recursion of Erlang's B formula, which cannot overflow."""
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return servers * blocked / (servers - offered * (1 - blocked))

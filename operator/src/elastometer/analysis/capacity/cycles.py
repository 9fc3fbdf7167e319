"""How long a slot of a full replica really was taken, from one end to the next, beside what the fit says.

The fit is made of medians, which a few late requests do not move; throughput is made of means. On a full replica the
time from the end of one request to the end of the one that took its slot is observed as a whole, and the ratio of both
means corrects the fit.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from elastometer.analysis.capacity.served import ServedRequest
from elastometer.analysis.capacity.work import first_token_seconds, pace
from elastometer.model.capacity import Capacity

# With fewer requests from the queue the fit stays as it is.
LEAST_CYCLES = 30
# The stand-in's formula and its fit are up to this far apart where nothing disturbs either (docs/report.md, Demand).
LEAST_PERCENT = 2.0
# Of a normal distribution, 95 % lie within this many standard deviations of the mean.
NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Correction:
    """The time in a slot is `factor` times what the fit says, by `count` requests.

    `error_percent` is how exact that is at 95 %, and how far the fit itself was off; it is at least LEAST_PERCENT.
    """

    factor: float
    error_percent: float
    count: int


def correction(served: Sequence[ServedRequest], capacity: Capacity) -> Correction | None:
    """From the requests that waited for a slot; None if too few did."""
    step = pace(capacity, capacity.slots)
    pairs = [
        (request.last - request.slot_freed,
         first_token_seconds(capacity, request.prompt, capacity.slots) + request.later_tokens * step)
        for request in served
        if request.others_met >= capacity.slots and request.slot_freed > request.sent and request.later_tokens > 0
    ]
    expected = fmean(fit for _, fit in pairs) if pairs else 0.0
    if len(pairs) < LEAST_CYCLES or expected <= 0:
        return None
    factor = fmean(seen for seen, _ in pairs) / expected
    spread = stdev(seen - factor * fit for seen, fit in pairs)
    exact = NORMAL_95 * spread / sqrt(len(pairs)) / (factor * expected)
    return Correction(factor, max(LEAST_PERCENT, 100 * (exact + abs(factor - 1))), len(pairs))

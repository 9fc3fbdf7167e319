"""The capacity of one replica, fitted from request records: time to first token, time per later token, slots.

A record that names no Pod is used only if it arrived while a single replica served; otherwise it says nothing about
one replica.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, mean, median

import polars as pl

from elastometer.analysis.capacity.served import ServedRequest, served_requests, served_requests_of
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.slots import slots_of
from elastometer.analysis.run import DerivedRun
from elastometer.model.bundle import SeriesName
from elastometer.model.capacity import Capacity, Fitted
from elastometer.model.errors import SpecError
from elastometer.model.server_flags import MAX_NUM_SEQS

# Prompts must differ by this factor before the effect of their length can be separated from randomness.
MIN_SPREAD = 1.5
# Fewer observations than this are not enough for a median, and a slope needs four times as many.
MIN_OBSERVATIONS = 5
MIN_FOR_SLOPE = 4 * MIN_OBSERVATIONS


@dataclass(frozen=True, slots=True)
class _Prefill:
    """Time to the first token of a request that runs alone: `base` + `per_token` x prompt tokens."""

    base: float
    per_token: float

    def seconds(self, request: ServedRequest) -> float:
        return self.base + self.per_token * request.prompt


def fit_capacity(run: DerivedRun) -> tuple[Capacity, list[Fitted]]:
    """The capacity of one replica and what it was fitted from. Raises SpecError naming what is missing."""
    capacity, fitted, _ = fit_served(run)
    return capacity, fitted


def fit_served(run: DerivedRun) -> tuple[Capacity, list[Fitted], pl.DataFrame]:
    """The same, with all requests of the replicas that were looked at: the columns of `served_requests`."""
    rows, count = served_requests(run)
    served = served_requests_of(rows)
    if count < MIN_OBSERVATIONS:
        raise SpecError(f"requests: at least {MIN_OBSERVATIONS} must have been served and name their Pod (header "
                        "x-elastometer-pod or x-inference-pod), or have arrived while one replica served alone; "
                        f"{count} of {run.evidence.table.height} did")
    slots, about_slots = _slots(run.evidence)
    capacity, about = capacity_of(served, slots)
    used = [] if len(served) == count else [Fitted(
        "requests used", len(served), "requests", f"evenly spaced among {count} that were served", None, count)]
    return capacity, [about_slots, *about, *used], rows


def capacity_of(served: Sequence[ServedRequest], slots: int) -> tuple[Capacity, list[Fitted]]:
    """The capacity of one replica from the requests of several."""
    prefill, about_prefill = _prefill(served, slots)
    (join, about_join), (refill, about_refill) = _join(served, slots, prefill), _refill(served, slots, prefill)
    decode, neighbour, about_decode = _decode(served, slots)
    capacity = Capacity(slots, prefill.base, prefill.per_token, decode, neighbour, join, refill)
    return capacity, [*about_prefill, about_join, about_refill, *about_decode]


def _slots(evidence: Evidence) -> tuple[int, Fitted]:
    found = slots_of(evidence)
    if found is not None:
        return found.number, Fitted("slots", found.number, "requests", found.source)
    running = evidence.samples(SeriesName.RUNNING)
    most = max((value for pod in (running.series if running else ()) for _, value in pod.samples), default=0.0)
    if most < 1:
        raise SpecError(f"target.server.args: must state {MAX_NUM_SEQS}, or the run must have scraped "
                        "vllm:num_requests_running; neither is there, so it is unknown how many requests run at once")
    return int(most), Fitted("slots", int(most), "requests",
                             f"the most requests that ran at once on one replica; {MAX_NUM_SEQS} was not stated")


def _prefill(served: Sequence[ServedRequest], slots: int) -> tuple[_Prefill, list[Fitted]]:
    """The base comes from requests that found the replica idle. The slope comes from the same requests if they show
    one, else from those that found a free slot while others ran: joining adds a constant, which changes no slope."""
    idle = [request for request in served if request.others_met == 0]
    if not idle:
        raise SpecError("requests: some must have found a replica idle, to separate prefill from waiting, but none "
                        "did. Begin the load with a slow stage")
    per_token = _slope(idle) or _slope([request for request in served if 0 < request.others_met < slots])
    base = max(0.0, median(request.to_first - per_token * request.prompt for request in idle))
    prefill = _Prefill(base, per_token)
    error = _deviation([request.to_first for request in idle], [prefill.seconds(request) for request in idle])
    return prefill, [
        Fitted("prefill", base, "s", "time to first token of requests that found a replica idle", error, len(idle)),
        Fitted("prefill per prompt token", per_token, "s", "first tokens of requests that found a free slot"
               if per_token else "unknown: prompts were of nearly equal length, or longer ones were not slower"),
    ]


def _slope(served: Sequence[ServedRequest]) -> float:
    """Seconds to the first token per prompt token; 0 if the requests do not show it."""
    prompts = [request.prompt for request in served]
    if len(served) < MIN_FOR_SLOPE or min(prompts) < 1 or max(prompts) < MIN_SPREAD * min(prompts):
        return 0.0
    slope, _ = linear_regression(prompts, [request.to_first for request in served])
    return max(0.0, slope)


def _join(served: Sequence[ServedRequest], slots: int, prefill: _Prefill) -> tuple[float, Fitted]:
    late = [request.to_first - prefill.seconds(request) for request in served if 0 < request.others_met < slots]
    if len(late) < MIN_OBSERVATIONS:
        return 0.0, Fitted("joining others", 0.0, "s", "unknown: too few requests found a free slot while others ran",
                           None, len(late))
    join = max(0.0, median(late))
    return join, Fitted("joining others", join, "s", "first tokens of requests that found a free slot while others ran",
                        None, len(late))


def _refill(served: Sequence[ServedRequest], slots: int, prefill: _Prefill) -> tuple[float, Fitted]:
    late = [request.first - request.slot_freed - prefill.seconds(request)
            for request in served if request.others_met >= slots and request.slot_freed > request.sent]
    if len(late) < MIN_OBSERVATIONS:
        return 0.0, Fitted("joining from the queue", 0.0, "s", "unknown: too few requests waited", None, len(late))
    refill = max(0.0, median(late))
    return refill, Fitted("joining from the queue", refill, "s", "from the end of a request to the next first token",
                          None, len(late))


def _decode(served: Sequence[ServedRequest], slots: int) -> tuple[float, float, list[Fitted]]:
    """A line through the pace of the full batch, if there was one, since that decides how fast a backlog is served."""
    paced = [request for request in served if request.later_tokens > 0]
    if not paced:
        raise SpecError("requests: some must have two output tokens or more, state their number (usage) and come token "
                        "by token, for the time per token to be known; none does")
    neighbours, times = [float(request.neighbours) for request in paced], [request.pace for request in paced]
    base, neighbour = _line(neighbours, times)
    full = [request.pace for request in paced if request.others_met >= slots]
    if len(full) >= MIN_OBSERVATIONS and slots > 1:
        free = [request for request in paced if request.others_met < slots] or paced
        few, slow = mean(request.neighbours for request in free), mean(request.pace for request in free)
        neighbour = max(0.0, (mean(full) - slow) / max(1.0, slots - 1 - few))
        base = mean(full) - neighbour * (slots - 1)
    error = _deviation(times, [base + neighbour * others for others in neighbours])
    source = "time per output token against the requests that ran alongside"
    return base, neighbour, [
        Fitted("decode", base, "s/token", source, error, len(paced)),
        Fitted("decode per neighbour", neighbour, "s/token", source, None, len(paced)),
    ]


def _line(neighbours: Sequence[float], times: Sequence[float]) -> tuple[float, float]:
    if len(set(neighbours)) > 1:
        slope, intercept = linear_regression(neighbours, times)
        if slope > 0 and intercept > 0:
            return intercept, slope
    return median(times), 0.0


def _deviation(observed: Sequence[float], fitted: Sequence[float]) -> float:
    """Median of |observed - fitted| / observed, percent."""
    shares = [abs(seen - fit) / seen for seen, fit in zip(observed, fitted, strict=True) if seen > 0]
    return round(100 * median(shares), 2) if shares else 0.0

"""What a young replica really served, compared with the older ones at the same time, and the supply weighted by it.

A replica that is Ready may still be slow: its caches are empty, and kept connections lead to the others. Both show in
the output tokens that it sends. They are counted evenly between the first token of an answer and its last.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

import polars as pl

from elastometer.analysis.elasticity.supply import Supply
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.run import DerivedRun
from elastometer.model.elasticity import WarmUp
from elastometer.model.units import SECOND

# Ages in seconds at which the share may change; a replica that is older than the last one counts as warm.
AGES = (0.0, 5.0, 10.0, 20.0, 30.0, 60.0)
YOUNG_SECONDS = AGES[-1]
# So many tokens of older replicas must stand beside an age before its share means anything.
LEAST_TOKENS = 200.0
# Of more replicas than this the first are looked at, and beside each of them some older ones; of more requests than
# this a sample, since only shares matter.
MOST_REPLICAS, MOST_OLDER, MOST_REQUESTS = 50, 8, 100_000
_HALF, _SCATTER = 2**31, 2_654_435_761
# A replica that serves this share of what the older ones do is warm.
WARM_SHARE = 0.95
# Digits of a weighted number of replicas: sums of shares, in which floating point leaves traces.
ROUNDED = 6


@dataclass(frozen=True, slots=True)
class _Ready:
    """The time in which a Pod was Ready, in seconds from the start of the load; `until` may be infinite."""

    pod: str
    since: float
    until: float


def warm_up(run: DerivedRun, end: float) -> WarmUp:
    """The share that a replica serves by its age, over all replicas that became Ready during the load."""
    times = list(_ready_times(run))
    young = [one for one in times if 0 <= one.since < end][:MOST_REPLICAS]
    if not young:
        return WarmUp(reason="no replica became Ready during the load")
    windows = [one for item in young for one in _windows(item, times, end)]
    if not windows:
        return WarmUp(replicas=len(young), reason=(
            f"no replica that had been Ready for more than {YOUNG_SECONDS:.0f} s stood beside those that became Ready"))
    served = _served(run.evidence, {pod for _, pods, _, _ in windows for pod in pods})
    if served is None:
        return WarmUp(reason="no answered request names its Pod and states its tokens")
    return _ramp(windows, _amounts(served, windows), len(young))


# An age (its number), the young Pod and then the older ones, and the two ends of a window.
_Window = tuple[int, tuple[str, ...], float, float]


def _windows(young: _Ready, times: Sequence[_Ready], end: float) -> Iterator[_Window]:
    """By ages: each window in which the young replica and older ones were Ready."""
    for number, (left, right) in enumerate(pairwise(AGES)):
        start, stop = young.since + left, min(young.since + right, young.until, end)
        older = tuple(dict.fromkeys(
            one.pod for one in times
            if one.since <= start - YOUNG_SECONDS and one.until >= stop and one.pod != young.pod))[:MOST_OLDER]
        if stop > start and older:
            yield number, (young.pod, *older), start, stop


def _ready_times(run: DerivedRun) -> Iterator[_Ready]:
    for pod, moves in zip(run.evidence.pods, run.replicas.ready_moves, strict=True):
        edges = [run.evidence.seconds(instant) for instant, _ in moves]
        for since, until in zip_longest(edges[::2], edges[1::2], fillvalue=float("inf")):
            yield _Ready(pod.name, since, until)


def _served(evidence: Evidence, pods: set[str]) -> pl.DataFrame | None:
    """`pod`, `time` in seconds, `total` output tokens that the Pod had sent by then and `rate` at which it goes on
    until its next row. None if no request shows any."""
    first, last = ((pl.col(name) - evidence.origin) / SECOND for name in ("first_token", "last_token"))
    known = evidence.table.select("id", "pod", "first_token", "last_token", "completion_tokens").filter(
        (pl.col("last_token") > pl.col("first_token")) & pl.col("completion_tokens").is_not_null())
    every = -(-known.height // MOST_REQUESTS) or 1
    # Each request of the sample stands for `every` of them. They are not evenly spaced, since a balancer that takes
    # turns would send those to one replica: multiplication scatters the ids (Knuth, vol. 3, section 6.4).
    scattered = (pl.col("id") % _HALF * _SCATTER) % (2 * _HALF)
    spans = known.filter(scattered < 2 * _HALF // every).lazy().select(
        pl.col("pod").cast(_enum(pods), strict=False), first=first, last=last,
        tokens=every * pl.col("completion_tokens")).drop_nulls("pod")
    paced = spans.with_columns(rate=pl.col("tokens") / (pl.col("last") - pl.col("first")))
    changes = pl.concat([
        paced.select("pod", time=pl.col("first"), change=pl.col("rate")),
        paced.select("pod", time=pl.col("last"), change=-pl.col("rate")),
    ]).sort("pod", "time", "change")
    rate = pl.col("change").cum_sum().over("pod")
    found = changes.with_columns(rate=rate, step=pl.col("time").diff().over("pod").fill_null(0.0)).with_columns(
        total=(pl.col("rate").shift(1).over("pod").fill_null(0.0) * pl.col("step")).cum_sum().over("pod"),
    ).select("pod", "time", "rate", "total").collect()
    return None if found.is_empty() else found


def _enum(pods: set[str]) -> pl.Enum:
    """Sorts faster than text."""
    return pl.Enum(sorted(pods))


def _amounts(served: pl.DataFrame, windows: Sequence[_Window]) -> list[list[float]]:
    """The tokens of each Pod of each window."""
    asked = [(pod, time) for _, pods, start, stop in windows for pod in pods for time in (start, stop)]
    rows = pl.DataFrame(asked, schema={"pod": served["pod"].dtype, "at": pl.Float64}, orient="row") \
        .with_row_index("number")
    joined = rows.sort("at").join_asof(
        served.sort("time", maintain_order=True), left_on="at", right_on="time", by="pod",
        check_sortedness=False).sort("number")
    sent = joined.select(
        (pl.col("total") + pl.col("rate") * (pl.col("at") - pl.col("time"))).fill_null(0.0)).to_series().to_list()
    amounts, place = [], 0
    for _, pods, _, _ in windows:
        pairs = sent[place:place + 2 * len(pods)]
        amounts.append([after - before for before, after in zip(pairs[::2], pairs[1::2], strict=True)])
        place += 2 * len(pods)
    return amounts


def _ramp(windows: Sequence[_Window], amounts: Sequence[Sequence[float]], replicas: int) -> WarmUp:
    """The share by age: what the young sent, of what the older ones sent on average beside them. Randomness apart, a
    replica does not get colder, so neighbouring shares that fall are averaged."""
    young, older = [0.0] * (len(AGES) - 1), [0.0] * (len(AGES) - 1)
    for (number, *_), (mine, *others) in zip(windows, amounts, strict=True):
        young[number] += mine
        older[number] += sum(others) / len(others)
    scarce = next((number for number, amount in enumerate(older) if amount < LEAST_TOKENS), None)
    if scarce is not None:
        return WarmUp(replicas=replicas, reason=(
            f"beside replicas {AGES[scarce]:.0f} to {AGES[scarce + 1]:.0f} s old, those that had been Ready for more "
            f"than {YOUNG_SECONDS:.0f} s sent {older[scarce]:.0f} output tokens, and {LEAST_TOKENS:.0f} are needed"))
    shares = [share if share < WARM_SHARE else 1.0 for share in _rising(young, older)]
    return WarmUp(tuple(zip(AGES[:-1], shares, strict=True)), replicas)


def _rising(amounts: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The ratios of both as the nearest rising sequence, weighted (pool adjacent violators; Barlow et al. 1972)."""
    pools: list[tuple[float, float, int]] = []
    for amount, weight in zip(amounts, weights, strict=True):
        pools.append((amount, weight, 1))
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] > pools[-1][0] * pools[-2][1]:
            (one, of_one, count), (other, of_other, more) = pools[-2:]
            pools[-2:] = [(one + other, of_one + of_other, count + more)]
    return [amount / weight for amount, weight, count in pools for _ in range(count)]


def warm_supply(run: DerivedRun, ramp: WarmUp, ready: Supply, end: float) -> Supply:
    """The Ready replicas, each weighted by its age. Its bounds are those of the Ready replicas, by as much as the
    replicas that the weights take away."""
    if ready.reason is not None:
        return ready
    if ramp.reason is not None:
        nothing = Steps(())
        return Supply(nothing, nothing, nothing, reason=f"the weight of a young replica is not known: {ramp.reason}")
    moves: list[tuple[float, float]] = []
    for one in _ready_times(run):
        if one.since < end:
            moves += _weights(one, ramp)
    steps = _summed(moves)
    cold = _summed([*moves, *((time, -change) for time, change in _changes(ready.steps))])
    return Supply(steps, _plus(ready.low, cold), _plus(ready.high, cold), ready.notes)


def _weights(one: _Ready, ramp: WarmUp) -> Iterator[tuple[float, float]]:
    """(time, change) of the weight of one replica. One that was Ready before the load began is warm: nothing shows what
    it served then."""
    weight = 0.0
    for age, share in (*ramp.shares, (YOUNG_SECONDS, 1.0)) if one.since >= 0 else ((0.0, 1.0),):
        if one.since + age < one.until:
            yield one.since + age, share - weight
            weight = share
    if one.until < float("inf"):
        yield one.until, -weight


def _summed(moves: Sequence[tuple[float, float]]) -> Steps:
    """Steps from changes at instants."""
    total, points = 0.0, []
    for time, change in sorted(moves):
        total += change
        points.append((time, round(total, ROUNDED)))
    return Steps.of(points)


def _changes(steps: Steps) -> Iterator[tuple[float, float]]:
    before = 0.0
    for time, value in steps.points:
        yield time, value - before
        before = value


def _plus(one: Steps, other: Steps) -> Steps:
    return _summed([*_changes(one), *_changes(other)])

"""Where a variant stands among the others: elastic speedups, wins by repetition, and the Pareto front."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from math import exp, log
from statistics import fmean

from elastometer.model.comparison import Judgement, MeasureRow, Speedup, Wins
from elastometer.model.estimates import Interval
from elastometer.model.measure import Better
from elastometer.model.measures import BY_NAME, GPU_SECONDS, MISS_SECONDS, REPLICA_SECONDS, SCORECARD, latency_name
from elastometer.model.run_figures import RunFigures
from elastometer.statistics.repetitions import Sample, interval_of_difference, sample_of
from elastometer.study.compare.differences import Asked, Runs
from elastometer.twin.search.score.pareto import dominates

# The measures of the competition κ of Ilyushkin et al. (2017), with what users feel and what it costs.
COMPETED = (*SCORECARD, "instabilityReady", MISS_SECONDS, latency_name("timeToFirstToken", 95), GPU_SECONDS)


def speedups(runs: Runs, against: Iterable[str], asked: Asked) -> Iterator[Speedup]:
    """The elastic speedup ε of each variant against each of `against`: the geometric mean of the four ratios of θ and τ
    of the Ready replicas, equation 16 of Imdoukh et al., Neural Computing and Applications 32 (2020) 9745-9760, with
    equal weights. Over repetitions it is a ratio of geometric means; its interval is that of their logarithms."""
    products = {variant: _products(variant, mine) for variant, mine in runs.items()}
    for base in dict.fromkeys(against):
        for variant in runs:
            if variant != base:
                differing = [line for name in SCORECARD for line in asked(base, variant, name)]
                yield _speedup(variant, base, products, tuple(dict.fromkeys(differing)))


def _speedup(
    variant: str, base: str, products: Mapping[str, Sample | str], differing: Sequence[str],
) -> Speedup:
    mine, other = products[variant], products[base]
    refused = next((one for one in (other, mine) if isinstance(one, str)), None)
    if isinstance(mine, str) or isinstance(other, str):
        return Speedup(variant, base, None, None, Judgement.CANNOT_TELL, refused or "")
    value, apart = exp(other.mean - mine.mean), interval_of_difference(mine, other)
    found = None if apart is None else Interval(exp(apart.low), exp(apart.high))
    if differing:
        return Speedup(variant, base, value, found, Judgement.CANNOT_TELL,
                       f"the runs were asked differently: {'; '.join(differing)}")
    if found is None:
        return Speedup(variant, base, value, None, Judgement.CANNOT_TELL, "the noise between runs is not known")
    if found.low <= 1 <= found.high:
        return Speedup(variant, base, value, found, Judgement.WITHIN_NOISE, "the interval includes 1")
    if found.low > 1:
        return Speedup(variant, base, value, found, Judgement.BETTER, "the interval lies above 1")
    return Speedup(variant, base, value, found, Judgement.WORSE, "the interval lies below 1")


def _products(variant: str, runs: Sequence[RunFigures]) -> Sample | str:
    """The logarithm of the geometric mean of the four factors of each run, or why there is none: a factor of 0 would
    make ε 0 or infinite, and no floor is applied, since it would decide the result."""
    if not runs:
        return f"{variant}: no run was compared"
    logs, steps = [], []
    for run in runs:
        factors = {name: run.figure(name) for name in SCORECARD}
        for name, value in factors.items():
            if value is None:
                why = run.missing.get(name) or "not in the report"
                return f"{BY_NAME[name].title} of {run.label.run} is not known: {why}"
            if value < BY_NAME[name].resolution:
                return f"{BY_NAME[name].title} of {run.label.run} is {value:g}, and ε multiplies by it or divides by it"
        known = {name: value for name, value in factors.items() if value}
        logs.append(fmean(map(log, known.values())))
        steps.append(fmean(BY_NAME[name].resolution / value for name, value in known.items()))
    return sample_of(logs, max(steps))


def wins(runs: Runs) -> Iterator[Wins]:
    """Each variant against each other, repetition by repetition; those that only one of the two has do not count."""
    tables = {variant: {run.label.repetition: run for run in mine} for variant, mine in runs.items()}
    for name in COMPETED:
        for variant, against in permutations(tables, 2):
            leads = list(_leads(name, tables[variant], tables[against]))
            if leads:
                yield Wins(name, variant, against, sum(one > 0 for one in leads), sum(one < 0 for one in leads),
                           leads.count(0))


def _leads(name: str, mine: Mapping[int, RunFigures], others: Mapping[int, RunFigures]) -> Iterator[int]:
    """1 where mine is better by more than the measure's resolution, -1 where it is worse, 0 for a draw."""
    measure = BY_NAME[name]
    for repetition in sorted({*mine} & {*others}):
        one, other = mine[repetition].figure(name), others[repetition].figure(name)
        if one is None or other is None:
            continue
        more = one - other if measure.better is Better.HIGHER else other - one
        yield 0 if abs(more) <= measure.resolution else 1 if more > 0 else -1


def cost_of(rows: Mapping[str, MeasureRow]) -> str:
    """GPU-seconds, or replica-seconds if a variant that has runs has no GPU-seconds."""
    gpus, replicas = rows[GPU_SECONDS], rows[REPLICA_SECONDS]
    known = [one.variant for one in replicas.figures if one.values]
    return GPU_SECONDS if all(one.values for one in gpus.figures if one.variant in known) else REPLICA_SECONDS


def front(misses: MeasureRow, costs: MeasureRow) -> Mapping[str, tuple[bool | None, str | None]]:
    """(on the Pareto front or not, why that is not known) of each variant, by medians."""
    known: dict[str, tuple[float, float]] = {}
    unknown: dict[str, str] = {}
    for miss, cost in zip(misses.figures, costs.figures, strict=True):
        if miss.median is None or cost.median is None:
            unknown[miss.variant] = (miss.reason if miss.median is None else cost.reason) or "not measured"
        else:
            known[miss.variant] = (miss.median, cost.median)
    return {
        one.variant: (None, unknown[one.variant]) if one.variant in unknown
        else (not any(dominates(other, known[one.variant]) for other in known.values()), None)
        for one in misses.figures
    }

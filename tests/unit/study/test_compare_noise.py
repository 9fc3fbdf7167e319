"""How often a difference is found: hardly ever between equal variants, and as often as the test's power says else."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import takewhile
from math import exp, log, sqrt
from pathlib import Path
from random import Random

import pytest
from scipy import stats

from elastometer.model.comparison import Judgement
from elastometer.model.measure import Better, Measure, Scale
from elastometer.study.compare.differences import measure_row
from elastometer.study.compare.noise import figure_of, gap
from support.comparisons import plain_measure, run
from support.power import power, share_within

PAIRS = 1000
DOCS = Path(__file__).parents[3] / "docs" / "studies.md"
LINEAR, FACTOR = plain_measure(Scale.LINEAR), plain_measure(Scale.LOGARITHMIC)
# Latencies have a long tail to the right. The coefficient of variation of the gamma is 0.5, of the exponential 1.
DRAWN: dict[str, tuple[Measure, Callable[[Random], float]]] = {
    "normal": (LINEAR, lambda rng: rng.gauss(100, 15)),
    "normal, by a factor": (FACTOR, lambda rng: rng.gauss(100, 15)),
    "lognormal": (FACTOR, lambda rng: 800 * exp(rng.gauss(0, 0.8))),
    "gamma": (FACTOR, lambda rng: rng.gammavariate(4, 200)),
    "exponential": (FACTOR, lambda rng: rng.expovariate(1 / 500)),
    "Poisson": (plain_measure(Scale.LINEAR, resolution=1.0), lambda rng: poisson(rng, 8)),
}


def poisson(rng: Random, mean: float) -> float:
    """A count, by multiplying uniforms until they fall below exp(-mean)."""
    count, product, bound = 0, rng.random(), exp(-mean)
    while product > bound:
        count, product = count + 1, product * rng.random()
    return float(count)


def judged(measure: Measure, first: Sequence[float], second: Sequence[float]) -> Judgement:
    every = {name: [run(name, index, {"x": value}) for index, value in enumerate(values, 1)]
             for name, values in (("first", first), ("second", second))}
    found = measure_row(measure, every, lambda *_: ()).difference("second", "first")
    assert found is not None
    return found.judgement


@cache
def planted(deviations: int, count: int) -> list[Judgement]:
    """Of 1,000 pairs of variants whose means are so many standard deviations apart."""
    rng = Random(f"{deviations}/{count}")
    return [judged(LINEAR, [rng.gauss(0, 1) for _ in range(count)], [rng.gauss(deviations, 1) for _ in range(count)])
            for _ in range(PAIRS)]


@pytest.mark.parametrize("count", [3, 5, 10])
@pytest.mark.parametrize("name", DRAWN)
def test_of_a_thousand_equal_pairs_93_to_97_percent_are_within_the_noise(name: str, count: int):
    measure, draw = DRAWN[name]
    rng = Random(f"{name}/{count}")
    found = [judged(measure, [draw(rng) for _ in range(count)], [draw(rng) for _ in range(count)])
             for _ in range(PAIRS)]
    assert 0.93 <= found.count(Judgement.WITHIN_NOISE) / PAIRS <= 0.97
    assert found.count(Judgement.CANNOT_TELL) == 0


@pytest.mark.parametrize("count", [3, 5, 10])
@pytest.mark.parametrize("deviations", [1, 2, 3])
def test_planted_differences_are_found_as_often_as_the_power_of_the_test_says(deviations: int, count: int):
    """Within four standard errors of a share of 1,000; hardly ever is a difference taken for its opposite."""
    found = [seen for seen in planted(deviations, count) if seen is not Judgement.WITHIN_NOISE]
    expected = power(deviations, count)
    assert len(found) / PAIRS == pytest.approx(expected, abs=4 * sqrt(expected * (1 - expected) / PAIRS) + 0.001)
    assert found.count(Judgement.BETTER) <= 0.01 * PAIRS


@pytest.mark.parametrize("count", [3, 5, 10])
@pytest.mark.parametrize("spread", [2, 4, 10])
def test_equal_means_that_scatter_differently_are_found_to_differ_as_often_as_the_documented_limit_says(
    spread: float, count: int,
):
    """As a fixed number of replicas and an autoscaler scatter: at most 10 % instead of 5 %."""
    rng = Random(f"{spread}/{count}")
    found = [judged(LINEAR, [rng.gauss(0, 1) for _ in range(count)], [rng.gauss(0, spread) for _ in range(count)])
             for _ in range(PAIRS)]
    expected = share_within(spread, count)
    share = found.count(Judgement.WITHIN_NOISE) / PAIRS
    assert share == pytest.approx(expected, abs=4 * sqrt(expected * (1 - expected) / PAIRS))
    assert expected > 0.89


@pytest.mark.parametrize("spread", [4, 10])
def test_groups_of_unequal_counts_that_scatter_differently_are_held_by_welchs_interval(spread: float):
    rng = Random(spread)
    found = [judged(LINEAR, [rng.gauss(0, 1) for _ in range(10)], [rng.gauss(0, spread) for _ in range(4)])
             for _ in range(PAIRS)]
    assert 0.93 <= found.count(Judgement.WITHIN_NOISE) / PAIRS <= 0.97


def test_a_measure_of_which_more_is_better_is_judged_the_other_way_round():
    more = plain_measure(Scale.LINEAR, Better.HIGHER)
    low, high = [1.0, 1.1, 0.9], [2.0, 2.1, 1.9]
    assert judged(LINEAR, low, high) is Judgement.WORSE
    assert judged(LINEAR, high, low) is Judgement.BETTER
    assert judged(more, low, high) is Judgement.BETTER
    assert judged(more, high, low) is Judgement.WORSE


@pytest.mark.parametrize(("first", "second", "expected"), [
    ((0, 0, 0), (0, 0, 0), Judgement.WITHIN_NOISE),
    ((0, 0, 0), (1, 1, 1), Judgement.WITHIN_NOISE),
    ((0, 0, 0), (2, 2, 2), Judgement.WORSE),
    ((5, 5, 5), (0, 0, 0), Judgement.BETTER),
    ((0, 0), (2, 2), Judgement.WITHIN_NOISE),
    ((0, 0), (3, 3), Judgement.WORSE),
    ((0, 0, 0), (0, 0, 3), Judgement.WITHIN_NOISE),
    ((0, 0, 0), (4, 5, 6), Judgement.WORSE),
    ((7,), (7,), Judgement.CANNOT_TELL),
    ((0,), (5,), Judgement.CANNOT_TELL),
    ((0,), (5, 5, 5), Judgement.CANNOT_TELL),
])
def test_counts_that_are_all_alike_differ_by_two_or_more_where_they_differ(
    first: Sequence[float], second: Sequence[float], expected: Judgement,
):
    """A count that was always 0 may be 1 the next time: 0, 0, 0 and 1, 1, 1 are within the noise, 0, 0, 0 and 2, 2, 2
    are not."""
    counts = plain_measure(Scale.LINEAR, resolution=1.0)
    assert judged(counts, first, second) is expected


def test_equal_gpu_seconds_scatter_by_half_a_step_of_their_grid_as_a_share_of_them():
    """Half of 1 in 100 is 0.5 %, over √3 and with t of 2 degrees of freedom 1.25 %."""
    figure = figure_of(plain_measure(Scale.LOGARITHMIC, resolution=1.0), "a",
                       [run("a", index, {"x": 100.0}) for index in (1, 2, 3)])
    half = 4.302652729911275 * 0.005 / sqrt(3)
    assert figure.interval is not None
    assert (figure.interval.low, figure.interval.high) == pytest.approx((100 * exp(-half), 100 * exp(half)))


def test_a_mean_by_factors_is_the_geometric_one_with_scipys_interval_of_the_logarithms():
    values = [100.0, 200.0, 900.0]
    figure = figure_of(FACTOR, "a", [run("a", index, {"x": value}) for index, value in enumerate(values, 1)])
    expected = stats.ttest_1samp([log(value) for value in values], 0).confidence_interval()
    assert figure.interval is not None
    assert (figure.median, figure.mean) == (200.0, pytest.approx(float(stats.gmean(values))))
    assert (figure.interval.low, figure.interval.high) == pytest.approx((exp(expected.low), exp(expected.high)))


def test_a_value_no_larger_than_a_step_is_compared_by_an_amount():
    measure = plain_measure(Scale.LOGARITHMIC, resolution=0.1)
    assert gap(measure, [0.1, 5.0], [6.0, 7.0]).is_factor is False
    assert gap(measure, [0.2, 5.0], [6.0, 7.0]).is_factor is True


def test_a_latency_of_zero_is_compared_by_an_amount_and_not_by_its_logarithm():
    measure = plain_measure(Scale.LOGARITHMIC, resolution=0.1)
    every = {"first": [run("first", 1, {"x": 0.0}), run("first", 2, {"x": 2.0})],
             "second": [run("second", 1, {"x": 10.0}), run("second", 2, {"x": 12.0})]}
    found = measure_row(measure, every, lambda *_: ()).difference("second", "first")
    assert found is not None
    assert (found.absolute, found.percent, found.percent_interval) == (10.0, 1000.0, None)
    assert found.judgement is Judgement.WORSE


def documented(header: str) -> list[list[str]]:
    """The rows below a table's header in docs/studies.md."""
    lines = DOCS.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(header)) + 2
    rows = takewhile(lambda line: line.startswith("|"), lines[first:])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


@pytest.mark.parametrize("count", [2, 3, 5, 10, 30])
def test_the_table_of_the_documentation_is_what_the_power_says_and_what_was_found(count: int):
    row = next(cells for cells in documented("| runs of each |") if cells[0] == str(count))
    shares = {one: 100 * (1 - planted(one, count).count(Judgement.WITHIN_NOISE) / PAIRS) for one in (1, 2, 3)}
    assert row[1:4] == [f"{100 * power(one, count):.0f} % ({share:.0f} %)" for one, share in shares.items()]
    assert power(float(row[4].removesuffix(" sd")), count) == pytest.approx(0.8, abs=0.005)

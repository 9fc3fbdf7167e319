"""Gamma arrivals against what the theory of renewal processes says of them, by statistics over many seeds."""

import math
from itertools import pairwise
from statistics import fmean, pvariance

import pytest

from elastometer_loadgen.plan.schedule import compute_schedule
from elastometer_loadgen.profile.profile import Profile, parse_profile
from support.rates import expected_count

SHAPES = ("0.1", "0.25", "1", "4", "25")


def profile(seed: int, seconds: int, start: str, end: str, shape: str) -> Profile:
    stage = {"name": "s", "type": "Rate", "durationSeconds": seconds, "startRequestsPerSecond": start,
             "endRequestsPerSecond": end, "arrivals": "Gamma", "burstiness": shape}
    return parse_profile({"seed": seed, "stages": [stage]})


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gaps_vary_as_burstiness_says(shape: str) -> None:
    times = compute_schedule(profile(1, 4000, "10", "10", shape)).times
    gaps = [later - earlier for earlier, later in pairwise(times)]
    spread = math.sqrt(pvariance(gaps)) / fmean(gaps)
    assert spread == pytest.approx(1 / math.sqrt(float(shape)), rel=0.05)


@pytest.mark.parametrize("shape", SHAPES)
def test_counts_over_long_windows_disperse_as_the_squared_variation_of_the_gaps(shape: str) -> None:
    """For a renewal process Var N / E N tends to the squared coefficient of variation of its gaps."""
    windows, width = 1500, 20
    counts = [0] * windows
    for at in compute_schedule(profile(2, windows * width, "10", "10", shape)).times:
        counts[min(int(at // width), windows - 1)] += 1
    assert pvariance(counts) / fmean(counts) == pytest.approx(1 / float(shape), rel=0.15)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_ramp_offers_the_integral_of_its_rate_in_every_tenth_of_its_time(shape: str) -> None:
    """Over 400 seeds; four standard errors are allowed, and the first tenth must not be favoured either."""
    seeds, seconds, tenth = 400, 30, 3
    stage = profile(0, seconds, "2", "20", shape).stages[0]
    found = [[0] * 10 for _ in range(seeds)]
    for seed in range(seeds):
        for at in compute_schedule(profile(seed, seconds, "2", "20", shape)).times:
            found[seed][min(int(at // tenth), 9)] += 1
    for part in range(10):
        wanted = expected_count(stage, (part + 1) * tenth) - expected_count(stage, part * tenth)
        counts = [row[part] for row in found]
        error = math.sqrt(pvariance(counts) / seeds)
        assert abs(fmean(counts) - wanted) <= 4 * error + 1e-9


def test_burstiness_of_one_is_poisson_in_kind() -> None:
    """Same distribution, other draws: the share of gaps longer than the mean is 1/e."""
    times = compute_schedule(profile(5, 2000, "10", "10", "1")).times
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert fmean(gap > 0.1 for gap in gaps) == pytest.approx(math.exp(-1), abs=0.015)


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_the_shares_of_any_number_of_workers_are_the_same_arrivals(workers: int) -> None:
    schedule = compute_schedule(profile(3, 60, "1", "40", "0.25"))
    united = sorted(at.id for worker in range(workers) for at in schedule.share(worker, workers))
    assert united == list(range(len(schedule)))
    assert all(arrival.at == schedule.times[arrival.id] for arrival in schedule.share(workers - 1, workers))

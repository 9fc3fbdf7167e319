"""How fine the series of a run are: the scrape period, as long as a query stays within its bounds."""
from __future__ import annotations

from itertools import product

from elastometer.controller.collect import MAX_POINTS, MAX_SAMPLES, coarse_step


def test_a_run_of_minutes_is_read_at_the_scrape_period():
    assert coarse_step(2, 300, 4) == 2
    assert coarse_step(15, 30 * 60, 100) == 15


def test_a_long_run_and_many_pods_are_read_at_a_multiple_of_it():
    assert coarse_step(2, 4 * 3600, 1) == 4
    assert coarse_step(15, 3600, 2000) == 30


def test_no_query_goes_beyond_its_bounds():
    for scrape, hours, pods in product((1, 2, 15, 300), (0, 0.1, 1, 10, 100), (1, 7, 1000)):
        step = coarse_step(scrape, hours * 3600, pods)
        points = hours * 3600 / step
        assert step % scrape == 0
        assert points <= MAX_POINTS
        assert points * pods <= MAX_SAMPLES

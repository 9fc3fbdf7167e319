"""What full replicas did beside the fit, on requests made by hand."""
from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from elastometer.analysis.capacity.full_time import LEAST_PERCENT, correction
from elastometer.analysis.capacity.progress import done_between, progress
from elastometer.analysis.capacity.served import COLUMNS
from elastometer.analysis.demand.demand import demand_of
from elastometer.analysis.run import derive_run
from elastometer.model.capacity import Capacity
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run

# One slot: a first token after 0.1 s, then 9 tokens of 0.1 s. A request is 1 s in the slot.
CAPACITY = Capacity(1, 0.1, 0.0, 0.1)
Row = tuple[str, float, float, float, int, int]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["pod", *COLUMNS], orient="row")


def one_after_the_other(count: int, seconds: float, *, queue: float, pod: str = "a", begin: float = 0.0) -> list[Row]:
    """Requests that each hold the slot for so many seconds, and were sent `queue` before it was free: for the first
    half second two wait for a slot that nobody holds, which is up to 1 % of the time."""
    return [(pod, begin + at * seconds - queue, begin + (at + 0.1) * seconds, begin + (at + 1) * seconds, 0, 9)
            for at in range(count)]


def test_all_that_was_done_in_full_time_corrects_the_fit() -> None:
    found = correction(frame(one_after_the_other(100, 1.1, queue=1.5)), CAPACITY)
    assert found is not None
    assert found.factor == pytest.approx(1.1, rel=0.01)
    assert found.error_percent == pytest.approx(11, abs=1)


def test_a_fit_that_is_right_keeps_its_least_error() -> None:
    found = correction(frame(one_after_the_other(100, 1.0, queue=1.5)), CAPACITY)
    assert found is not None
    assert (found.factor, found.error_percent) == (pytest.approx(1.0, rel=0.01), LEAST_PERCENT)


def test_every_replica_counts_by_its_own_full_time() -> None:
    """Half of the seconds at 1.0 and half at 1.2 s a request: 2 x 120 s for 220 requests."""
    rows = one_after_the_other(120, 1.0, queue=1.5) + one_after_the_other(100, 1.2, queue=1.5, pod="b", begin=7)
    found = correction(frame(rows), CAPACITY)
    assert found is not None
    assert found.factor == pytest.approx(240 / 220, rel=0.01)


def test_a_replica_that_was_full_for_a_moment_only_says_nothing_of_a_full_one() -> None:
    """Each waits 0.3 s for its slot and nobody waits the rest of the time."""
    assert correction(frame(one_after_the_other(300, 0.8, queue=0.3)), CAPACITY) is None


@pytest.mark.parametrize("rows", [
    one_after_the_other(29, 1.0, queue=1.5), one_after_the_other(100, 1.0, queue=0.0), [],
], ids=["too few", "nobody waited", "none"])
def test_without_a_full_replica_nothing_is_corrected(rows: list[Row]) -> None:
    assert correction(frame(rows), CAPACITY) is None


def test_progress_is_counted_where_it_happened() -> None:
    """A first token after 0.1 s in the slot, 9 tokens until 1 s; sent long before."""
    found = progress(frame([("a", -5.0, 0.1, 1.0, 0, 9)]), CAPACITY)
    assert found["in_slot"].to_list() == [pytest.approx(1.0)]
    assert done_between(found, -9, 9) == pytest.approx(1.0)
    assert done_between(found, -9, 0.05) == pytest.approx(0.05)
    assert done_between(found, 0.1, 0.4) == pytest.approx(0.3)


def test_an_answer_that_came_at_once_was_worked_on_before() -> None:
    found = progress(frame([("a", -5.0, 1.0, 1.0, 0, 9)]), CAPACITY)
    assert done_between(found, 0.0, 0.5) == pytest.approx(0.5)
    assert done_between(found, -9, 9) == pytest.approx(1.0)


def test_the_made_run_of_the_goldens_has_the_capacity_by_which_it_was_made(tmp_path: Path) -> None:
    """Four slots; a request is 22 to 28 ms in one before its first token and 40 ms for each later one."""
    run = derive_run(load_bundle(write_run(tmp_path / "run")))
    found = demand_of(run).account.capacity
    assert found is not None
    in_slot = 0.025 + 0.040 * ((found.mean_output_tokens or 0) - 1)
    saturated = [limit.requests_per_second for limit in found.limits if limit.stage == "ramp"]
    assert saturated == [pytest.approx(4 / in_slot, rel=0.01)]

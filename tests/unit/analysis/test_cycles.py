"""The time in a slot of a full replica against the fit, on requests made by hand."""
from __future__ import annotations

import pytest

from elastometer.analysis.capacity.cycles import LEAST_PERCENT, correction
from elastometer.analysis.capacity.served import ServedRequest
from elastometer.model.capacity import Capacity

# A first token 0.1 s after the slot was free, then 9 tokens of 0.1 s: 1 s in the slot.
CAPACITY = Capacity(2, 0.1, 0.0, 0.1)


def cycle(seconds: float, *, met: int = 2, waited: float = 1.0) -> ServedRequest:
    """A request that came `waited` before its slot was free at 10 s, and kept it for so many seconds."""
    return ServedRequest(10 - waited, 10.1, 10 + seconds, 0, 9, 1, met, 10.0)


def test_the_mean_time_in_a_slot_corrects_the_fit() -> None:
    """Half of them take 1 s as the fit says, half 1.2 s: 1.1 times as long, and so 10 % and more off."""
    found = correction([cycle(1.0), cycle(1.2)] * 50, CAPACITY)
    assert found is not None
    assert (found.factor, found.count) == (pytest.approx(1.1), 100)
    assert 10 < found.error_percent < 13


def test_a_fit_that_is_right_keeps_its_least_error() -> None:
    found = correction([cycle(1.0)] * 30, CAPACITY)
    assert found is not None
    assert (found.factor, found.error_percent) == (pytest.approx(1.0), LEAST_PERCENT)


@pytest.mark.parametrize("served", [
    [cycle(1.0)] * 29, [cycle(1.0, met=1)] * 100, [cycle(1.0, waited=-0.05)] * 100, [],
], ids=["too few", "a free slot", "no wait", "none"])
def test_without_a_full_replica_nothing_is_corrected(served: list[ServedRequest]) -> None:
    assert correction(served, CAPACITY) is None

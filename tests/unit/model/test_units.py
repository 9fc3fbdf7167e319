"""Durations as Go writes them."""
import pytest

from elastometer.model.units import MILLISECOND, SECOND, go_duration_or_none


@pytest.mark.parametrize(("text", "nanoseconds"), [
    ("15s", 15 * SECOND), ("1m0.5s", 60 * SECOND + 500 * MILLISECOND), ("14.763s", 14_763 * MILLISECOND),
    ("1h2m", 3720 * SECOND), ("250ms", 250 * MILLISECOND), ("30µs", 30_000), ("0s", 0),
])
def test_a_duration_of_go_is_read_to_the_nanosecond(text: str, nanoseconds: int):
    assert go_duration_or_none(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "15", "s", "-3s", "1 m", "3d", None, 15])
def test_what_is_no_duration_is_none(text: object):
    assert go_duration_or_none(text) is None

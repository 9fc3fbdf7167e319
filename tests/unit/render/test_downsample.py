"""M4 keeps what a reader must not miss of a long curve: every extreme at its time, every gap, both ends."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastometer.render.downsample import COLUMNS, downsampled, kept_points

values = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=50, max_size=400)


def held(times: list[float], curve: list[float | None], moment: float) -> float | None:
    """What a step curve shows at a time."""
    return next(value for time, value in reversed(list(zip(times, curve, strict=True))) if time <= moment)


@given(curve=values, columns=st.integers(1, 12))
def test_what_is_kept_is_of_the_curve_and_has_its_extremes_and_its_ends(curve: list[float | None], columns: int):
    times = [0.5 * index for index in range(len(curve))]
    x, y = downsampled(times, curve, columns)
    assert len(x) <= 5 * columns or len(x) == len(curve)
    assert x == sorted(set(x))
    assert set(zip(x, y, strict=True)) <= set(zip(times, curve, strict=True))
    known = [value for value in curve if value is not None]
    if known:
        kept = [value for value in y if value is not None]
        assert (min(kept), max(kept)) == (min(known), max(known))
        assert (kept[0], kept[-1]) == (known[0], known[-1])
    assert (None in y) == (None in curve)


def test_every_column_keeps_its_own_peak_and_dip():
    times = [float(index) for index in range(10_000)]
    curve = [0.0] * 10_000
    for column in range(10):
        curve[column * 1000 + 377], curve[column * 1000 + 613] = 5.0 + column, -5.0 - column
    x, y = downsampled(times, curve, 10)
    shown = dict(zip(x, y, strict=True))
    for column in range(10):
        assert shown[column * 1000 + 377.0] == 5.0 + column
        assert shown[column * 1000 + 613.0] == -5.0 - column


def test_a_step_curve_holds_the_same_value_at_the_end_of_every_column():
    times = [index / 10 for index in range(5000)]
    curve: list[float | None] = [float((index * 7919) % 23) for index in range(5000)]
    x, y = downsampled(times, curve, 50)
    for column in range(1, 50):
        end = times[0] + column * (times[-1] - times[0]) / 50 - 1e-6
        assert held(x, y, end) == held(times, curve, end)


def test_a_short_curve_stays_as_it_is():
    times = [float(index) for index in range(4 * COLUMNS)]
    assert downsampled(times, times) == (times, times)


def test_curves_of_one_axis_keep_the_points_that_any_of_them_needs():
    times = [float(index) for index in range(1000)]
    one, other = [0.0] * 1000, [0.0] * 1000
    one[123], other[777] = 9.0, -9.0
    assert {123, 777} <= set(kept_points(times, [one, other], 5))


@pytest.mark.parametrize("times", [[3.0] * 900, [0.0] * 899 + [float("inf")]])
def test_times_that_span_nothing_are_one_column(times: list[float]):
    curve: list[float | None] = [float(index % 9) for index in range(900)]
    assert downsampled(times, curve, 10)[1] == [0.0, 8.0, 8.0]

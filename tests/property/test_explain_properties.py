"""Whatever a controller does: the parts of a change add up to the whole, none is negative, and clocks do not matter.

Instants are eighths of a second, which floats add exactly.
"""
from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastometer.analysis.autoscaler.losses import held
from elastometer.analysis.autoscaler.losses import scale_accounts as accounts_by_metric
from elastometer.analysis.autoscaler.needs import Signals
from elastometer.analysis.autoscaler.points import Bounds, Point, WantedReplicas
from elastometer.analysis.evidence.steps import Steps
from elastometer.model.autoscaler import Cause, ConstraintStep, ScaleAccount
from support.reach import reached, reaches

PERIOD = 15.0
CONSTRAINTS = [Cause.TOLERANCE, Cause.MISSING_PODS, Cause.STABILIZATION, Cause.POLICY, Cause.MAXIMUM]
SIZES = st.integers(1, 9)


@st.composite
def records(draw: st.DrawFn) -> list[Point]:
    """Any controller: it goes where it likes, by whatever steps, and is blind now and then."""
    points: list[Point] = []
    size = draw(SIZES)
    for index in range(draw(st.integers(1, 12))):
        at, before = index * PERIOD, draw(st.sampled_from([size, size, size, draw(SIZES)]))
        if draw(st.integers(0, 5)) == 0:
            points.append(Point(at, before, before, None, blind=Cause.NO_METRIC))
            continue
        wanted, after = draw(st.integers(0, 12)), draw(SIZES)
        numbers = [wanted, *draw(st.lists(SIZES, max_size=3)), after]
        steps = tuple(ConstraintStep(draw(st.sampled_from(CONSTRAINTS)), one, other)
                      for one, other in pairwise(numbers) if one != other)
        measured = draw(st.none() | st.integers(0, 320).map(lambda age, at=at: at - age / 8))
        points.append(Point(at, before, after, wanted, steps, None, measured, 0.01))
        size = after
    return points


@st.composite
def wants(draw: st.DrawFn) -> WantedReplicas | None:
    moments = draw(st.lists(st.integers(-160, 1600), max_size=12))
    if not moments:
        return None
    return WantedReplicas(Steps.of((moment / 8, float(draw(st.integers(0, 12)))) for moment in moments), "Request", 0.5)


SIGNALS = st.builds(Signals, wants(), wants())


def scale_accounts(points: list[Point], signals: Signals) -> tuple[ScaleAccount, ...]:
    return accounts_by_metric(points, {0: signals})


def milliseconds(account: ScaleAccount) -> float:
    whole = account.whole
    return whole.milliseconds if whole.milliseconds is not None else whole.at_least_milliseconds or 0.0


@reaches({"a known loss": 80})
@given(records(), SIGNALS)
def test_the_parts_of_a_change_add_up_to_its_whole(points: list[Point], signals: Signals):
    accounts = scale_accounts(points, signals)
    assert len(accounts) == sum(point.after != point.before for point in points)
    for account in accounts:
        known = [loss.milliseconds for loss in account.losses if loss.milliseconds is not None]
        reached("a known loss", len(known))
        assert sum(known) == pytest.approx(milliseconds(account), abs=0.5)
        assert milliseconds(account) == pytest.approx(
            1000 * (account.written_seconds - account.needed_seconds), abs=2)
        assert all(one >= 0 for one in known)


@reaches({"an unknown loss": 100, "a known whole": 3})
@given(records(), SIGNALS)
def test_what_is_not_known_has_a_reason_and_makes_the_whole_a_bound(points: list[Point], signals: Signals):
    for account in scale_accounts(points, signals):
        unknown = [loss for loss in account.losses if loss.milliseconds is None]
        reached("an unknown loss", len(unknown))
        reached("a known whole", account.whole.milliseconds is not None)
        assert all(loss.reason for loss in unknown)
        assert (account.whole.milliseconds is None) == bool(unknown or not account.losses)
        assert (account.whole.reason is None) == (account.whole.milliseconds is not None)


@reaches({"a wait": 15})
@given(records(), SIGNALS)
def test_no_wait_for_a_sync_is_longer_than_the_time_between_two(points: list[Point], signals: Signals):
    for account in scale_accounts(points, signals):
        waits = [loss.milliseconds for loss in account.losses if loss.cause is Cause.SYNC_WAIT]
        known = [wait for wait in waits if wait is not None]
        reached("a wait", len(known))
        assert all(wait <= 1000 * PERIOD + 1 for wait in known)


@reaches({"a loss": 100})
@given(records(), SIGNALS, st.integers(-1000, 1000))
def test_a_shifted_clock_moves_the_instants_and_no_duration(points: list[Point], signals: Signals, shift: int):
    def moved(one: WantedReplicas | None) -> WantedReplicas | None:
        if one is None:
            return None
        return replace(one, steps=Steps.of((time + shift, value) for time, value in one.steps.points))
    later = [replace(point, at=point.at + shift,
                     measured=None if point.measured is None else point.measured + shift) for point in points]
    before = scale_accounts(points, signals)
    after = scale_accounts(later, Signals(moved(signals.truth), moved(signals.readable)))
    for one, other in zip(before, after, strict=True):
        assert other.written_seconds == pytest.approx(one.written_seconds + shift, abs=0.01)
        reached("a loss", len(one.losses))
        for loss, same in zip(one.losses, other.losses, strict=True):
            assert (loss.cause, same.milliseconds) == (same.cause, pytest.approx(loss.milliseconds, abs=0.5))


@reaches({"a constraint": 50})
@given(records())
def test_no_constraint_holds_longer_than_the_record(points: list[Point]):
    found = held(points, Bounds(1, 9))
    length = points[-1].at - points[0].at
    reached("a constraint", len(found))
    assert sum(one.seconds for one in found) <= length + 0.01
    assert all(one.seconds >= 0 for one in found)

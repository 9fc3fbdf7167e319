"""Where the seconds went, on timelines drawn by hand: a sync every 15 s, one thing in the way at a time."""
from __future__ import annotations

import pytest

from elastometer.analysis.autoscaler.losses import held
from elastometer.analysis.autoscaler.losses import scale_accounts as accounts_by_metric
from elastometer.analysis.autoscaler.needs import Signals
from elastometer.analysis.autoscaler.points import Bounds, Point, WantedReplicas
from elastometer.analysis.evidence.steps import Steps
from elastometer.model.autoscaler import Cause, ConstraintStep, ScaleAccount

BLIND = None


def scale_accounts(points: list[Point], signals: Signals) -> tuple[ScaleAccount, ...]:
    return accounts_by_metric(points, {0: signals})


def syncs(*rows: tuple[int, int, int | None, Cause]) -> list[Point]:
    """(before, after, wanted, what took the difference) every 15 s from 0 on."""
    return [point(15.0 * index, *row) for index, row in enumerate(rows)]


def point(at: float, before: int, after: int, wanted: int | None, cause: Cause, measured: float | None = None) -> Point:
    if wanted is None:
        return Point(at, before, after, None, blind=cause)
    steps = () if cause is Cause.UNATTRIBUTED else (ConstraintStep(cause, wanted, after),)
    return Point(at, before, after, wanted, steps, measured=measured)


def wants(*steps: tuple[float, float], source: str = "Request") -> WantedReplicas:
    return WantedReplicas(Steps.of(steps), source, 0.0)


def lost(account: ScaleAccount) -> dict[str, float | None]:
    return {loss.cause.value: loss.milliseconds for loss in account.losses if loss.milliseconds != 0.0}


CALM = (1, 1, 1, Cause.UNATTRIBUTED)


def test_the_delay_of_the_metric_ends_where_it_could_be_read_and_the_wait_at_the_next_sync():
    """truth crosses at 16.5, Prometheus shows it at 20, the sync of 30 writes it."""
    signals = Signals(wants((0, 1), (16.5, 2)), wants((0, 1), (20, 2), source="Prometheus"))
    account, = scale_accounts(syncs(CALM, CALM, (1, 2, 2, Cause.UNATTRIBUTED)), signals)
    assert (account.direction, account.from_replicas, account.to_replicas) == ("Out", 1, 2)
    assert (account.needed_seconds, account.written_seconds) == (16.5, 30.0)
    assert lost(account) == {"MetricDelay": 3500.0, "SyncWait": 10000.0}
    assert account.whole.milliseconds == 13500.0


def test_time_before_a_sync_that_missed_the_need_is_metric_delay_and_not_sync_wait():
    """Prometheus had it at 10, but what the sync of 15 read was still older: the delay lasts until then."""
    signals = Signals(wants((0, 1), (5, 2)), wants((0, 1), (10, 2)))
    account, = scale_accounts(syncs(CALM, CALM, (1, 2, 2, Cause.UNATTRIBUTED)), signals)
    assert lost(account) == {"MetricDelay": 10000.0, "SyncWait": 15000.0}


def test_a_signal_that_falls_back_after_its_scrape_still_shows_the_need():
    """It crosses at 13.2, is scraped at 14 (a step of 2 s), is back at 14.5; the sync of 15 read older."""
    truth = wants((0, 1), (13.2, 2), (14.5, 1), (16, 2))
    scraped = WantedReplicas(Steps.of([(0, 1), (14, 2)]), "Prometheus", 2.0)
    account, = scale_accounts(syncs(CALM, CALM, (1, 2, 2, Cause.UNATTRIBUTED)), Signals(truth, scraped))
    assert (account.needed_seconds, lost(account)) == (13.2, {"MetricDelay": 1800.0, "SyncWait": 15000.0})


def test_a_number_that_the_grid_shows_just_after_the_sync_was_read_by_it():
    truth, scraped = wants((0, 1), (27, 2)), WantedReplicas(Steps.of([(0, 1), (31, 2)]), "Prometheus", 2.0)
    account, = scale_accounts(syncs(CALM, CALM, (1, 2, 2, Cause.UNATTRIBUTED)), Signals(truth, scraped))
    assert (account.needed_seconds, lost(account)) == (27.0, {"MetricDelay": 3000.0})


@pytest.mark.parametrize("cause", [
    Cause.TOLERANCE, Cause.MISSING_PODS, Cause.PARTIAL_METRICS, Cause.STABILIZATION, Cause.POLICY, Cause.MAXIMUM,
    Cause.UNATTRIBUTED])
def test_an_interval_belongs_to_what_bound_the_sync_at_its_beginning(cause: Cause):
    signals = Signals(wants((0, 1), (10, 2)), wants((0, 1), (12, 2)))
    account, = scale_accounts(
        syncs(CALM, (1, 1, 3, cause), (1, 1, 2, cause), (1, 2, 2, Cause.UNATTRIBUTED)), signals)
    assert lost(account) == {"MetricDelay": 2000.0, "SyncWait": 3000.0, cause.value: 30000.0}
    assert account.whole.milliseconds == 35000.0


def test_several_constraints_share_the_time_in_the_order_in_which_they_bound():
    rows = syncs(CALM, (1, 1, 2, Cause.TOLERANCE), (1, 1, 3, Cause.STABILIZATION), (1, 2, 3, Cause.POLICY),
                 (2, 4, 4, Cause.MAXIMUM))
    first, second = scale_accounts(rows, Signals(wants((0, 1), (15, 3)), wants((0, 1), (15, 3))))
    assert lost(first) == {"Tolerance": 15000.0, "Stabilization": 15000.0}
    assert (second.from_replicas, second.to_replicas) == (2, 4)
    assert lost(second) == {"Stabilization": 15000.0, "Policy": 15000.0, "SyncWait": 15000.0}


def test_a_step_by_step_scale_out_counts_each_step_from_its_own_need():
    """7 wanted at once, one more a period: the third replica waited for the policy since the first sync."""
    rows = syncs(CALM, (1, 2, 7, Cause.POLICY), (2, 3, 7, Cause.POLICY), (3, 4, 7, Cause.POLICY))
    accounts = scale_accounts(rows, Signals(wants((0, 1), (9, 7)), wants((0, 1), (11, 7))))
    assert [one.needed_seconds for one in accounts] == [9.0, 9.0, 9.0]
    assert [lost(one).get("Policy") for one in accounts] == [None, 15000.0, 30000.0]


def test_a_need_that_lapsed_is_not_counted():
    rows = syncs(CALM, (1, 1, 2, Cause.TOLERANCE), CALM, (1, 2, 2, Cause.UNATTRIBUTED))
    account, = scale_accounts(rows, Signals(wants((0, 1), (14, 2), (25, 1), (40, 2)), wants((0, 1), (42, 2))))
    assert lost(account) == {"MetricDelay": 2000.0, "SyncWait": 3000.0}


def test_blind_syncs_after_the_number_showed_are_lost_to_the_missing_metric():
    """The number shows at 20; the syncs of 30 and 45 get an error, the one of 60 sees it."""
    blind = (1, 1, BLIND, Cause.NO_METRIC)
    rows = syncs(CALM, CALM, blind, blind, (1, 2, 2, Cause.UNATTRIBUTED))
    account, = scale_accounts(rows, Signals(wants((0, 1), (18, 2)), wants((0, 1), (20, 2))))
    assert lost(account) == {"MetricDelay": 2000.0, "SyncWait": 10000.0, "NoMetric": 30000.0}


def test_blind_syncs_between_two_that_saw_the_need_are_part_of_the_time():
    rows = syncs(CALM, (1, 1, 2, Cause.STABILIZATION), (1, 1, BLIND, Cause.NO_METRIC), (1, 2, 2, Cause.UNATTRIBUTED))
    account, = scale_accounts(rows, Signals())
    assert lost(account) == {"MetricDelay": None, "SyncWait": None, "Stabilization": 15000.0, "NoMetric": 15000.0}


def test_without_a_record_of_the_signal_the_whole_is_a_bound_with_a_reason():
    rows = [point(0, 1, 1, 1, Cause.UNATTRIBUTED), point(15, 1, 1, 2, Cause.POLICY), point(30, 1, 2, 2, Cause.POLICY)]
    account, = scale_accounts(rows, Signals())
    assert account.whole.milliseconds is None
    assert account.whole.at_least_milliseconds == 15000.0
    assert account.whole.reason == (
        "the signal itself was not recorded; the need began within the 15.0 s since the sync before")
    assert [one.reason for one in account.losses[:2]] == [account.whole.reason] * 2


def test_a_sample_says_how_old_the_number_was_that_showed_the_need():
    rows = [point(0, 1, 1, 1, Cause.UNATTRIBUTED, measured=-4), point(15, 1, 2, 2, Cause.POLICY, measured=12)]
    account, = scale_accounts(rows, Signals())
    assert lost(account) == {"MetricDelay": 3000.0, "SyncWait": None}
    assert account.losses[1].reason == (
        "the signal itself was not recorded; the need began within the 16.0 s before the sample that showed it")
    assert account.whole.at_least_milliseconds == 3000.0


def test_a_need_from_before_the_first_sync_is_said_to_be_older():
    account, = scale_accounts(syncs((1, 2, 2, Cause.UNATTRIBUTED)), Signals())
    assert account.whole.reason == "the need began before the record"


def test_a_scale_in_counts_how_long_replicas_stayed_that_were_not_wanted():
    """1 of 4 wanted from 10 on, shown at 12; the window holds for two syncs, the policy takes two at a time."""
    rows = syncs((4, 4, 4, Cause.UNATTRIBUTED), (4, 4, 1, Cause.STABILIZATION), (4, 4, 1, Cause.STABILIZATION),
                 (4, 2, 1, Cause.POLICY), (2, 1, 0, Cause.MINIMUM))
    signals = Signals(wants((0, 4), (10, 1), (50, 0)), wants((0, 4), (12, 1), (52, 0)))
    first, second = scale_accounts(rows, signals)
    assert (first.direction, second.direction) == ("In", "In")
    assert lost(first) == {"MetricDelay": 2000.0, "SyncWait": 3000.0, "Stabilization": 30000.0}
    assert lost(second) == {"MetricDelay": 2000.0, "SyncWait": 3000.0, "Stabilization": 30000.0, "Policy": 15000.0}


def test_replicas_that_were_there_already_were_not_missed():
    """Someone scaled to 3 by hand and back to 1: only what came after counts."""
    rows = syncs((1, 1, 2, Cause.TOLERANCE), (3, 3, 3, Cause.UNATTRIBUTED), (1, 1, 2, Cause.TOLERANCE),
                 (1, 2, 2, Cause.UNATTRIBUTED))
    account, = scale_accounts(rows, Signals())
    assert lost(account)["Tolerance"] == 15000.0


def test_what_held_the_replicas_is_summed_over_the_record_even_where_nothing_was_written():
    rows = syncs((4, 4, 9, Cause.POLICY), (4, 4, 9, Cause.MAXIMUM), (4, 4, 2, Cause.STABILIZATION),
                 (4, 4, BLIND, Cause.NO_METRIC), CALM)
    assert [(one.direction, one.cause, one.seconds, one.first_seconds) for one in held(rows, Bounds(1, 4))] == [
        ("Out", Cause.MAXIMUM, 30.0, 0.0), ("In", Cause.STABILIZATION, 15.0, 30.0),
        ("Unknown", Cause.NO_METRIC, 15.0, 45.0)]


def test_the_step_that_took_the_number_below_the_need_is_the_one_that_counts():
    """9 wanted, 7 after the missing Pods, 3 by the window, 2 by the policy: for the third replica it was the policy."""
    steps = (ConstraintStep(Cause.MISSING_PODS, 9, 7), ConstraintStep(Cause.STABILIZATION, 7, 3),
             ConstraintStep(Cause.POLICY, 3, 2))
    rows = [Point(0, 2, 2, 9, steps), Point(15, 2, 4, 9)]
    assert lost(scale_accounts(rows, Signals())[0])["Policy"] == 15000.0
    rows = [Point(0, 2, 2, 9, steps), Point(15, 3, 4, 9)]
    assert lost(scale_accounts(rows, Signals())[0])["Stabilization"] == 15000.0


def test_a_change_back_into_the_bounds_is_not_a_response_to_a_metric():
    account, = scale_accounts([Point(0, 9, 8, None)], Signals())
    assert account.losses == ()
    assert account.whole.reason == "the replicas were outside of minReplicas and maxReplicas: no metric was evaluated"

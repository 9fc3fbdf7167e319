"""The vectors of BUNGEE's own unit tests, re-derived by hand.

    demand   1 until 7, 5 until 16, 3 until 17, 2 until 19, 4
    supply   1 until 2, 2, 1 at 3, 3 at 5, 7 at 9, 6 at 11, 8 at 12, 2 at 14          T = 20
"""
from __future__ import annotations

import pytest

from elastometer.analysis.elasticity.scorecard import scorecard, unit_steps
from elastometer.analysis.evidence.steps import Steps

DEMAND = Steps.of([(0, 1), (7, 5), (16, 3), (17, 2), (19, 4), (20, 4)])
SUPPLY = Steps.of([(0, 1), (2, 2), (3, 1), (5, 3), (9, 7), (11, 6), (12, 8), (14, 2), (20, 2)])


def test_underprovisioning_accuracy_and_jitter_are_those_of_the_authors():
    card = scorecard(DEMAND, SUPPLY, 0, 20, 1)
    assert card.theta_under == pytest.approx(13 / 20)
    assert (card.supply_events, card.demand_events) == (17, 9)
    assert card.jitter_per_minute == pytest.approx(60 * (17 - 9) / 20)


def test_overprovisioning_time_shares_and_relative_forms_are_those_computed_from_the_vectors():
    card = scorecard(DEMAND, SUPPLY, 0, 20, 1)
    assert card.theta_over == pytest.approx(16 / 20)
    assert (card.tau_under, card.tau_over) == (pytest.approx(6 / 20), pytest.approx(8 / 20))
    assert card.theta_under_normalized == pytest.approx(0.1417, abs=5e-5)
    assert card.theta_over_normalized == pytest.approx(0.36)


def test_instability_and_inertia_are_the_textbook_values_per_unit_of_time():
    card = scorecard(DEMAND, SUPPLY, 0, 20, 1)
    assert card.instability == pytest.approx(6 / 19)
    assert card.inertia == pytest.approx(5 / 19)


def test_a_perfect_match_scores_nothing_at_all():
    card = scorecard(DEMAND, DEMAND, 0, 20, 1)
    assert (card.theta_under, card.theta_over, card.tau_under, card.tau_over) == (0, 0, 0, 0)
    assert (card.jitter_per_minute, card.instability, card.inertia) == (0, 0, 0)


@pytest.mark.parametrize(("offset", "under", "over"), [(-1, 1, 0), (1, 0, 1)])
def test_a_permanent_offset_of_one_replica_scores_one(offset: int, under: int, over: int):
    supply = Steps.of((time, value + offset) for time, value in DEMAND.points)
    card = scorecard(DEMAND, supply, 0, 20, 1)
    assert (card.theta_under, card.theta_over) == (pytest.approx(under), pytest.approx(over))


def test_a_step_from_three_to_seven_counts_as_four_events():
    assert unit_steps(Steps.of([(0, 3), (5, 7)]), 0, 10) == 4


def test_a_step_function_has_no_value_before_its_first_step_and_holds_the_last():
    steps = Steps.of([(5, 2), (3, 1)])
    assert [steps.value_at(time) for time in (2.9, 3, 4.9, 5, 99)] == [None, 1, 1, 2, 2]
    assert steps.integral(0, 10) == 2 * 1 + 5 * 2


def test_of_several_steps_at_one_time_the_last_holds():
    assert Steps.of([(1, 1), (1, 3), (2, 3)]).points == ((1, 3),)

"""Errors between curves, worked out by hand."""
from __future__ import annotations

from array import array

import pytest

from elastometer.analysis.evidence.steps import Steps
from elastometer.model.terms import Indicator, Objective, StageWindow, Terms
from elastometer.twin.fit.backtest import area_between, predicted, typical
from elastometer.twin.prediction import PredictedReplica, Prediction
from elastometer.twin.scenario import Arrival


def prediction(*ready: tuple[float, int], desired: tuple[tuple[float, int], ...] = ((0.0, 1),)) -> Prediction:
    replicas = (PredictedReplica(0, 0.0, 0.0, None, None), PredictedReplica(1, 10.0, 22.0, None, None),
                PredictedReplica(2, 10.0, 25.0, 60.0, 66.0))
    return Prediction(
        (Arrival(0.5, 1, 5, 0), Arrival(10.0, 1, 5, 0)), range(2),
        array("d", [1.0, 13.0]), array("d", [2.0, 14.0]), array("l", [0, 0]), desired, ready, (), replicas, 100.0)


def test_the_area_is_between_the_curves_from_the_start_of_the_load_to_the_end() -> None:
    """1 until 20 s, then 3, against 1 until 30 s, then 2, up to 50 s: 2 x 10 + 1 x 20; before 0 s nothing counts."""
    one, other = Steps.of([(-9.0, 5.0), (0.0, 1.0), (20.0, 3.0)]), Steps.of([(0.0, 1.0), (30.0, 2.0)])
    assert area_between(one, other, 50.0) == pytest.approx(40.0)
    assert area_between(other, one, 50.0) == pytest.approx(40.0)


def test_the_typical_draw_is_the_one_between_the_others() -> None:
    early, middle, late = (prediction((0.0, 1), (at, 2)) for at in (20.0, 30.0, 60.0))
    assert typical([early, late, middle]) == 2
    assert typical([middle]) == 0


def test_figures_of_a_prediction_are_those_of_the_report() -> None:
    """One scale-out at 10 s whose last replica is Ready at 25 s, one scale-in; the second request waits 3 s, not 2."""
    terms = Terms(stages=(StageWindow("calm", 0, 50, 1, 1),),
                  objectives=(Objective("first", Indicator.TIME_TO_FIRST_TOKEN, 95, 2000, None, "calm"),))
    found = predicted(prediction((0.0, 1), (22.0, 2), (25.0, 3), (60.0, 2), desired=((0.0, 1), (10.0, 3), (60.0, 2))),
                      terms, 100.0)
    assert (found.first_scale_out, found.scale_outs, found.scale_ins) == (10.0, 1, 1)
    assert found.scale_out_lag == 15.0
    assert found.miss_seconds == 1
    assert (found.requests, found.first_token_p95) == (2, 3.0)
    assert found.replica_seconds == pytest.approx(22 + 2 * 3 + 3 * 35 + 2 * 40)

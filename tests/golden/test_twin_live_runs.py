"""The twin on three runs of a live cluster: one load under two settings of an HPA on the queue, and one HPA on CPU.

What is asserted is what docs/what-if.md claims: with the run's recorded random draw (which replica got which request,
when replicas were scraped, when the autoscaler synced) the twin reproduces the recorded replicas; and from one run of
the pair it predicts the other, which it was not calibrated from.
"""
from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.twin.engine import predict
from elastometer.twin.fit.backtest import compare, measured
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.scenario import HpaController, Scenario
from elastometer.world.bundle_reader import load_bundle

RUNS = Path(__file__).with_name("runs")


@lru_cache(maxsize=3)
def run(name: str) -> tuple[DerivedRun, Calibration]:
    derived = derive_run(load_bundle(RUNS / name))
    return derived, calibrate(derived)


def predicted_from(name: str, other: str) -> Scenario:
    """The other run as predicted from the first: the other's settings and random draw, all else from the first."""
    mine, its = run(name)[1].scenario, run(other)[1].recorded
    assert isinstance(its.controller, HpaController)
    return replace(mine, controller=its.controller, recorded=its.recorded, initial_replicas=its.initial_replicas,
                   start_seconds=its.start_seconds, initial_age_seconds=its.initial_age_seconds)


@pytest.mark.parametrize(("name", "allowed"), [("cpu1", 0.1), ("honest-pods-a", 0.1), ("honest-pods-b", 8.0)])
def test_with_its_recorded_random_draw_a_run_is_reproduced(name: str, allowed: float) -> None:
    """One of the three runs depends on a single request in a queue at a single sync."""
    derived, calibration = run(name)
    found = compare(predict(calibration.recorded), derived, derived.evidence.terms)
    truth = measured(derived, calibration.scenario.horizon_seconds)
    assert found.ready_percent <= allowed
    assert found.predicted.first_scale_out == pytest.approx(truth.first_scale_out, abs=0.1)
    assert found.predicted.scale_out_lag == pytest.approx(truth.scale_out_lag, abs=0.1)
    assert truth.scale_outs >= 1


@pytest.mark.parametrize(("name", "other"), [("honest-pods-a", "honest-pods-b"), ("honest-pods-b", "honest-pods-a")])
def test_one_run_predicts_another_with_other_settings(name: str, other: str) -> None:
    derived, _ = run(other)
    scenario = predicted_from(name, other)
    found = compare(predict(scenario), derived, derived.evidence.terms)
    truth = measured(derived, scenario.horizon_seconds)
    assert found.ready_percent <= 10.0
    assert truth.miss_seconds is not None
    assert found.predicted.miss_seconds == pytest.approx(truth.miss_seconds, rel=0.1)


def test_the_pair_is_ranked_as_it_was_measured() -> None:
    """More replicas, fewer seconds missed: both drawn from the first run's calibration, in each of five draws."""
    costly, slow = predicted_from("honest-pods-a", "honest-pods-b"), run("honest-pods-a")[1].scenario
    for seed in range(5):
        figures = []
        for scenario, name in ((costly, "honest-pods-b"), (slow, "honest-pods-a")):
            derived, _ = run(name)
            drawn = replace(scenario, recorded=None, seed=seed)
            figures.append(compare(predict(drawn), derived, derived.evidence.terms).predicted)
        fewer, more = (figure.miss_seconds for figure in figures)
        assert fewer is not None, "not judged is not zero"
        assert more is not None, "not judged is not zero"
        assert fewer < more
        assert figures[0].replica_seconds > figures[1].replica_seconds

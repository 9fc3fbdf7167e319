"""The capacity of one replica from three sources against the stand-in, whose capacity is a formula of its settings.

The stand-in's own engine runs in virtual time. `Given` is the formula, `Calibrated` a knee search of users on one
replica, `Fitted` comes from a run whose load rises above what the replica can serve and falls again. All three are to
serve the same objective.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import fmean
from typing import Any

import pytest

from elastometer.analysis.capacity.calibration import calibration_of
from elastometer.analysis.capacity.sustained import sustained
from elastometer.analysis.demand.demand import demand_of
from elastometer.analysis.requests.knees import knees
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.model.calibration import CALIBRATION
from elastometer.model.calibration_plan import Search, calibration_test
from elastometer.model.capacity import Capacity
from elastometer.model.elasticity import DemandAccount, DemandSource
from elastometer.model.knee import KneeSeen, StepSeen
from elastometer.model.objectives import FIELDS
from elastometer.model.request import GeneratorSummary, RecordedRequest
from elastometer.model.terms import Indicator, Objective
from elastometer.render.json_report import plain
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.knee import KneeVariable
from elastometer_loadgen.stages.objectives import KneeIndicator, KneeObjective
from elastometer_standin.settings import Pace
from support.price_worlds import Replica as Life
from support.price_worlds import at, run_of, spec
from support.standin_runs import (
    LOADS,
    LONG,
    MIXED,
    SHORT,
    Load,
    Replica,
    Served,
    arrivals,
    knee,
    saturated,
    saturated_rate,
    users_knee,
    users_within,
)

SLOTS, BOUND_MILLISECONDS, PERCENTILE = 16, 3000, 95
PACE = Pace(prefill_tokens_per_second=8000.0, prefill_overhead_ms=5.0, decode_ms_per_token=20.0, decode_slowdown=0.01)
OBJECTIVE = Objective("first", Indicator.TIME_TO_FIRST_TOKEN, PERCENTILE, BOUND_MILLISECONDS, None, None)
FIRST_TOKEN = KneeObjective(KneeIndicator.TIME_TO_FIRST_TOKEN, PERCENTILE, BOUND_MILLISECONDS, None)
# From the start in a full batch: a step of 23 ms, and the prompts of those that begin with it.
OWN_SECONDS = 0.065
STEPS, STEP_SECONDS = [1, 4, 8, 12, 16, 20, 24], 120.0
POD = Life(-40, -39, -20)
ALLOWED = 0.05


def given(load: Load, served: Sequence[Served] = ()) -> float:
    """The formula: the saturated rate, and the share of it that the objective leaves. For requests of the lengths that
    were served, or else of those that the load draws."""
    lengths = [(float(one.prompt), float(one.output)) for one in served or arrivals(load, [(50.0, 10.0)], 4)]
    prompt, output = (fmean(one for one, _ in lengths), fmean(one for _, one in lengths)) if served else load.mean()
    full = saturated(prompt, output, SLOTS, PACE)
    step = PACE.decode_seconds(SLOTS)
    formula = Capacity(
        SLOTS, PACE.prefill_seconds(0, begins=True), 1 / PACE.prefill_tokens_per_second,
        decode_seconds=PACE.decode_seconds(1), decode_seconds_per_neighbour=(
            SLOTS / (full * output) - PACE.decode_seconds(1)) / (SLOTS - 1),
        # Half of the step under way, and the step in which the prompt is computed; from the queue only the latter.
        join_seconds=1.5 * step, refill_seconds=step)
    return full * sustained(formula, lengths, [OBJECTIVE]).share


def document(demand: dict[str, Any] | None = None, *, scaler: str = "HorizontalPodAutoscaler") -> dict[str, Any]:
    test = spec()
    test["spec"]["target"]["server"]["args"] = [f"--max-num-seqs={SLOTS}"]
    test["spec"]["objectives"] = [{"name": "first", "indicator": "TimeToFirstToken", "percentile": PERCENTILE,
                                   "maximumMilliseconds": BOUND_MILLISECONDS}]
    assert set(test["spec"]["objectives"][0]) <= set(FIELDS)
    test["spec"]["autoscaler"] = {"type": scaler} if scaler == "None" else test["spec"]["autoscaler"]
    if demand is not None:
        test["spec"]["demand"] = demand
    return test


def records(served: list[Served], stage: str) -> list[RecordedRequest]:
    return [RecordedRequest(
        id=number, worker=0, stage=stage, task="", intended=at(one.at), send=at(one.at), connect=None, first_byte=None,
        first_token=at(one.first), last_token=at(one.last), end=at(one.last), chunks=one.output,
        prompt_tokens=one.prompt, completion_tokens=one.output, finish_reason="length", status=200,
        outcome=Outcome.SUCCESS, error=None, pod="demo-server-0", address=None, first_chunks=1)
        for number, one in enumerate(served) if one.sent == one.output]


@lru_cache(maxsize=3)
def ran(load: Load) -> tuple[Served, ...]:
    rate = saturated_rate(load, SLOTS, PACE)
    served = list(arrivals(load, [(0.3 * rate, 60), (0.8 * rate, 120), (1.15 * rate, 120), (0.5 * rate, 60)], seed=5))
    Replica(SLOTS, PACE).serve(served)
    return tuple(served)


def account(
    load: Load, demand: dict[str, Any] | None = None, provenance: dict[str, Any] | None = None,
) -> DemandAccount:
    run = run_of([POD], 400, sizes=[(-40, 1)], test=document(demand), requests=records(list(ran(load)), "all"))
    return demand_of(replace(run, bundle=replace(run.bundle, provenance=provenance or {}))).account


def calibrated_run(load: Load) -> DerivedRun:
    served = Replica(SLOTS, PACE).serve_users(load, STEPS, STEP_SECONDS, seed=9)
    run = run_of([POD], len(STEPS) * STEP_SECONDS, sizes=[(-40, 1)], test=document(scaler="None"),
                 requests=records(served, "knee"))
    steps = tuple(StepSeen(users, at(number * STEP_SECONDS), at((number + 1) * STEP_SECONDS), None)
                  for number, users in enumerate(STEPS))
    worker = GeneratorSummary(0, "a", None, None, None, None, False, None, None, None, None,
                              knees=(KneeSeen("knee", "Users", STEPS[-1], steps, None),))
    return derive_run(replace(run.bundle, generators=(worker,)))


def calibration(load: Load) -> dict[str, Any]:
    run = calibrated_run(load)
    result = calibration_of(run, knees(run.evidence, run.replicas.ready))
    assert result is not None
    assert result.found is not None, result.reason
    found = plain(result.found)
    assert isinstance(found, dict)
    return found


def rate(found: DemandAccount) -> float:
    assert found.capacity is not None, found.reason
    return found.capacity.requests_per_second


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_given_calibrated_and_fitted_agree(load: Load) -> None:
    fitted = account(load)
    calibrated = account(load, {"calibrationRef": {"name": "demo"}}, {CALIBRATION: calibration(load)})
    stated = account(load, {"requestsPerSecond": f"{given(load, ran(load)):.6f}"})
    assert [one.source for one in (fitted, calibrated, stated)] == [
        DemandSource.FITTED, DemandSource.CALIBRATED, DemandSource.GIVEN]
    rates = [rate(one) for one in (fitted, calibrated, stated)]
    assert max(rates) <= (1 + ALLOWED) * min(rates)


@pytest.mark.parametrize(("load", "seconds"), [(SHORT, 200.0), (LONG, 1200.0), (MIXED, 1200.0)],
                         ids=["short answers", "long answers", "mixed"])
def test_the_knee_is_within_one_step_of_the_formula(load: Load, seconds: float) -> None:
    """Rates that rise by a tenth of the formula's, judged by the load generator's own rule. Long steps, so that the
    knee is that of the server and not of the random arrivals."""
    formula = given(load)
    rates = [formula * (0.6 + 0.1 * number) for number in range(8)]
    good, failed = knee(load, SLOTS, PACE, rates, seconds, (FIRST_TOKEN,), seed=2)
    assert good is not None
    assert failed is not None
    assert abs(good - formula) <= 0.1 * formula + 1e-9
    assert good < failed <= good + 0.1 * formula + 1e-9


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_a_calibration_of_users_finds_the_knee_within_one_step_of_the_formula(load: Load) -> None:
    """With the steps that `calibrate` makes, raised to where the objective fails."""
    stage = calibration_stage("Users")
    steps = list(range(stage["start"], 100, stage["step"]))
    if load is SHORT:  # what holds far below the knee is passed over, for a quick test
        steps = [users for users in steps if users > 50]
    for seed in (1, 2, 3):
        good, failed = users_knee(load, SLOTS, PACE, steps, stage["stepSeconds"], (FIRST_TOKEN,), seed=seed)
        assert good is not None
        assert failed == good + stage["step"]
        formula = users_within(load, SLOTS, PACE, BOUND_MILLISECONDS / 1000 - OWN_SECONDS, PERCENTILE)
        assert abs(good - formula) <= stage["step"]


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_a_calibration_of_rates_finds_the_knee_within_one_step_of_the_formula(load: Load) -> None:
    """With the steps that `calibrate` makes: whole requests per second."""
    stage = calibration_stage("Rate")
    rates = [float(rate) for rate in range(stage["start"], stage["maximum"] + 1, stage["step"])]
    for seed in (1, 2, 3):
        good, failed = knee(load, SLOTS, PACE, rates[:30], stage["stepSeconds"], (FIRST_TOKEN,), seed=seed)
        assert good is not None
        assert failed == good + stage["step"]
        assert abs(good - given(load)) <= stage["step"]


def calibration_stage(of: str) -> dict[str, Any]:
    test = {"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest", **document()}
    made = calibration_test(test, Search(of=KneeVariable(of)))
    stage: dict[str, Any] = made["spec"]["load"]["stages"][0]
    return stage

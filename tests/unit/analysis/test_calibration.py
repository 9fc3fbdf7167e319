"""What a calibration run shows, on searches made by hand: requests of 100 output tokens, four slots, one step of 100 s.

With u users a replica of four slots serves min(u, 4) requests at once, each in 2 s.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from elastometer.analysis.capacity.calibration import calibration_of
from elastometer.analysis.capacity.full_time import LEAST_PERCENT
from elastometer.analysis.demand.demand import demand_of
from elastometer.analysis.requests.knees import knees
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.model.calibration import CALIBRATION, Calibration, CalibrationResult, calibration_from
from elastometer.model.elasticity import DemandSource
from elastometer.model.knee import KneeSeen, StepSeen
from elastometer.model.request import GeneratorSummary, RecordedRequest
from elastometer.model.terms import Terms
from elastometer.render.json_report import plain
from elastometer.render.sections.elasticity import calibration_markdown
from elastometer.render.wording.elasticity import calibration_sentence
from support.price_worlds import Replica, at, request, run_of, spec

SLOTS, SECONDS, STEP = 4, 2.0, 100.0
POD = Replica(-40, -39, -20)


def document(**changes: Any) -> dict[str, Any]:
    test = spec()
    test["spec"]["autoscaler"] = {"type": "None"}
    test["spec"]["target"]["server"]["args"] = [f"--max-num-seqs={SLOTS}"]
    test["spec"] |= changes
    return test


def one(number: int, start: float, wait: float) -> RecordedRequest:
    made = request(number, start, start + wait + 0.2)
    end = at(start + wait + SECONDS)
    return replace(made, stage="knee", last_token=end, end=end, chunks=100, first_chunks=1, pod="demo-server-0")


def closed_loop(steps: list[int], slots: int = SLOTS) -> list[RecordedRequest]:
    """Each user sends again when its answer has ended; beyond the slots it waits for its turn."""
    found: list[RecordedRequest] = []
    for step, users in enumerate(steps):
        cycle = SECONDS * max(1.0, users / slots)
        for user in range(users):
            start = step * STEP + user * cycle / users
            while start + cycle <= (step + 1) * STEP + 1e-9:
                found.append(one(len(found), start, cycle - SECONDS))
                start += cycle
    return found


def run(
    of: str, values: list[int], requests: list[RecordedRequest], *, failed: str | None = None, good: int | None = None,
    pods: int = 1, test: dict[str, Any] | None = None, provenance: dict[str, Any] | None = None,
) -> DerivedRun:
    made = run_of([POD] * pods, STEP * len(values), sizes=[(-40, pods)], test=test or document(), requests=requests)
    steps = tuple(StepSeen(value, at(number * STEP), at((number + 1) * STEP), failed if value == values[-1] else None)
                  for number, value in enumerate(values))
    best = good if good is not None else (values[-2] if failed else values[-1])
    worker = GeneratorSummary(0, "a", None, None, None, None, False, None, None, None, None,
                              knees=(KneeSeen("knee", of, None if good == -1 else best, steps, None),))
    return derive_run(replace(made.bundle, generators=(worker,), provenance=provenance or {}))


def result(run: DerivedRun) -> CalibrationResult:
    found = calibration_of(run, knees(run.evidence, run.replicas.ready))
    assert found is not None
    return found


def calibration(run: DerivedRun) -> Calibration:
    found = result(run)
    assert found.found is not None, found.reason
    return found.found


def test_users_beyond_the_slots_show_the_saturated_throughput() -> None:
    """Four requests at once of 2 s each are 2 per second, in each step with four users or more. The answers that a
    step cuts off are a fiftieth of them."""
    found = calibration(run("Users", [1, 2, 4, 6], closed_loop([1, 2, 4, 6])))
    assert found.requests_per_second == pytest.approx(1.98, abs=0.03)
    assert found.error_percent is not None
    assert found.error_percent == LEAST_PERCENT
    assert found.capacity is not None
    assert found.capacity.slots == SLOTS
    assert found.linearity == "that further replicas serve as much each is assumed"


def test_an_objective_that_fails_before_the_slots_are_full_brackets_the_capacity() -> None:
    """One user served 0.5 per second, which held; two served 1, which did not: 0.75 ± 33 %."""
    found = calibration(run("Users", [1, 2], closed_loop([1, 2]), failed="TimePerOutputToken p95 must be …"))
    assert found.requests_per_second == pytest.approx(0.75, rel=0.02)
    assert found.error_percent == pytest.approx(33.3, abs=1.5)
    assert found.capacity is None
    assert "must be" in found.rule


def test_rates_bracket_the_capacity() -> None:
    """1 per second held and 2 did not: 1.5 ± 33 %."""
    requests = [one(number, number * 1.0, 0.0) for number in range(200)]
    found = calibration(run("Rate", [1, 2], requests, failed="TimeToFirstToken p95 must be at most 1000 ms, was 9 s"))
    assert (found.requests_per_second, found.error_percent) == (pytest.approx(1.5), pytest.approx(33.33))
    assert found.rule == ("the knee of the calibration: 1 requests per second held, 2 did not (TimeToFirstToken p95 "
                          "must be at most 1000 ms, was 9 s)")


@pytest.mark.parametrize(("made", "expected"), [
    (lambda: run("Rate", [1, 2], closed_loop([1, 2])), "a step of the Knee 'knee' must fail for its knee to be known"),
    (lambda: run("Rate", [1], closed_loop([1]), failed="x", good=-1), "the first step of the Knee 'knee' must hold"),
    (lambda: run("Users", [1, 2], closed_loop([1, 2])), "must fail or fill all 4 slots, and none did up to 2 users"),
    (lambda: run("Users", [1, 4], closed_loop([1])), "10 requests must be answered in the step of 4"),
], ids=["no rate failed", "no rate held", "too few users", "a step without answers"])
def test_a_search_that_does_not_show_the_capacity_says_why(made: Any, expected: str) -> None:
    found = result(made())
    assert found.found is None
    assert expected in (found.reason or "")


def test_replicas_that_change_during_the_search_are_no_calibration() -> None:
    made = run("Users", [1, 4], closed_loop([1, 4]))
    ready = replace(made, replicas=replace(made.replicas, ready=type(made.replicas.ready).of([(-20, 1), (150, 2)])))
    found = calibration_of(ready, knees(ready.evidence, ready.replicas.ready))
    assert found is not None
    assert found.reason == ("a calibration must have the same number of Ready replicas in every step of its Knee, and "
                            "had 1, 2")


def test_a_run_with_an_autoscaler_is_no_calibration() -> None:
    made = run("Users", [1, 4], closed_loop([1, 4]), test=spec())
    assert isinstance(made.evidence.terms, Terms)
    assert calibration_of(made, knees(made.evidence, made.replicas.ready)) is None


def test_two_replicas_say_how_much_each_serves_of_one_alone() -> None:
    """Two replicas of four slots with eight users serve 4 per second, 2 each: all of what one serves alone."""
    alone = plain(calibration(run("Users", [1, 2, 4, 6], closed_loop([1, 2, 4, 6]))))
    both = [replace(item, pod=f"demo-server-{number % 2}")
            for number, item in enumerate(closed_loop([1, 8, 12], slots=2 * SLOTS))]
    made = run("Users", [1, 8, 12], both, pods=2, test=document(demand={"calibrationRef": {"name": "one"}}),
               provenance={CALIBRATION: alone})
    found = calibration(made)
    assert found.replicas == 2
    assert found.requests_per_second == pytest.approx(2.0, rel=0.03)
    assert found.linearity.startswith("each of 2 replicas served ")
    assert "% of what one served alone (calibration 'demo')" in found.linearity


def test_a_run_is_judged_by_the_copy_that_it_recorded() -> None:
    document_of = plain(calibration(run("Users", [1, 2, 4, 6], closed_loop([1, 2, 4, 6]))))
    assert isinstance(document_of, dict)
    assert calibration_from(document_of) is not None
    test = document(demand={"calibrationRef": {"name": "demo"}}, objectives=[])
    requests = [one(number, number * 0.25, 0.0) for number in range(400)]
    made = run_of([POD], 100, sizes=[(-40, 1)], test=test, requests=requests)
    demand = demand_of(replace(made, bundle=replace(made.bundle, provenance={CALIBRATION: document_of})))
    assert demand.account.source is DemandSource.CALIBRATED
    assert demand.arrival.value_at(50) == 3  # four per second, of which a replica serves a little less than two
    other = replace(made, evidence=replace(made.evidence, spec={**test, "spec": {**test["spec"], "target": {
        "model": {"name": "m"}, "server": {"image": "i", "args": ["--max-num-seqs=8"]}}}}))
    refused = demand_of(replace(other, bundle=replace(made.bundle, provenance={CALIBRATION: document_of})))
    assert refused.account.source is DemandSource.NOT_JUDGED
    assert refused.account.reason == ("spec.target.server.args: must be ['--max-num-seqs=4'], as in the calibration "
                                      "'demo', is ['--max-num-seqs=8']")


def test_a_reference_without_a_recorded_copy_is_not_judged() -> None:
    test = document(demand={"calibrationRef": {"name": "other"}})
    made = run_of([POD], 100, sizes=[(-40, 1)], test=test, requests=closed_loop([2]))
    assert "the calibration 'other' must be recorded in provenance.json" in (demand_of(made).account.reason or "")


def test_the_report_says_what_was_found_or_why_nothing_was() -> None:
    good = result(run("Users", [1, 2, 4, 6], closed_loop([1, 2, 4, 6])))
    assert calibration_sentence(good).startswith("one replica serves 1.96 ± ")
    assert "spec.demand.calibrationRef.name: demo" in calibration_sentence(good)
    none = result(run("Rate", [1, 2], closed_loop([1, 2])))
    lines = list(calibration_markdown(none))
    assert lines[1] == "## Calibration"
    assert lines[3].startswith("The run shows no capacity of one replica: a step of the Knee 'knee' must fail")
    assert list(calibration_markdown(None)) == []

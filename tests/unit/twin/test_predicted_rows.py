"""What a report predicts from the run itself: the rows of the test and other minimums, beside what was measured."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.model.bundle import Bundle
from elastometer.model.report import Report
from elastometer.model.terms import terms_from
from elastometer.model.what_if import WarmSpares, WhatIf
from elastometer.twin.advice import forecast, predicted_rows
from elastometer.twin.advice.fitted import FittedTwin, fit_twin
from elastometer.twin.advice.predicted_rows import draws_for, with_predicted_rows
from elastometer.twin.search.score.held_out import HELD_OUT_DRAWS
from elastometer.world.bundle_reader import load_bundle
from support.what_if_worlds import hpa_baseline

RUN = Path(__file__).parents[2] / "golden/runs/honest-pods-a"
ASKED = [{"name": "slow", "set": {"target": 60}}, {"name": "no-field", "set": {"minReplica": 2}},
         {"name": "quick", "set": {"coldStart.scale": 0.5}}]


def changed(**fields: Any) -> Bundle:
    bundle = load_bundle(RUN)
    spec = {**bundle.spec, "spec": {**bundle.spec["spec"], **fields}}  # type: ignore[dict-item]
    return replace(bundle, spec=spec, terms=terms_from(spec, bundle.plan))


@pytest.fixture(scope="module")
def judged() -> tuple[DerivedRun, Report, FittedTwin]:
    run = derive_run(changed(whatIf=ASKED, price={"perGPUHour": "2.50", "currency": "USD"}))
    return run, judge_run(run), fit_twin(run)


@pytest.fixture(scope="module")
def rows(judged: tuple[DerivedRun, Report, FittedTwin]) -> tuple[WhatIf, WarmSpares]:
    what_if, spares = with_predicted_rows(*judged)
    assert what_if is not None
    assert spares is not None
    return what_if, spares


def test_each_row_of_the_test_is_predicted_with_what_it_changes(rows: tuple[WhatIf, WarmSpares]):
    found = rows[0]
    assert [row.name for row in found.rows] == ["slow", "no-field", "quick"]
    slow = found.rows[0]
    assert [(change.path, change.before, change.after) for change in slow.changes] == [
        ("metrics[0].pods.target.averageValue", "2", "60")]
    assert slow.miss_seconds is not None
    # The target of 60 never scales out: far more is missed than was measured, by far more than the twin's own error.
    assert slow.miss_seconds.predicted - slow.miss_seconds.measured > slow.miss_seconds.plus_minus
    assert (slow.draws, slow.held) == (HELD_OUT_DRAWS, 0)


def test_the_recorded_settings_show_the_twins_own_error(rows: tuple[WhatIf, WarmSpares]):
    found = rows[0].recorded
    assert found is not None
    assert found.miss_seconds is not None
    assert found.miss_seconds.plus_minus == max(
        found.miss_seconds.measured - found.miss_seconds.low, found.miss_seconds.high - found.miss_seconds.measured,
        found.miss_seconds.predicted - found.miss_seconds.low, found.miss_seconds.high - found.miss_seconds.predicted)


def test_a_row_that_cannot_be_predicted_says_why_and_has_no_number(rows: tuple[WhatIf, WarmSpares]):
    row = rows[0].rows[1]
    assert row.reason is not None
    assert row.reason.startswith("minReplica: must be a field of the HorizontalPodAutoscaler's spec")
    assert (row.miss_seconds, row.cost, row.money, row.draws) == (None, None, None, 0)


def test_a_setting_of_the_simulator_is_shown_against_the_record(rows: tuple[WhatIf, WarmSpares]):
    change, = rows[0].rows[2].changes
    assert (change.path, change.before, change.after) == ("coldStart.scale", "as recorded", "0.5")


def test_warm_spares_are_the_minimums_up_to_three_and_cost_more_for_fewer_misses(rows: tuple[WhatIf, WarmSpares]):
    found = rows[1]
    assert (found.path, found.recorded_minimum, [row.name for row in found.rows]) == ("minReplicas", 1, ["1", "2", "3"])
    misses = [row.miss_seconds.predicted for row in found.rows if row.miss_seconds is not None]
    costs = [row.cost.predicted for row in found.rows if row.cost is not None]
    assert misses == sorted(misses, reverse=True)
    assert costs == sorted(costs)
    assert len(misses) == len(costs) == 3


def test_the_predicted_gpu_seconds_are_money_by_the_price_of_the_test(rows: tuple[WhatIf, WarmSpares]):
    row = rows[1].rows[0]
    assert row.cost is not None
    assert row.money == f"{row.cost.predicted * 2.5 / 3600:.4f}"
    assert rows[1].currency == "USD"


def test_a_test_that_asks_nothing_has_no_what_if_and_one_that_nothing_scales_neither(
    judged: tuple[DerivedRun, Report, FittedTwin]
):
    run, report, twin = judged
    bare = replace(run, evidence=replace(run.evidence, spec={}))
    assert with_predicted_rows(bare, report, FittedTwin(None, "why")) == (None, WarmSpares(reason="why"))
    fixed = replace(run, evidence=replace(run.evidence, terms=replace(run.evidence.terms, scaler="None")))
    assert with_predicted_rows(fixed, report, twin) == (None, None)


def test_a_run_that_no_twin_fits_says_why_in_both_tables(judged: tuple[DerivedRun, Report, FittedTwin]):
    run, report, _ = judged
    what_if, spares = with_predicted_rows(run, report, FittedTwin(None, "there are no requests"))
    assert what_if == WhatIf(reason="there are no requests")
    assert spares == WarmSpares(reason="there are no requests")


def test_many_rows_and_requests_leave_fewer_draws_but_one(monkeypatch: pytest.MonkeyPatch):
    base = hpa_baseline()
    cost = base.scenario.request_count * (1 if base.scenario.closed is None else forecast.CLOSED_COST)
    monkeypatch.setattr(predicted_rows, "MAX_WORK", 40 * cost)
    assert [draws_for(base, rows) for rows in (1, 4, 5, 10, 41)] == [9, 9, 8, 4, 1]


def test_a_figure_that_nothing_can_have_has_its_reason(judged: tuple[DerivedRun, Report, FittedTwin]):
    run, report, twin = judged
    evidence = replace(run.evidence, spec={"spec": {}}, terms=replace(run.evidence.terms, objectives=()))
    _, spares = with_predicted_rows(replace(run, evidence=evidence), report, twin)
    assert spares is not None
    row = spares.rows[0]
    assert (row.miss_seconds, row.money) == (None, None)
    assert row.missing == (("missSeconds", "no objective is on requests"), ("money", "spec.price is not given"))

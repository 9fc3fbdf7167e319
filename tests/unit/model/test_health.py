"""The preset Health is nothing but its four rows, wherever objectives are read."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.model.health import objective_rows, preset_flaws
from elastometer.model.objectives import objective_flaws
from elastometer.model.terms import Indicator, terms_from

HEALTH = {"name": "health", "preset": "Health", "stageName": "crowd"}
PLAIN = {"name": "fast", "indicator": "TimeToFirstToken", "maximumMilliseconds": 500}


def of(*objectives: Any) -> dict[str, Any]:
    return {"spec": {"objectives": list(objectives)}}


def test_a_preset_stands_for_four_rows_in_its_place():
    names = [row["name"] for row in objective_rows(of(PLAIN, HEALTH, {**PLAIN, "name": "last"})["spec"])]
    assert names == ["fast", "health-success", "health-mean", "health-p99", "health-rate", "last"]


def test_the_rows_of_health_are_judged_by_their_own_bounds_in_the_stage_of_the_preset():
    rows = terms_from(of(HEALTH)).objectives
    assert [(one.indicator, one.minimum_percent, one.maximum_milliseconds, one.maximum_percent) for one in rows] == [
        (Indicator.REQUEST_SUCCESS, 99, None, None), (Indicator.REQUEST_LATENCY, None, 1000, None),
        (Indicator.REQUEST_LATENCY, None, 2000, None), (Indicator.STEADY_RATE, None, None, 10)]
    assert {(one.stage, one.preset) for one in rows} == {("crowd", "health")}
    assert rows[2].percentile == 99


def test_an_objective_without_a_preset_belongs_to_none():
    assert [one.preset for one in terms_from(of(PLAIN)).objectives] == [None]


@pytest.mark.parametrize(("objective", "flaws"), [
    (HEALTH, []),
    ({**HEALTH, "percentile": 95, "statistic": "Percentile"}, []),  # as the API server fills them in
    ({**HEALTH, "preset": "Wealth"}, ["spec.objectives[0].preset: must be one of Health, is 'Wealth'"]),
    ({**HEALTH, "minimumPercent": 9}, [
        "spec.objectives[0].minimumPercent: must not be given beside preset, which stands for whole rows, is 9"]),
])
def test_a_recorded_preset_is_read_or_refused(objective: dict[str, Any], flaws: list[str]):
    assert list(objective_flaws(of(objective))) == flaws


@pytest.mark.parametrize(("objectives", "flaws"), [
    ([HEALTH, PLAIN], []),
    ([HEALTH, {**PLAIN, "name": "health-p99"}], [
        "spec.objectives[0].name: must not give a row the name of another objective (health-p99), is 'health'"]),
    ([{**HEALTH, "name": "h" * 55}], []),
    ([{**HEALTH, "name": "h" * 56}], [
        "spec.objectives[0].name: must have at most 55 characters for a preset, whose rows add theirs, is "
        f"'{'h' * 56}'"]),
    ([{**HEALTH, "name": f"h{number}"} for number in range(8)], []),
    ([*({**HEALTH, "name": f"h{number}"} for number in range(8)), PLAIN], [
        "spec.objectives: must come to at most 32 rows, a preset being 4, is 33"]),
])
def test_the_rows_of_presets_must_have_names_and_places_of_their_own(objectives: list[Any], flaws: list[str]):
    assert list(preset_flaws(of(*objectives)["spec"])) == flaws

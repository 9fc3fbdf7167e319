"""Every percentile, mean and rate of a recorded run's tables is what numpy makes of its records."""
from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from elastometer.render.json_report import to_json
from support.judged_runs import judged_run
from support.recomputed import checked_rows, differences, records_in

HERE = Path(__file__).parent
RUNS = sorted([*HERE.glob("runs/*"), *HERE.glob("studies/*")])


@pytest.fixture(scope="module")
def judged() -> dict[Path, dict[str, Any]]:
    return {path: json.loads(to_json(judged_run(path))) for path in RUNS}


def test_there_are_recorded_runs() -> None:
    assert len(RUNS) >= 3


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_the_numbers_of_a_recorded_run_are_those_of_numpy(path: Path, judged: dict[Path, dict[str, Any]]) -> None:
    assert checked_rows(judged[path]) > 1
    assert differences(judged[path], records_in(path)) == ()


@pytest.mark.parametrize(("field", "key", "by"), [
    ("latency", "p99", 0.2), ("latency", "mean", -0.2), ("timeToFirstToken", "p50", 0.2), ("latency", "count", 1)])
def test_a_number_that_is_slightly_wrong_is_found(
    judged: dict[Path, dict[str, Any]], field: str, key: str, by: float,
) -> None:
    path = RUNS[0]
    wrong = copy.deepcopy(judged[path])
    wrong["load"][0][field][key] += by
    (found,) = differences(wrong, records_in(path))
    assert (found.row, found.field) == (f"load {wrong['load'][0]['stage']}", f"{field}.{key}")

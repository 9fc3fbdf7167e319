"""Counts per stage, task and check, and the interval of their rates."""

import orjson
import pytest

from elastometer_loadgen.checks.check import Failure
from elastometer_loadgen.checks.rate import CheckTally, wilson_interval


@pytest.mark.parametrize(
    ("failed", "judged", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(failed: int, judged: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score, without continuity correction)."""
    assert wilson_interval(failed, judged) == pytest.approx((low, high), abs=0.00005)


def test_the_interval_of_all_successes_mirrors_that_of_no_success_and_stays_within_0_and_1() -> None:
    low, high = wilson_interval(0, 7)
    assert wilson_interval(7, 7) == pytest.approx((1 - high, 1 - low))
    assert low == 0.0
    assert wilson_interval(7, 7)[1] == 1.0


def test_findings_are_counted_by_stage_task_and_check() -> None:
    tally = CheckTally()
    for _ in range(3):
        tally.add("ramp", "label", {"Label": None, "Crosstalk": None})
    tally.add("ramp", "label", {"Label": Failure.LABEL_CASE, "Crosstalk": None})
    tally.add("ramp", "label", {"Label": "LabelCase"})
    tally.add("ramp", "label", {"Label": Failure.UNKNOWN_LABEL})
    tally.add("hold", "label", {"Label": None})
    tally.add("hold", "poem", None)
    rows = tally.rows(with_rates=False)
    assert rows == [
        {"stage": "ramp", "task": "label", "check": "Label", "judged": 6, "failed": 3,
         "failures": {"LabelCase": 2, "UnknownLabel": 1}},
        {"stage": "ramp", "task": "label", "check": "Crosstalk", "judged": 4, "failed": 0, "failures": {}},
        {"stage": "hold", "task": "label", "check": "Label", "judged": 1, "failed": 0, "failures": {}},
    ]
    rate = tally.rows(with_rates=True)[0]["failureRate"]
    assert rate["value"] == 0.5
    assert rate["low"] < 0.5 < rate["high"]
    assert orjson.dumps(rows)

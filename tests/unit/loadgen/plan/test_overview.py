"""What people see of a load before it runs: stages with their instants, and a picture of the rate."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer_loadgen.__main__ import main
from elastometer_loadgen.plan.overview import overview, picture, table
from elastometer_loadgen.profile.profile import Profile, parse_profile

RAMP = {"name": "ramp", "type": "Rate", "durationSeconds": 72, "startRequestsPerSecond": "0",
        "endRequestsPerSecond": "8", "arrivals": "Gamma", "burstiness": "0.5"}
CROWD = {"name": "users", "type": "Users", "durationSeconds": 72, "users": 9, "spawnPerSecond": "3",
         "thinkTimeSeconds": {"minimum": "1", "maximum": "3"}, "maximumRequests": 500}
COUNT = {"name": "count", "type": "Concurrency", "concurrency": 4, "requests": 10}
KNEE = {"name": "knee", "type": "Knee", "of": "Users", "start": 50, "step": 50, "stepSeconds": 120, "maximum": 120,
        "soakSeconds": 600}


def profile(*stages: dict[str, Any]) -> Profile:
    return parse_profile({"seed": 7, "timeoutSeconds": 20, "stages": list(stages)})


def test_a_stage_behind_an_open_ended_one_begins_at_the_latest_when_that_one_must_have_ended() -> None:
    plan = overview(profile(RAMP, COUNT, KNEE), 1)
    assert [(row["startSeconds"], row["endSeconds"]) for row in plan["stages"]] == [(0, 72), (72, 132), (132, 1092)]
    assert [(row["startIsExact"], row["endIsExact"]) for row in plan["stages"]] == [
        (True, True), (True, False), (False, False),
    ]
    assert (plan["seconds"], plan["secondsAreExact"]) == (1092, False)
    assert plan["stages"][2]["steps"] == [50, 100, 120]
    assert orjson.loads(orjson.dumps(plan)) == plan


def test_open_loops_are_expected_to_send_and_closed_ones_may_at_most() -> None:
    rows = overview(profile(RAMP, CROWD, COUNT), 3)["stages"]
    assert [(row.get("expectedRequests"), row.get("maximumRequests")) for row in rows] == [
        (288.0, None), (None, 500.0), (None, 10.0),
    ]
    assert rows[0]["seed"] == "7/stages/0"


def test_the_table_has_a_row_per_stage_and_the_picture() -> None:
    lines = table(profile(RAMP, CROWD, COUNT), 3).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["stage", "type", "start", "s", "end", "s", "requests", "what"],
        ["ramp", "Rate", "0", "72", "288", "0", "to", "8/s,", "Gamma,", "burstiness", "0.5"],
        ["users", "Users", "72", "144", "≤500", "9", "users,", "3", "more", "per", "second,", "think", "1", "to", "3",
         "s"],
        ["count", "Concurrency", "144", "≤204", "≤10", "4", "in", "flight"],
    ]
    assert lines[-1] == "seed 7, workers 3, at most 204 s; ≤: at most"


def test_the_picture_of_a_ramp_is_a_ramp() -> None:
    """72 columns, one a second: heights rise in eighths of eight rows, and a closed loop is dots."""
    rows = picture(profile(RAMP).stages)[:-1]
    heights = [sum(" ▁▂▃▄▅▆▇█".index(row.ljust(83)[11 + column]) for row in rows if row) for column in range(72)]
    assert heights == sorted(heights)
    assert heights[-1] == 64
    assert abs(heights[35] - 32) <= 1
    both = picture(profile(RAMP, CROWD).stages)
    assert both[-2].endswith("·" * 36)
    assert both[-1].endswith("144 s")
    assert picture(profile(CROWD).stages)[:-1] == [" " * 11 + "·" * 72]


@pytest.mark.parametrize(("output", "words"), [("table", "stage  type"), ("json", '"secondsAreExact": true')])
def test_the_command_prints_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str, words: str
) -> None:
    path = tmp_path / "profile.yaml"
    path.write_bytes(orjson.dumps({"stages": [RAMP, CROWD]}))
    assert main(["plan", str(path), "--output", output]) == 0
    assert words in capsys.readouterr().out

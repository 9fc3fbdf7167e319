"""What is known beforehand of each stage: as plan.json has it, whatever version wrote it, or as the spec resolves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.spec import parse, with_files
from elastometer.model.terms import StageWindow, terms_from
from elastometer.plan import Environment, TestPlan, describe
from elastometer.render.json_report import to_json
from elastometer.world.bundle_reader import load_bundle
from elastometer_loadgen.stages.stage import StageType

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "runs").iterdir())
CALM = {"name": "calm", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1"}
RAMP = {"name": "ramp", "type": "Rate", "durationSeconds": 20, "endRequestsPerSecond": "6"}
DROP = {"name": "drop", "type": "Rate", "durationSeconds": 5, "startRequestsPerSecond": "2",
        "endRequestsPerSecond": "0"}
USERS = {"name": "crowd", "type": "Users", "users": 5, "durationSeconds": 20, "maximumRequests": 1000}
FIXED = {"name": "four", "type": "Concurrency", "concurrency": 4, "durationSeconds": 30}
COUNT = {"name": "count", "type": "Concurrency", "concurrency": 4, "requests": 10}
SWEEP = {"name": "lengths", "type": "Sweep", "inputTokens": [8, 64], "outputTokens": 8, "requestsEach": 3}
KNEE = {"name": "knee", "type": "Knee", "of": "Users", "start": 2, "step": 2, "stepSeconds": 10, "maximum": 7,
        "soakSeconds": 15, "maximumRequests": 5000}
TRACE = {"name": "replay", "type": "Trace", "file": "azure.csv", "format": "AzureLLM"}
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.0,3,4\n2023-11-16 18:00:41.5,5,6\n"
LOADS = [
    pytest.param([CALM, RAMP, DROP], id="rates"),
    pytest.param([USERS, RAMP, FIXED, CALM], id="a ramp behind users begins at its own end"),
    pytest.param([CALM, KNEE, RAMP, SWEEP, FIXED, COUNT], id="stages of open end"),
    pytest.param([CALM, TRACE, RAMP], id="a trace"),
    pytest.param([KNEE, TRACE, CALM, RAMP], id="a trace behind a stage of open end"),
]
# What the rows of plan.json had in its first version.
FIRST = {"name", "startSeconds", "endSeconds", "startRequestsPerSecond", "endRequestsPerSecond", "arrivals"}


def with_stages(body: dict[str, Any], stages: list[dict[str, Any]]) -> dict[str, Any]:
    body["spec"]["load"].update(stages=stages, workers=1, filesFrom={"configMapRef": {"name": "traces"}})
    body["spec"].pop("objectives", None)
    return body


def planned(body: dict[str, Any], environment: Environment) -> dict[str, Any]:
    described: dict[str, Any] = describe(TestPlan(with_files(parse(body), {"azure.csv": AZURE}), environment))
    return described


@pytest.mark.parametrize("stages", LOADS)
def test_stages_are_those_of_the_plan_and_an_older_plan_gives_the_same(
    stages: list[dict[str, Any]], demo_body: dict[str, Any], environment: Environment
) -> None:
    body = with_stages(demo_body, stages)
    plan = planned(body, environment)
    found = terms_from(body, plan).stages
    assert [(one.name, one.type) for one in found] == [(one["name"], StageType(one["type"])) for one in stages]
    unstated = {"stages": [{key: row[key] for key in row if key != "lengthSeconds"} for row in plan["stages"]]}
    first = {"stages": [{key: row[key] for key in row.keys() & FIRST} for row in plan["stages"]]}
    assert terms_from(body, unstated).stages == terms_from(body, first).stages == found
    assert terms_from({}, plan).stages == found
    if TRACE not in stages:
        assert terms_from(body).stages == terms_from(body["spec"]).stages == found


def test_the_plan_states_ramps_lengths_and_what_is_not_known(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    plan = planned(with_stages(demo_body, [CALM, RAMP, KNEE, TRACE, DROP]), environment)
    assert terms_from(demo_body, plan).stages == (
        StageWindow("calm", 0, 10, 1, 1, StageType.RATE, 10), StageWindow("ramp", 10, 30, 1, 6, StageType.RATE, 20),
        StageWindow("knee", 30, None, None, None, StageType.KNEE, None, maximum=7),
        StageWindow("replay", None, None, None, None, StageType.TRACE, 42),
        StageWindow("drop", None, None, 2, 0, StageType.RATE, 5),
    )


def test_a_trace_without_a_plan_has_an_unknown_end(demo_body: dict[str, Any]) -> None:
    stages = terms_from(with_stages(demo_body, [CALM, TRACE, RAMP])).stages
    assert [(one.start_seconds, one.end_seconds, one.length_seconds) for one in stages] == [
        (0, 10, 10), (10, None, None), (None, None, 20),
    ]


def test_an_unreadable_load_has_no_stages_and_a_type_of_a_later_version_is_unknown() -> None:
    assert terms_from({}).stages == terms_from({"load": {"stages": [{"name": "a", "type": "Rate"}]}}).stages == ()
    row = {"name": "a", "type": "Storm", "startSeconds": 0.0, "startIsExact": True, "lengthSeconds": None}
    assert terms_from({}, {"stages": [row]}).stages == (StageWindow("a", 0, None, None, None, type=None),)


@pytest.mark.parametrize("run", GOLDEN, ids=lambda run: run.name)
def test_a_recorded_run_of_an_older_version_is_judged_alike_with_todays_plan(
    run: Path, environment: Environment
) -> None:
    bundle = load_bundle(run)
    rows = orjson.loads((run / "plan.json").read_bytes())["stages"]
    assert len(rows) > 3
    assert not any("lengthSeconds" in row for row in rows)
    today = describe(TestPlan(parse(dict(bundle.spec)), environment))["stages"]
    terms = terms_from(bundle.spec, {"stages": today})
    assert terms == bundle.terms
    assert terms_from(bundle.spec) == bundle.terms
    assert [(one.start_seconds, one.end_seconds, one.start_rate, one.end_rate) for one in terms.stages] == [
        (row["startSeconds"], row["endSeconds"], row["startRequestsPerSecond"], row["endRequestsPerSecond"])
        for row in rows
    ]
    assert to_json(judge(replace(bundle, terms=terms, plan={**bundle.plan, "stages": today}))) == to_json(judge(bundle))

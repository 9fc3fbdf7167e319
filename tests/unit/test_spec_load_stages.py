"""Which stages of a load the operator runs in a cluster, and what it says of the others."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.cli.exits import Exit
from elastometer.cli.main import main
from elastometer.controller.progress import offered
from elastometer.model.errors import SpecError
from elastometer.model.spec import parse
from elastometer.model.terms import terms_from
from elastometer.plan import Environment, TestPlan, describe

RATE = {"name": "after", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1"}
USERS = {"name": "crowd", "type": "Users", "users": 5, "durationSeconds": 20, "maximumRequests": 1000}
FIXED = {"name": "four", "type": "Concurrency", "concurrency": 4, "durationSeconds": 30}
ASK, OWN = {"role": "user", "content": "more"}, {"role": "assistant", "generated": True}
TALK = {
    "name": "talk", "thinkTimeSeconds": {"minimum": "1", "maximum": "5"},
    "messages": [ASK, OWN, ASK, OWN, ASK],
}  # fmt: skip
REFUSED = "spec.load.stages[0].type: must be Rate, Users or Concurrency with durationSeconds, is "
TIMES = "which ends when its requests do, and a run in a cluster has its times fixed before; use elastometer-load run"


def with_stages(body: dict[str, Any], *stages: dict[str, Any]) -> dict[str, Any]:
    body["spec"]["load"]["stages"] = list(stages)
    body["spec"].pop("objectives", None)
    return body


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"name": "replay", "type": "Trace", "file": "azure.csv", "format": "AzureLLM"},
         "Trace, which reads a file that is not there in a cluster; use elastometer-load run"),
        ({"name": "lengths", "type": "Sweep", "inputTokens": [8], "outputTokens": 8, "requestsEach": 1},
         f"Sweep, {TIMES}"),
        ({"name": "count", "type": "Concurrency", "concurrency": 4, "requests": 5}, f"Concurrency, {TIMES}"),
        ({"name": "knee", "type": "Knee", "of": "Users", "start": 1, "step": 1, "stepSeconds": 1, "maximum": 2},
         f"Knee, {TIMES}"),
    ],
)  # fmt: skip
def test_what_the_load_job_cannot_run_is_refused_by_name(
    demo_body: dict[str, Any], stage: dict[str, Any], words: str
) -> None:
    demo_body["spec"]["load"]["workers"] = 1
    with pytest.raises(SpecError) as caught:
        parse(with_stages(demo_body, stage, RATE))
    assert str(caught.value) == REFUSED + words


def test_closed_loops_of_fixed_time_are_planned_without_a_rate(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    plan = TestPlan(parse(with_stages(demo_body, USERS, FIXED, RATE)), environment)
    assert plan.load_seconds == 60
    rows = describe(plan)["stages"]
    keys = ("type", "users", "maximumRequests", "expectedRequests")
    assert [tuple(row.get(key) for key in keys) for row in rows] == [
        ("Users", 5, 1000, None), ("Concurrency", 4, 100_000, None), ("Rate", None, None, 10.0),
    ]  # fmt: skip
    assert [offered(plan, at) for at in (5, 25, 55, 65)] == ["5 users", "4 users", "1.0/s", "0.0/s"]
    stages = terms_from(demo_body).stages
    assert [(one.start_seconds, one.end_seconds, one.start_rate, one.end_rate) for one in stages] == [
        (0, 20, None, None), (20, 50, None, None), (50, 60, 1.0, 1.0),
    ]  # fmt: skip


def test_closed_loops_count_with_the_most_that_they_may_send(demo_body: dict[str, Any]) -> None:
    crowds = [USERS | {"name": f"c{number}", "maximumRequests": 200_000} for number in range(3)]
    with pytest.raises(SpecError) as caught:
        parse(with_stages(demo_body, *crowds))
    assert str(caught.value) == (
        "spec.load.stages: must offer between 1 and 500000 requests, maximumRequests of closed loops included, offer "
        "600000"
    )


def test_turns_of_conversations_count_as_requests_and_the_load_may_last_as_long_as_the_last_one(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    """Three turns of 20 s at most with two thoughts of 5 s at most between them are 70 s."""
    demo_body["spec"]["load"] |= {"tasks": [TALK], "timeoutSeconds": 20}
    single = TestPlan(parse(with_stages(demo_body, RATE)), environment)
    assert describe(single)["stages"][0]["expectedRequests"] == 30.0
    assert single.spec.profile.ask_seconds == 70
    del demo_body["spec"]["load"]["tasks"]
    plain = TestPlan(parse(with_stages(demo_body, RATE)), environment)
    assert single.load_deadline_seconds - plain.load_deadline_seconds == 50
    demo_body["spec"]["load"]["tasks"] = [TALK]
    with pytest.raises(SpecError) as caught:
        parse(with_stages(demo_body, RATE | {"durationSeconds": 2_000, "endRequestsPerSecond": "84"}))
    assert str(caught.value).endswith("offer 504000")


def test_a_conversation_is_not_simulated_and_named(
    demo_body: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "test.yaml"
    demo_body["spec"]["load"]["tasks"] = [TALK]
    body = with_stages(demo_body, RATE)
    path.write_text(yaml.safe_dump({key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")}))
    assert main(["simulate", str(path), "--draws", "1"]) == Exit.SPEC_OR_USAGE
    words = "spec.load.tasks: must hold no generated message to be simulated; conversations are talk"
    assert words in capsys.readouterr().err


def test_a_closed_loop_is_not_simulated_and_named(
    demo_body: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "test.yaml"
    body = with_stages(demo_body, USERS, RATE)
    path.write_text(yaml.safe_dump({key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")}))
    assert main(["simulate", str(path), "--draws", "1"]) == Exit.SPEC_OR_USAGE
    assert "spec.load.stages: must be of type Rate to be simulated; closed loops are crowd" in capsys.readouterr().err

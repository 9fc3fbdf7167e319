"""What the status of a running test says for people who watch it."""
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elastometer.controller.progress import Counters, Standing, progress, users
from elastometer.model.spec import parse
from elastometer.plan import Environment, TestPlan

START = datetime(2026, 11, 27, 9, tzinfo=UTC)
RATE = {"name": "calm", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1"}
CROWD = {"name": "crowd", "type": "Users", "users": 20, "spawnPerSecond": "2", "durationSeconds": 20}
MORE = {"name": "more", "type": "Users", "users": 30, "spawnPerSecond": "1", "durationSeconds": 20}
FOUR = {"name": "four", "type": "Concurrency", "concurrency": 4, "durationSeconds": 30}
KNEE = {"name": "knee", "type": "Knee", "of": "Users", "start": 2, "step": 2, "stepSeconds": 10, "maximum": 6,
        "soakSeconds": 15}


def planned(body: dict[str, Any], environment: Environment, *stages: dict[str, Any]) -> TestPlan:
    body["spec"]["load"].update(stages=list(stages), workers=1)
    body["spec"].pop("objectives", None)
    return TestPlan(parse(body), environment)


def at(seconds: float) -> Standing:
    return Standing(START + timedelta(seconds=seconds), START)


@pytest.mark.parametrize(
    ("seconds", "present"),
    [
        (5, None),  # calm: a rate has no users
        (10, 1), (14, 9), (19, 19), (29, 20),  # crowd: two more per second, the first at once
        (30, 21), (35, 26), (49, 30),  # more: begins with the 20 of the stage before
        (60, 4),  # four at a time
        (85, None),  # knee: only the load generator knows when its steps end
        (300, None),
    ],
)
def test_users_are_those_that_have_begun_by_now(
    seconds: float, present: int | None, demo_body: dict[str, Any], environment: Environment
) -> None:
    plan = planned(demo_body, environment, RATE, CROWD, MORE, FOUR, KNEE)
    assert users(plan, at(seconds)) == present


def test_before_the_load_begins_there_are_no_users_to_count(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    assert users(planned(demo_body, environment, CROWD), Standing(START, None)) is None


def test_what_was_served_and_lost_lately_is_in_the_status(demo_body: dict[str, Any], environment: Environment) -> None:
    lost = [{"outcome": "ServerError", "statusCode": 503, "count": 12}, {"outcome": "TimedOut", "count": 1}]
    counters = Counters(400, 13, 120.4, 36.06, 1380.5, 1539.6, lost)
    shown = progress(planned(demo_body, environment, CROWD), at(8), 2, 3, counters)
    assert {key: shown[key] for key in ("stage", "users", "load", "replicas", "requestCount", "lost")} == {
        "stage": "crowd", "users": 17, "load": "20 users", "replicas": "2/3", "requestCount": 400, "lost": lost,
    }
    assert (shown["servedRequestsPerSecond"], shown["latencyP50Milliseconds"], shown["latencyP95Milliseconds"]) == (
        "36.1", 1380, 1540)


@pytest.mark.parametrize(("seconds", "is_exact"), [(5, False), (60, False), (69, True), (75, True)])
def test_the_time_left_is_exact_once_no_stage_is_left_that_ends_with_its_requests(
    seconds: float, is_exact: bool, demo_body: dict[str, Any], environment: Environment
) -> None:
    """A rate for 10 s, four in flight until ten requests are answered, which ends when `last` begins at 68 s."""
    count = {"name": "count", "type": "Concurrency", "concurrency": 4, "requests": 10}
    last = {**RATE, "name": "last"}
    standing = Standing(START + timedelta(seconds=seconds), START,
                        stage_starts={"last": START + timedelta(seconds=68)} if seconds > 68 else {})
    plan = planned(demo_body, environment, RATE, count, last)
    assert progress(plan, standing, 1, 1, Counters(0, 0, None))["remainingSecondsAreExact"] is is_exact


def test_what_is_not_known_is_none_and_not_zero(demo_body: dict[str, Any], environment: Environment) -> None:
    shown = progress(planned(demo_body, environment, CROWD), at(8), 0, None, Counters(0, 0, None))
    unknown = ("servedRequestsPerSecond", "latencyP50Milliseconds", "latencyP95Milliseconds",
               "timeToFirstTokenP50Milliseconds")
    assert [shown[key] for key in unknown] == [None] * 4
    assert shown["lost"] == []

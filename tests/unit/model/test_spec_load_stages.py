"""Which stages of a load the operator runs in a cluster, how it plans them, and what it says of bad ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elastometer.controller.progress import Standing, offered, remaining_seconds
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
}
COUNT = {"name": "count", "type": "Concurrency", "concurrency": 4, "requests": 10}
SWEEP = {"name": "lengths", "type": "Sweep", "inputTokens": [8, 64], "outputTokens": 8, "requestsEach": 3}
KNEE = {"name": "knee", "type": "Knee", "of": "Users", "start": 2, "step": 2, "stepSeconds": 10, "maximum": 6,
        "soakSeconds": 15, "maximumRequests": 5000}
START = datetime(2026, 11, 27, 9, tzinfo=UTC)


def with_stages(body: dict[str, Any], *stages: dict[str, Any], workers: int = 1) -> dict[str, Any]:
    body["spec"]["load"].update(stages=list(stages), workers=workers)
    body["spec"].pop("objectives", None)
    return body


def standing(seconds: float, **first_requests: float) -> Standing:
    seen = {name: START + timedelta(seconds=at) for name, at in first_requests.items()}
    return Standing(START + timedelta(seconds=seconds), START, stage_starts=seen)


def test_stages_that_end_when_they_are_over_are_planned_with_their_latest_ends(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    plan = TestPlan(parse(with_stages(demo_body, RATE, KNEE, SWEEP, COUNT)), environment)
    rows = describe(plan)["stages"]
    times = ("startSeconds", "startIsExact", "endSeconds", "endIsExact", "maximumRequests")
    assert [tuple(row.get(key) for key in times) for row in rows] == [
        (0, True, 10, True, None), (10, True, 55, False, 5000), (55, False, 415, False, 6),
        (415, False, 595, False, 10),
    ]
    assert (describe(plan)["loadSeconds"], describe(plan)["loadSecondsAreExact"]) == (595, False)
    assert plan.load_deadline_seconds == 595 + 60 + 120
    knee = {"type": "Knee", "of": "Users", "steps": [2, 4, 6], "stepSeconds": 10, "soakSeconds": 15}
    assert rows[1] | knee == rows[1]
    assert (rows[2]["inputTokens"], rows[3]["concurrency"]) == ([8, 64], 4)
    stages = terms_from(demo_body).stages
    assert [(one.start_seconds, one.end_seconds, one.length_seconds, one.end_rate) for one in stages] == [
        (0, 10, 10, 1.0), (10, None, None, None), (None, None, None, None), (None, None, None, None),
    ]
    assert terms_from(demo_body).load_seconds is None


def test_a_request_that_is_sent_again_counts_with_all_its_attempts(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    body = with_stages(demo_body, COUNT)
    body["spec"]["load"]["retries"] = 2
    plan = TestPlan(parse(body), environment)
    longest = 3 * 60 + 2 * 60
    assert plan.spec.profile.max_conversation_seconds == longest
    assert (plan.load_seconds, plan.load_deadline_seconds) == (3 * longest, 4 * longest + 120)


def test_a_load_that_one_worker_must_run_is_refused_for_two_by_its_path(demo_body: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        parse(with_stages(demo_body, KNEE, workers=2))
    knee = "stage knee is a Knee, and one worker must judge its steps from all requests"
    assert str(caught.value) == f"spec.load.workers must be 1: {knee}; got 2"
    with pytest.raises(SpecError) as caught:
        parse(with_stages(demo_body, COUNT, RATE, workers=2))
    count = "stage count ends when its requests do, and only one worker knows when the next begins"
    assert str(caught.value) == f"spec.load.workers must be 1: {count}; got 2"
    assert parse(with_stages(demo_body, RATE, COUNT, workers=2)).profile.workers == 2


def test_the_longest_that_a_load_may_take_is_bounded_and_so_is_what_it_sends(demo_body: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        parse(with_stages(demo_body, COUNT | {"requests": 11_524}))
    assert str(caught.value) == (
        "spec.load.stages: must last at most 172800 s together, last up to 172860 s, where a request that ends a stage "
        "takes 60 s"
    )
    with pytest.raises(SpecError) as caught:
        parse(with_stages(demo_body, RATE | {"durationSeconds": 86_400, "endRequestsPerSecond": "200"}))
    assert str(caught.value) == "spec.load.stages must plan at most 10000000 requests; got about 17280000"


def test_progress_follows_what_was_seen_behind_a_stage_of_unknown_end(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    plan = TestPlan(parse(with_stages(demo_body, RATE, KNEE, SWEEP, USERS)), environment)
    settle = plan.spec.measurement.settle_seconds
    looks = [standing(-2), standing(5), standing(10), standing(24), standing(31, lengths=30.5),
             standing(50, lengths=30.5, crowd=45), standing(64.9, crowd=45), standing(65, crowd=45)]
    assert [offered(plan, look) for look in looks] == [
        "0.0/s", "1.0/s", "up to 2 users", "up to 4 users", "1 in flight", "5 users", "5 users", "0.0/s",
    ]
    assert [(remaining_seconds(plan, look) or 0) - settle for look in looks] == [
        437, 430, 425, 411, 380, 15, 0, 0,
    ]
    over = Standing(START + timedelta(seconds=40), START, START + timedelta(seconds=36))
    assert (offered(plan, over), remaining_seconds(plan, over)) == ("0.0/s", settle - 4)


def test_closed_loops_of_fixed_time_are_planned_without_a_rate(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    plan = TestPlan(parse(with_stages(demo_body, USERS, FIXED, RATE)), environment)
    assert plan.load_seconds == 60
    rows = describe(plan)["stages"]
    keys = ("type", "users", "maximumRequests", "expectedRequests")
    assert [tuple(row.get(key) for key in keys) for row in rows] == [
        ("Users", 5, 1000, None), ("Concurrency", 4, 500_000 - 10, None), ("Rate", None, None, 10.0),
    ]
    assert describe(plan)["loadSecondsAreExact"]
    assert [offered(plan, standing(at)) for at in (5, 25, 55, 65)] == ["5 users", "4 users", "1.0/s", "0.0/s"]
    stages = terms_from(demo_body).stages
    assert [(one.start_seconds, one.end_seconds, one.start_rate, one.end_rate) for one in stages] == [
        (0, 20, None, None), (20, 50, None, None), (50, 60, 1.0, 1.0),
    ]


def test_what_closed_loops_might_send_is_not_added_up_but_bounded_for_the_whole_load(demo_body: dict[str, Any]) -> None:
    crowds = [USERS | {"name": f"c{number}", "maximumRequests": 4_000_000} for number in range(3)]
    body = with_stages(demo_body, *crowds)
    with pytest.raises(SpecError) as caught:
        parse(body)
    assert caught.value.flaws[0] == (
        "spec.load.stages[0].maximumRequests must be at most the maximumRequests of the whole load, 500000; "
        "got 4000000")
    body["spec"]["load"]["maximumRequests"] = 5_000_000
    profile = parse(body).profile
    assert (profile.shared_requests, profile.most_requests) == (5_000_000, 5_000_000)
    assert [int(profile.requests_of(stage)) for stage in profile.stages] == [4_000_000] * 3


def test_turns_of_conversations_count_as_requests_and_the_load_may_last_as_long_as_the_last_one(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    """Three turns of 20 s at most with two thoughts of 5 s at most between them are 70 s."""
    demo_body["spec"]["load"] |= {"tasks": [TALK], "timeoutSeconds": 20}
    single = TestPlan(parse(with_stages(demo_body, RATE)), environment)
    assert describe(single)["stages"][0]["expectedRequests"] == 30.0
    assert single.spec.profile.max_conversation_seconds == 70
    del demo_body["spec"]["load"]["tasks"]
    plain = TestPlan(parse(with_stages(demo_body, RATE)), environment)
    assert single.load_deadline_seconds - plain.load_deadline_seconds == 50
    demo_body["spec"]["load"]["tasks"] = [TALK]
    with pytest.raises(SpecError) as caught:
        parse(with_stages(demo_body, RATE | {"durationSeconds": 2_000, "endRequestsPerSecond": "1700"}))
    assert str(caught.value).endswith("got about 10200000")

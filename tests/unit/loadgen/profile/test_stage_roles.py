"""Roles, warm-ups, statistics and bounds of stages that make no sense are refused by path, rule and value."""

from typing import Any

import pytest

from elastometer_loadgen.profile.profile import ProfileError, parse_profile
from elastometer_loadgen.stages.rate import RateStage
from elastometer_loadgen.stages.stage import StageRole

RATE = {"name": "open", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "2"}
QUIET = {"name": "quiet", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "0", "role": "Quiet"}
USERS = {"name": "users", "type": "Users", "durationSeconds": 10, "users": 5}
COUNT = {"name": "count", "type": "Concurrency", "concurrency": 2, "requests": 10}
SWEEP = {"name": "lengths", "type": "Sweep", "inputTokens": [8, 16], "outputTokens": 8, "requestsEach": 5}
KNEE = {"name": "knee", "type": "Knee", "of": "Users", "start": 2, "step": 2, "stepSeconds": 30, "maximum": 4,
        "soakSeconds": 20}


def words_of(*stages: dict[str, Any], **more: object) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_profile({"stages": list(stages), **more})
    return str(caught.value)


@pytest.mark.parametrize(("stage", "words"), [
    (QUIET | {"role": None}, "stages[0].role must be Quiet where the rate is 0 throughout; it is absent"),
    (QUIET | {"role": "Baseline"}, "stages[0].role must be Quiet where the rate is 0 throughout; got Baseline"),
    (RATE | {"role": "Quiet"},
     'stages[0].role must be absent unless type is Rate and both of its rates are 0; got "Quiet"'),
    (QUIET | {"startRequestsPerSecond": "1"},
     'stages[0].role must be absent unless type is Rate and both of its rates are 0; got "Quiet"'),
    (USERS | {"role": "Quiet"},
     'stages[0].role must be absent unless type is Rate and both of its rates are 0; got "Quiet"'),
    (QUIET | {"tasks": ["default"]},
     'stages[0].tasks must be absent where role is Quiet: nothing is sent; got ["default"]'),
    (KNEE | {"role": "Baseline"},
     'stages[0].role must be absent where type is Knee, whose steps are levels of their own; got "Baseline"'),
    (RATE | {"role": "Usual"}, 'stages[0].role must be one of Quiet, Baseline; got "Usual"'),
    (USERS | {"warmupSeconds": 10},
     "stages[0].warmupSeconds must be below durationSeconds, 10, since what is due in it is not judged; got 10"),
    (USERS | {"warmupSeconds": -1}, "stages[0].warmupSeconds must be an integer from 0 to 604800; got -1"),
    (KNEE | {"warmupSeconds": 20},
     "stages[0].warmupSeconds must be below soakSeconds, 20, since what is due in it is not judged; got 20"),
    (KNEE | {"warmupSeconds": 30, "soakSeconds": 0},
     "stages[0].warmupSeconds must be below stepSeconds, 30, since what is due in it is not judged; got 30"),
    (COUNT | {"warmupSeconds": 1}, "stages[0].warmupSeconds must be absent where requests is given; got 1"),
    (RATE | {"warmupSeconds": 1},
     "stages[0].warmupSeconds is not a known field; known here: name, type, role, durationSeconds, "
     "startRequestsPerSecond, endRequestsPerSecond, arrivals, burstiness, tasks"),
    (KNEE | {"of": "Rate", "stepSeconds": 9, "warmupSeconds": 5, "soakSeconds": 0},
     "stages[0].stepSeconds must be at least 10, so that 10 requests are expected in the first step after the warm-up "
     "of 5 s, at 2/s; got 9"),
    (KNEE | {"objectives": [{"indicator": "RequestLatency", "maximumMilliseconds": 5, "statistic": "Mean",
                             "percentile": 95}]},
     "stages[0].objectives[0].percentile must be absent where statistic is Mean; got 95"),
    (KNEE | {"objectives": [{"indicator": "RequestSuccess", "minimumPercent": 99, "statistic": "Mean"}]},
     "stages[0].objectives[0].statistic must be absent with the indicator RequestSuccess, which is a share; "
     'got "Mean"'),
    (KNEE | {"objectives": [{"indicator": "RequestSuccess", "minimumPercent": "100.5"}]},
     'stages[0].objectives[0].minimumPercent must be a decimal string from "0" to "100"; got "100.5"'),
])
def test_what_makes_no_sense_is_refused_by_one_sentence(stage: dict[str, Any], words: str) -> None:
    assert words_of(stage) == words


def test_only_one_stage_is_the_baseline() -> None:
    first, second = RATE | {"role": "Baseline"}, USERS | {"role": "Baseline"}
    assert words_of(first, second) == "stages[1].role must be Baseline in one stage only, and is in open; got Baseline"


@pytest.mark.parametrize(("stages", "bound", "words"), [
    ([RATE, SWEEP], 29, "maximumRequests must be at least 30: 30 requests are planned in stages whose number of "
     "requests is known; got 29"),
    ([RATE, USERS], 24, "maximumRequests must be at least 25: 20 requests are planned in stages whose number of "
     "requests is known, and 5 for one conversation of each user; got 24"),
    ([USERS | {"maximumRequests": 101}], 100,
     "stages[0].maximumRequests must be at most the maximumRequests of the whole load, 100; got 101"),
    ([RATE], 0, "maximumRequests must be an integer from 1 to 10000000; got 0"),
])
def test_a_bound_that_stops_the_load_for_certain_is_refused(
    stages: list[dict[str, Any]], bound: int, words: str
) -> None:
    assert words_of(*stages, maximumRequests=bound) == words


def test_a_bound_that_the_load_may_keep_is_taken() -> None:
    assert parse_profile({"stages": [RATE, SWEEP], "maximumRequests": 30}).most_requests == 30
    profile = parse_profile({"stages": [RATE, USERS], "maximumRequests": 25})
    assert (profile.planned_requests, profile.shared_requests, profile.most_requests) == (20, 5, 25)


def test_without_a_bound_an_open_loop_may_plan_more_than_the_default() -> None:
    fast = RATE | {"endRequestsPerSecond": "60000"}
    big = parse_profile({"stages": [fast]})
    assert (big.maximum_requests, big.planned_requests) == (600_000, 600_000)
    assert words_of(fast, USERS).startswith("maximumRequests must be at least 600005")
    assert parse_profile({"stages": [RATE]}).maximum_requests == 500_000


def test_a_stage_without_load_neither_fades_out_nor_plans_anything() -> None:
    ramp, quiet, after = parse_profile({"stages": [RATE, QUIET, RATE | {"name": "after"}]}).stages
    assert isinstance(quiet, RateStage)
    assert isinstance(after, RateStage)
    assert (quiet.start_rate, quiet.expected, quiet.role, quiet.is_quiet) == (0, 0, StageRole.QUIET, True)
    assert (ramp.is_quiet, after.start_rate) == (False, 0)


def test_a_plan_of_many_users_is_no_longer_refused_for_what_it_might_send() -> None:
    """50 to 500 users by 50 for 120 s each, a soak of 600 s, and a crowd of 200: what each might send was added up."""
    think = {"minimum": "1", "maximum": "3"}
    climb = KNEE | {"start": 50, "step": 50, "maximum": 500, "stepSeconds": 120, "soakSeconds": 600,
                    "thinkTimeSeconds": think}
    crowd = USERS | {"users": 200, "durationSeconds": 600, "thinkTimeSeconds": think}
    profile = parse_profile({"stages": [climb, crowd]})
    assert [int(profile.requests_of(stage)) for stage in profile.stages] == [500_000, 500_000]
    assert profile.most_requests == 500_000

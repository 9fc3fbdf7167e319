"""Which task a request belongs to follows from its id, and from the tasks and the order of its stage alone."""

from collections import Counter
from itertools import islice
from typing import Any

import pytest

from elastometer_loadgen.base.users import request_id
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.plan.schedule import Arrival, compute_schedule
from elastometer_loadgen.plan.task_choice import TaskChoice
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile

NAMES = ("mood", "chat", "talk")
TALK = [{"role": "user", "content": "Hello."}, {"role": "assistant", "generated": True},
        {"role": "user", "content": "And?"}]


def rate(name: str, count: int, **more: object) -> dict[str, Any]:
    return {"name": name, "type": "Rate", "durationSeconds": count, "endRequestsPerSecond": "1",
            "arrivals": "Constant", **more}


def users(name: str, **more: object) -> dict[str, Any]:
    return {"name": name, "type": "Users", "durationSeconds": 60, "users": 4, **more}


def profile(*stages: dict[str, Any], weights: tuple[int, ...] = (1, 1, 1), **more: object) -> Profile:
    forms: list[dict[str, Any]] = [{"prompt": "Good?"}, {"prompt": "Chat."}, {"messages": TALK}]
    tasks = [{"name": name, "weight": weight, **form}
             for name, weight, form in zip(NAMES, weights, forms, strict=True)]
    return parse_profile({"seed": 3, "tasks": tasks, "stages": list(stages), **more})


def tasks_of(load: Profile) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    schedule = compute_schedule(load)
    source = PromptSource(load, first_ids=schedule.first_ids)
    for arrival in schedule.share(0, 1):
        found.setdefault(arrival.stage, []).append(source.task_of(arrival))
    return found


def test_a_stage_draws_from_its_own_tasks_by_their_weights_and_one_without_any_from_all() -> None:
    load = profile(rate("two", 400, tasks=["mood", "chat"]), rate("one", 50, tasks=["talk"]), rate("all", 400),
                   weights=(3, 1, 4))
    found = tasks_of(load)
    assert Counter(found["one"]) == {"talk": 50}
    two = Counter(found["two"])
    assert set(two) == {"mood", "chat"}
    assert 260 < two["mood"] < 340
    assert set(found["all"]) == set(NAMES)


def test_the_draw_of_a_stage_with_all_tasks_does_not_change_where_another_has_its_own() -> None:
    alone = tasks_of(profile(rate("all", 50)))
    beside = tasks_of(profile(rate("all", 50), rate("one", 5, tasks=["mood"])))
    assert beside["all"] == alone["all"]


def test_users_draw_from_the_tasks_of_the_stage_that_their_request_belongs_to() -> None:
    load = profile(users("first", tasks=["mood"]), users("second", tasks=["chat", "talk"]))
    source = PromptSource(load)
    first, second = ({source.prompt(request_id(stage, user, number)).task for user in range(4) for number in range(20)}
                     for stage in (0, 1))
    assert (first, second) == ({"mood"}, {"chat", "talk"})


def test_tasks_in_turn_come_as_often_as_their_weights_say_and_start_again_in_each_stage() -> None:
    load = profile(rate("a", 4, tasks=["mood", "chat"]), rate("b", 5, tasks=["mood", "chat"]), rate("c", 7),
                   weights=(4, 4, 2), taskOrder="Alternating")
    assert tasks_of(load) == {
        "a": ["mood", "chat", "mood", "chat"],
        "b": ["mood", "chat", "mood", "chat", "mood"],
        "c": ["mood", "chat", "talk", "mood", "chat", "mood", "chat"],
    }


def test_each_user_takes_its_own_turns_from_a_place_of_its_own() -> None:
    load = profile(users("level"), taskOrder="Alternating")
    source = PromptSource(load)
    turns = [[source.prompt(request_id(0, user, number)).task for number in range(4)] for user in range(3)]
    assert turns == [["mood", "chat", "talk", "mood"], ["chat", "talk", "mood", "chat"],
                     ["talk", "mood", "chat", "talk"]]


def test_a_count_in_turn_has_exactly_as_many_of_each_task() -> None:
    load = profile({"name": "count", "type": "Concurrency", "concurrency": 50, "requests": 500,
                    "tasks": ["mood", "chat"]}, weights=(1, 4, 1), taskOrder="Alternating")
    source = PromptSource(load)
    sent = Counter(source.prompt(request_id(0, 0, number)).task for number in range(500))
    assert sent == {"mood": 100, "chat": 400}


def test_requests_conversations_and_time_follow_the_tasks_of_the_stage() -> None:
    """Of 60 arrivals each third one is a conversation of two turns where all tasks are drawn from."""
    count = {"name": "count", "type": "Concurrency", "concurrency": 2, "requests": 6}
    load = profile(rate("all", 60), rate("single", 60, tasks=["mood"]), count | {"tasks": ["chat"]}, timeoutSeconds=10)
    assert [float(load.requests_of(stage)) for stage in load.stages] == [80.0, 60.0, 6.0]
    assert load.stages[2].duration_seconds == 3 * 10
    talking = profile(count | {"tasks": ["talk"]}, timeoutSeconds=10)
    assert (float(talking.requests_of(talking.stages[0])), talking.stages[0].duration_seconds) == (12.0, 3 * 20)
    assert (load.max_turns, talking.max_turns) == (2, 2)
    silent = profile(count | {"tasks": ["chat"]}, timeoutSeconds=10)
    assert (silent.max_turns, silent.max_conversation_seconds) == (1, 10)


def test_an_unknown_schedule_tells_the_tasks_of_users_only() -> None:
    choice = TaskChoice(profile(rate("a", 5, tasks=["mood"]), users("b")), ())
    assert (choice.is_known(3), choice.is_known(request_id(1, 0, 0))) == (False, True)
    assert TaskChoice(profile(rate("a", 5), users("b")), ()).is_known(3)


@pytest.mark.parametrize(("stages", "more", "words"), [
    ([rate("a", 5, tasks=["moot"])], {}, 'stages[0].tasks[0] must be the name of a task, which are mood, chat, talk; '
     'got "moot"'),
    ([rate("a", 5, tasks=[])], {}, "stages[0].tasks must be a list of 1 to 256 items; got []"),
    ([rate("a", 5, tasks=["mood", "mood"])], {},
     'stages[0].tasks[1] must differ from every name before it; got "mood"'),
    ([rate("a", 5)], {"taskOrder": "Alternately"},
     'taskOrder must be one of Drawn, Alternating (did you mean Alternating?); got "Alternately"'),
    ([{"name": "s", "type": "Sweep", "inputTokens": [8], "outputTokens": 8, "requestsEach": 1, "tasks": ["mood"]}], {},
     "stages[0].tasks is not a known field; known here: name, type, role, inputTokens, outputTokens, requestsEach"),
])
def test_tasks_that_make_no_sense_are_refused(stages: list[dict[str, Any]], more: dict[str, Any], words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        profile(*stages, **more)
    assert str(caught.value) == words


def test_turns_that_hardly_come_round_are_refused_and_drawn_ones_are_not() -> None:
    weights = (9_999, 2, 1)
    with pytest.raises(ProfileError, match="taskOrder must be Drawn unless the tasks of each stage come round within "
                                           "10000 requests; those of stage a take 10002"):
        profile(rate("a", 5), weights=weights, taskOrder="Alternating")
    profile(rate("a", 5), weights=weights)
    profile(rate("a", 5, tasks=["mood", "talk"]), weights=weights, taskOrder="Alternating")


def test_the_source_computes_the_schedule_itself_where_it_is_not_given() -> None:
    load = profile(rate("a", 3, tasks=["mood"]), rate("b", 3, tasks=["chat"]))
    arrivals = list(islice(compute_schedule(load).share(0, 1), 6))
    tasks = [PromptSource(load).task_of(Arrival(one.id, 0.0, one.stage)) for one in arrivals]
    assert tasks == ["mood"] * 3 + ["chat"] * 3

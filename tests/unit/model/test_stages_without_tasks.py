"""A recorded load whose tasks this version does not accept still has its stages."""

from elastometer.model.terms import terms_from

STAGES = [{"name": "calm", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1", "tasks": ["old"]},
          {"name": "crowd", "type": "Users", "durationSeconds": 20, "users": 2, "warmupSeconds": 5}]


def test_tasks_of_another_version_do_not_cost_the_stages() -> None:
    load = {"tasks": [{"name": "old", "prompts": "a field of another version"}], "stages": STAGES}
    stages = terms_from({"spec": {"load": load}}).stages
    assert [(one.name, one.start_seconds, one.end_seconds) for one in stages] == [("calm", 0, 10), ("crowd", 10, 30)]
    assert stages[1].warmup_seconds == 5.0


def test_stages_that_this_version_does_not_accept_have_no_windows() -> None:
    assert terms_from({"spec": {"load": {"stages": [STAGES[0] | {"type": "Wave"}]}}}).stages == ()


def test_tasks_that_are_accepted_are_those_of_the_stage() -> None:
    load = {"tasks": [{"name": "old", "prompt": "Say something."}], "stages": STAGES}
    assert [one.tasks for one in terms_from({"spec": {"load": load}}).stages] == [("old",), ()]

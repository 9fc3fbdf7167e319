"""What ends a study early, and what becomes of the runs that it leaves out and of those that are under way."""
from __future__ import annotations

from typing import Any

import pytest

from support.study_play import condition, play


@pytest.mark.parametrize(("stop", "verdicts", "seconds", "reason", "created"), [
    pytest.param({"variantPasses": True}, {}, 1, "VariantPassed", 3, id="every repetition of one variant passed"),
    pytest.param({"variantPasses": True}, {"scalers-queue-2": "Fail"}, 1, None, 4, id="none but the last passes"),
    pytest.param({"variantPasses": True}, {"scalers-queue-1": None, "scalers-cpu-1": "Inconclusive"}, 1, None, 4,
                 id="a run that was not carried out is no pass"),
    pytest.param({"runFails": True}, {"scalers-cpu-1": "Fail"}, 1, "RunFailed", 2, id="a run missed an objective"),
    pytest.param({"runFails": True}, {"scalers-queue-1": None}, 1, "RunFailed", 1, id="a run was not carried out"),
    pytest.param({"runFails": True}, {"scalers-queue-1": "Inconclusive"}, 1, None, 4, id="doubt is no failure"),
    pytest.param({"gpuSeconds": 200}, {}, 1, "GPUSecondsSpent", 2, id="the GPU-seconds are spent"),
    pytest.param({"gpuSeconds": 201}, {}, 1, "GPUSecondsSpent", 3, id="not quite spent"),
    pytest.param({"minutes": 1}, {}, 20, "TimeSpent", 1, id="the time is over"),
])
def test_when_it_is_to_stop_no_further_run_begins_and_the_rest_is_left_out_with_the_reason(
    stop: dict[str, Any], verdicts: dict[str, str | None], seconds: float, reason: str | None, created: int,
) -> None:
    found = play(repetitions=2, stopWhen=stop)
    for _ in range(40):
        found.turn(seconds=seconds)
        for name in found.under_way:
            found.end(name, verdicts.get(name, "Pass"))
    assert found.status.finished
    left = [run for run in found.served["runs"] if run["state"] == "Skipped"]
    assert {run["reason"] for run in left} == ({reason} if reason else set())
    assert len(found.created) == created
    assert len(left) == 4 - created
    assert all("stopWhen" in run["message"] for run in left)
    if reason and created > 1:
        assert condition(found, "RunsCompleted")[1] in ("RunsSkipped", "RunsMissing")


def test_a_budget_that_cannot_be_measured_ends_the_study_by_name() -> None:
    found = play(stopWhen={"gpuSeconds": 200})
    for _ in range(4):
        found.turn()
    found.end("scalers-queue-1", gpu_seconds=None)
    found.to_the_end()
    assert found.served["runs"][1]["reason"] == "GPUSecondsUnknown"


def test_a_run_that_was_not_carried_out_ends_a_study_with_a_budget_since_it_may_have_held_gpus() -> None:
    found = play(repetitions=2, stopWhen={"gpuSeconds": 1000})
    found.to_the_end({"scalers-cpu-1": None})
    assert found.created == ["scalers-queue-1", "scalers-cpu-1"]
    assert {run["reason"] for run in found.served["runs"] if run["state"] == "Skipped"} == {"GPUSecondsUnknown"}


def test_runs_that_are_under_way_when_a_study_stops_end_and_are_judged() -> None:
    found = play(repetitions=2, parallelism=2, stopWhen={"runFails": True})
    while len(found.created) < 2:
        found.turn()
    found.end("scalers-queue-1", "Fail")
    for _ in range(5):
        found.turn()
    assert not found.status.finished
    found.to_the_end()
    assert found.reports[-1] == {"scalers-queue-1": "Judged", "scalers-cpu-1": "Judged", "scalers-queue-2": "Skipped",
                                 "scalers-cpu-2": "Skipped"}

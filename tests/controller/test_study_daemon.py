"""The loop of one study, on an API server in memory: what it makes, what it survives, and what ends it."""
from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer.controller import orphans
from elastometer.controller.study import act
from elastometer.model.errors import WorldError
from elastometer.model.study_names import StudyNames
from elastometer.world.cluster import Refused
from support.studies import study_body
from support.study_daemon import ANSWER, MAPS, TESTS, StudyDaemon, answering

CPU = {"name": "cpu", "patch": {"autoscaler": {"horizontalPodAutoscaler": {"minReplicas": 1}}}}
UID = "0a1b2c3d-0000-4000-8000-000000000001"


@pytest.fixture
def daemon(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyDaemon:
    monkeypatch.setattr(act, "PROGRAM", answering(ANSWER))
    return StudyDaemon(world, tmp_path, study_body({"name": "queue"}, CPU))


def owner(uid: str) -> list[dict[str, Any]]:
    return [{"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityStudy", "name": "scalers", "uid": uid,
             "controller": True, "blockOwnerDeletion": True}]


async def test_a_study_makes_owned_tests_one_after_the_other_and_publishes_one_report(daemon: StudyDaemon) -> None:
    await daemon.to_the_end()
    assert daemon.cluster.created == ["scalers-queue-1", "scalers-cpu-1"]
    test = daemon.tests["scalers-cpu-1"]
    assert test["metadata"]["ownerReferences"] == owner(UID)
    assert test["metadata"]["labels"]["elastometer.dev/study"] == "scalers"
    assert test["spec"]["autoscaler"]["horizontalPodAutoscaler"]["minReplicas"] == 1
    assert (daemon.last["phase"], daemon.last["verdict"], daemon.last["best"]) == ("Completed", "Pass", "queue")
    assert daemon.last["runs"][0]["uid"] == daemon.tests["scalers-queue-1"]["metadata"]["uid"]
    report = daemon.world.api.objects[MAPS]["scalers-study"]
    assert report["metadata"]["ownerReferences"] == owner(UID)
    assert set(report["data"]) == {"study.json", "report.md", "report.json", "junit.xml"}
    record = orjson.loads(report["data"]["study.json"])
    assert [run["state"] for run in record["runs"]] == ["Judged", "Judged"]
    assert record["endReason"] == "StudyCompleted"
    assert list(daemon.world.api.objects[MAPS]) == ["scalers-study"]


async def test_the_gpu_seconds_of_a_run_are_those_of_its_report(daemon: StudyDaemon, root: Path) -> None:
    await daemon.to_the_end()
    golden = orjson.loads((root / "tests/golden/report.json").read_bytes())
    expected = round(golden["price"]["paidGpuMilliseconds"] / 1000)
    assert [run["gpuSeconds"] for run in daemon.last["runs"]] == [expected, expected]


async def test_each_run_that_ends_is_an_event(daemon: StudyDaemon) -> None:
    await daemon.to_the_end({"scalers-cpu-1": None})
    assert ("Normal", "RunJudged", "scalers-queue-1: Pass") in daemon.announced
    assert ("Warning", "RunNotCarriedOut", "scalers-cpu-1: LoadJobFailed: so it ended") in daemon.announced
    reasons = [reason for _, reason, _ in daemon.announced]
    assert reasons[:2] == ["Running", "Checking"]
    assert reasons.count("StudyCompleted") == 1


async def test_a_restarted_operator_goes_on_with_the_run_that_is_under_way(daemon: StudyDaemon) -> None:
    await daemon.until(lambda: daemon.states().get("scalers-queue-1") == "Running")
    await daemon.end("scalers-queue-1")
    await daemon.restart_and(lambda: len(daemon.cluster.created) == 2)
    await daemon.restart_and(lambda: daemon.states().get("scalers-cpu-1") == "Running")
    await daemon.end("scalers-cpu-1")
    await daemon.restart_and(daemon.has_ended)
    assert daemon.cluster.created == ["scalers-queue-1", "scalers-cpu-1"]
    assert daemon.states() == {"scalers-queue-1": "Judged", "scalers-cpu-1": "Judged"}


async def test_a_run_that_was_created_and_never_recorded_is_found_again(daemon: StudyDaemon) -> None:
    await daemon.until(lambda: daemon.cluster.created)
    before = next(status for status in daemon.cluster.statuses if status.get("runs"))
    assert "uid" not in before["runs"][0]
    daemon.cluster.statuses.append(before)
    await daemon.restart_and(lambda: "uid" in daemon.last["runs"][0])
    assert daemon.cluster.created == ["scalers-queue-1"]


async def test_a_test_that_is_deleted_is_named_and_not_made_again(daemon: StudyDaemon) -> None:
    await daemon.until(lambda: daemon.states().get("scalers-queue-1") == "Running")
    await daemon.world.api.remove(TESTS, "scalers-queue-1")
    await daemon.restart_and(lambda: daemon.states().get("scalers-queue-1") == "NotCarriedOut")
    assert daemon.last["runs"][0]["reason"] == "TestDeleted"
    await daemon.to_the_end()
    assert daemon.cluster.created == ["scalers-queue-1", "scalers-cpu-1"]


async def test_a_test_that_is_deleted_before_any_status_named_it_is_not_made_again(daemon: StudyDaemon) -> None:
    """Its creation is known, but the API server takes no status at that time."""
    patch = daemon.cluster.patch_study_status

    async def refusing(names: StudyNames, status: dict[str, Any]) -> None:
        if daemon.cluster.created and "scalers-queue-1" in daemon.tests:
            await daemon.world.api.remove(TESTS, "scalers-queue-1")
            raise WorldError("no answer")
        await patch(names, status)

    daemon.cluster.patch_study_status = refusing  # type: ignore[method-assign]
    await daemon.until(lambda: daemon.states().get("scalers-queue-1") == "NotCarriedOut")
    assert daemon.last["runs"][0]["reason"] == "TestDeleted"
    assert daemon.cluster.created.count("scalers-queue-1") == 1


async def test_a_flaw_of_one_variant_is_named_with_its_path_before_anything_runs(daemon: StudyDaemon) -> None:
    flaws = ("spec.autoscaler.horizontalPodAutoscaler.minReplicas: Invalid value: 9: must be at most 5",)
    daemon.cluster.refused["scalers-cpu-1"] = Refused(422, "ElasticityTest is invalid", flaws)
    await daemon.until(daemon.has_ended)
    accepted = daemon.condition("Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "SpecInvalid")
    assert accepted["message"] == f"spec.variants[1] (cpu): {flaws[0]}"
    assert daemon.cluster.created == []
    assert daemon.cluster.dry_runs == ["scalers-queue-1", "scalers-cpu-1"]


async def test_what_the_operator_alone_can_see_in_a_variant_ends_the_study_too(daemon: StudyDaemon) -> None:
    series = [{"name": "power", "unit": "W", "query": "sum(power"}]
    daemon.body["spec"]["template"]["measurement"] = {"series": series}
    await daemon.until(daemon.has_ended)
    message = daemon.condition("Accepted")["message"]
    assert message.startswith("spec.template.measurement.series[0].query: must be a query in PromQL")
    assert message.count("series[0]") == 1  # every variant has it, so it is the template's
    assert daemon.condition("Succeeded")["reason"] == "SpecInvalid"


async def test_a_field_that_no_test_has_is_named(daemon: StudyDaemon) -> None:
    said = 'strict decoding error: unknown field "spec.autoscaler.horizontalPodAutoscaler.minReplica"'
    daemon.cluster.refused["scalers-cpu-1"] = Refused(400, said)
    await daemon.until(daemon.has_ended)
    path = "spec.variants[1] (cpu): spec.autoscaler.horizontalPodAutoscaler.minReplica"
    assert daemon.condition("Accepted")["message"].startswith(f"{path}: must be a field of ElasticityTest")


async def test_a_budget_of_gpu_seconds_needs_runs_that_ask_for_gpus(daemon: StudyDaemon) -> None:
    daemon.body["spec"]["stopWhen"] = {"gpuSeconds": 100}
    await daemon.until(daemon.has_ended)
    assert "must ask for GPUs" in daemon.condition("Accepted")["message"]


async def test_a_test_of_somebody_else_under_a_runs_name_ends_the_study_and_stays(daemon: StudyDaemon) -> None:
    foreign = {"kind": "ElasticityTest", "metadata": {"name": "scalers-cpu-1", "namespace": "staging", "uid": "x"},
               "spec": {}}
    await daemon.world.api.put(TESTS, foreign)
    await daemon.until(daemon.has_ended)
    accepted = daemon.condition("Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "NameTaken")
    assert "an ElasticityTest called 'scalers-cpu-1' exists in namespace 'staging' and is not this study's" in (
        accepted["message"])
    assert list(daemon.tests) == ["scalers-cpu-1"]


async def test_a_config_map_of_somebody_else_under_the_reports_name_ends_the_study_and_stays(
    daemon: StudyDaemon,
) -> None:
    meta = {"name": "scalers-study", "namespace": "staging", "uid": "x"}
    await daemon.world.api.put(MAPS, {"kind": "ConfigMap", "metadata": meta, "data": {"precious": "x"}})
    await daemon.until(daemon.has_ended)
    assert daemon.condition("Accepted")["reason"] == "NameTaken"
    assert daemon.world.api.objects[MAPS]["scalers-study"]["data"] == {"precious": "x"}


async def test_a_study_begins_once_the_runs_of_its_namesake_are_gone(daemon: StudyDaemon) -> None:
    left = {"kind": "ElasticityTest", "metadata": {
        "name": "scalers-queue-1", "namespace": "staging", "uid": "x", "ownerReferences": owner("before")}, "spec": {}}
    await daemon.world.api.put(TESTS, left)
    await daemon.until(lambda: "earlier study" in daemon.condition("Accepted").get("message", ""))
    assert daemon.condition("Accepted")["reason"] == "NotBegun"
    await daemon.world.api.remove(TESTS, "scalers-queue-1")
    await daemon.restart_and(lambda: daemon.cluster.created)
    assert daemon.tests["scalers-queue-1"]["metadata"]["uid"] != "x"


async def test_a_label_alone_makes_no_test_a_run_of_the_study(daemon: StudyDaemon) -> None:
    labels = {"elastometer.dev/study": "scalers", "elastometer.dev/variant": "queue"}
    forged = {"kind": "ElasticityTest", "metadata": {"name": "forged", "namespace": "staging", "uid": "x",
                                                     "labels": labels}, "spec": {}}
    await daemon.world.api.put(TESTS, forged)
    await daemon.to_the_end()
    assert set(daemon.states()) == {"scalers-queue-1", "scalers-cpu-1"}
    assert "forged" in daemon.tests


async def test_a_run_that_is_refused_for_long_is_given_up_and_the_others_are_made(daemon: StudyDaemon) -> None:
    def begin_refusing() -> bool:
        if len(daemon.cluster.dry_runs) == 2:
            daemon.cluster.refused["scalers-queue-1"] = Refused(403, "exceeded quota: tests")
        return daemon.has_ended()

    playing = asyncio.create_task(daemon._play({}))
    await daemon.until(begin_refusing)
    playing.cancel()
    assert daemon.states() == {"scalers-queue-1": "NotCarriedOut", "scalers-cpu-1": "Judged"}
    assert daemon.last["runs"][0]["reason"] == "CreationRefused"
    assert "exceeded quota: tests" in daemon.last["runs"][0]["message"]


async def test_without_the_right_to_list_tests_the_status_says_so(daemon: StudyDaemon, monkeypatch: Any) -> None:
    monkeypatch.setattr("elastometer.controller.study.session.SYNC_SECONDS", 0.05)
    daemon.world.api.refused[TESTS] = 403
    await daemon.until(lambda: daemon.condition("Accepted"))
    assert daemon.condition("Accepted")["reason"] == "NotBegun"
    assert "could not be listed" in daemon.condition("Accepted")["message"]


async def test_a_spec_that_is_no_study_ends_it_with_every_flaw(daemon: StudyDaemon) -> None:
    daemon.body["spec"] |= {"baseline": "keda", "tune": {"from": "nobody"}}
    await daemon.until(daemon.has_ended)
    assert daemon.condition("Accepted")["reason"] == "SpecInvalid"
    for path in ("spec.baseline", "spec.tune.from"):
        assert path in daemon.condition("Accepted")["message"]


@pytest.mark.parametrize("spec", [None, [], {"variants": 5}, {"variants": [{}], "template": 7}])
async def test_a_spec_of_another_shape_than_the_schemas_is_invalid(daemon: StudyDaemon, spec: Any) -> None:
    daemon.body["spec"] = spec
    await daemon.until(daemon.has_ended)
    assert daemon.condition("Accepted")["reason"] == "SpecInvalid"


async def test_an_error_in_the_operator_ends_the_study_with_a_reason_and_does_not_repeat(
    daemon: StudyDaemon, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("elastometer.controller.study.daemon.decide_study", lambda *_: 1 / 0)
    await daemon.until(daemon.has_ended)
    assert daemon.condition("Succeeded")["reason"] == "OperatorFailed"
    assert "ZeroDivisionError" in daemon.condition("Succeeded")["message"]


async def test_a_spec_that_is_changed_on_the_way_ends_the_study(daemon: StudyDaemon) -> None:
    await daemon.until(lambda: daemon.states().get("scalers-queue-1") == "Running")
    daemon.generation = 2
    await daemon.restart_and(lambda: daemon.states().get("scalers-cpu-1") == "Skipped")
    await daemon.end("scalers-queue-1")
    await daemon.restart_and(daemon.has_ended)
    assert daemon.condition("Succeeded")["reason"] == "SpecChanged"
    assert daemon.states() == {"scalers-queue-1": "Judged", "scalers-cpu-1": "Skipped"}


async def test_a_comparison_that_fails_is_named_and_its_runs_can_be_fetched(
    daemon: StudyDaemon, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(act, "PROGRAM", lambda *_: ["false"])
    await daemon.to_the_end()
    assert daemon.condition("ReportReady")["reason"] == "ReportFailed"
    assert "comparing the runs failed" in daemon.condition("ReportReady")["message"]
    assert daemon.states() == {"scalers-queue-1": "Judged", "scalers-cpu-1": "Judged"}
    assert daemon.last["phase"] == "Failed"
    assert daemon.last["reportRef"] == {"name": "scalers-study"}
    assert list(daemon.cluster.published[-1]) == ["study.json"]


async def test_directories_of_studies_that_are_gone_are_swept_away_and_no_others(daemon: StudyDaemon) -> None:
    here = StudyNames("staging", "scalers", UID)
    daemon.cluster.studies_there = [daemon.body]
    for path in (here.directory, "studies/staging/scalers-before", "studies/other/x-1", "runs/staging/gone-1"):
        (daemon.context.data / path).mkdir(parents=True)
    await orphans.sweep(daemon.context, "staging")
    assert sorted(path.name for path in daemon.context.data.glob("*/*/*")) == ["scalers-0a1b2c3d", "x-1"]
    orphans.forget_study(daemon.context, here)
    assert [path.name for path in daemon.context.data.glob("*/*/*")] == ["x-1"]

"""Files and a key for the load in a cluster: what the spec must say, what is made of it, what a file turns it into."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.cli.base.exits import Exit
from elastometer.cli.main import main
from elastometer.controller.progress import Standing, offered
from elastometer.model.errors import SpecError
from elastometer.model.spec import parse, with_files
from elastometer.plan import Environment, TestPlan, describe
from elastometer.resources.load import files_map, load_job

TRACE = {"name": "replay", "type": "Trace", "file": "azure.csv", "format": "AzureLLM", "timeScale": "0.5"}
RATE = {"name": "after", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1"}
SWEEP = {"name": "lengths", "type": "Sweep", "inputTokens": [8], "outputTokens": 8, "requestsEach": 2}
AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.5,374,44
2023-11-16 18:15:50.5,396,109
2023-11-16 18:15:51.0,396,109
2023-11-16 18:16:46.5,879,1
"""
FROM = {"configMapRef": {"name": "traces"}}
START = datetime(2026, 11, 27, 9, tzinfo=UTC)


def with_load(body: dict[str, Any], *stages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body["spec"]["load"] = {"stages": list(stages), "timeoutSeconds": 60, **fields}
    body["spec"].pop("objectives", None)
    return body


def flaw(body: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as caught:
        parse(body)
    return str(caught.value)


def test_a_trace_is_planned_by_what_its_file_says(demo_body: dict[str, Any], environment: Environment) -> None:
    spec = with_files(parse(with_load(demo_body, SWEEP, TRACE, RATE, filesFrom=FROM)), {"azure.csv": AZURE})
    plan = TestPlan(spec, environment)
    keys = ("startSeconds", "endSeconds", "startIsExact", "endIsExact", "expectedRequests", "file")
    assert [tuple(row.get(key) for key in keys) for row in describe(plan)["stages"][1:]] == [
        (120, 151, False, False, 4.0, "azure.csv"), (151, 161, False, False, 10.0, None),
    ]
    assert (plan.load_seconds, plan.load_deadline_seconds) == (161, 161 + 60 + 120)
    seen = {"replay": START + timedelta(seconds=3)}
    looks = [Standing(START + timedelta(seconds=at), START, stage_starts=seen) for at in (3, 4, 5, 33.9, 34)]
    assert [offered(plan, look) for look in looks] == ["1.0/s", "0.0/s", "2.0/s", "0.0/s", "1.0/s"]


def test_what_only_an_unread_file_says_is_not_in_the_plan(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    plan = describe(TestPlan(parse(with_load(demo_body, RATE, TRACE, SWEEP, filesFrom=FROM)), environment))
    times = {"startSeconds", "endSeconds", "startIsExact", "endIsExact"}
    assert [row.keys() & (times | {"expectedRequests"}) for row in plan["stages"]] == [
        times | {"expectedRequests"}, {"startSeconds", "startIsExact"}, set(),
    ]
    assert (plan["stages"][1]["startSeconds"], plan.keys() & {"loadSeconds", "loadSecondsAreExact"}) == (10, set())


def test_a_limit_bounds_the_length_of_a_trace_before_its_file_is_read(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    load = with_load(demo_body, TRACE | {"durationSeconds": 30}, RATE, filesFrom=FROM)
    plan = describe(TestPlan(parse(load), environment))
    assert [(row["startSeconds"], row["endSeconds"]) for row in plan["stages"]] == [(0, 30), (30, 40)]
    assert (plan["loadSeconds"], "expectedRequests" in plan["stages"][0]) == (40, False)


def test_a_file_of_the_profile_must_have_a_config_map_that_it_is_in(demo_body: dict[str, Any]) -> None:
    task = {"name": "poem", "prompt": "About {{ theme }}.", "dataset": {"file": "rows.jsonl"}}
    rule = "must be a key of the ConfigMap that spec.load.filesFrom names, which is absent"
    given = with_load(demo_body, TRACE, endpoint="Completions", tasks=[task])
    assert flaw(given) == f"spec.load.tasks[0].dataset.file: {rule}; is rows.jsonl; " \
                          f"spec.load.stages[0].file: {rule}; is azure.csv"
    bad = with_load(demo_body, TRACE | {"file": "profile.yaml"}, filesFrom=FROM)
    assert flaw(bad) == "spec.load.stages[0].file: must have another name than the profile, is profile.yaml"


def test_a_bad_file_is_refused_by_path_line_rule_and_value(demo_body: dict[str, Any]) -> None:
    spec = parse(with_load(demo_body, RATE, TRACE, filesFrom=FROM))
    with pytest.raises(SpecError) as caught:
        with_files(spec, {"azure.csv": AZURE.replace("396,109", "396,many", 1)})
    rule = "GeneratedTokens must be a number of tokens of at least 0"
    assert str(caught.value) == f'spec.load.stages[1].file azure.csv line 3: {rule}; got "many"'


def test_the_bounds_of_a_run_hold_for_what_a_file_plans(demo_body: dict[str, Any]) -> None:
    spec = parse(with_load(demo_body, TRACE | {"timeScale": "3000"}, filesFrom=FROM))
    with pytest.raises(SpecError) as caught:
        with_files(spec, {"azure.csv": AZURE})
    assert str(caught.value) == "spec.load.stages: must last at most 172800 s together, last 180001 s"


def test_the_job_mounts_a_copy_of_the_files_beside_the_profile(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    spec = with_files(parse(with_load(demo_body, TRACE, filesFrom=FROM, workers=2)), {"azure.csv": AZURE})
    plan = TestPlan(spec, environment)
    made = files_map(plan)
    assert made is not None
    assert (made["metadata"]["name"], made["immutable"], made["data"]) == ("demo-files", True, {"azure.csv": AZURE})
    assert load_job(plan)["spec"]["completions"] == 2
    pod = load_job(plan)["spec"]["template"]["spec"]
    sources = [{"configMap": {"name": "demo-load"}}, {"configMap": {"name": "demo-files"}}]
    assert {"name": "profile", "projected": {"sources": sources}} in pod["volumes"]
    assert {"name": "profile", "mountPath": "/profile", "readOnly": True} in pod["containers"][0]["volumeMounts"]


def test_without_files_and_a_key_nothing_more_is_made_and_mounted(plan: TestPlan) -> None:
    assert files_map(plan) is None
    pod = load_job(plan)["spec"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"]] == ["profile", "token", "spool"]
    assert pod["volumes"][0]["projected"] == {"sources": [{"configMap": {"name": "demo-load"}}]}
    assert not any("api-key" in argument for argument in pod["containers"][0]["args"])


def test_a_config_map_that_no_stage_and_no_dataset_needs_is_not_copied(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    plan = TestPlan(parse(with_load(demo_body, RATE, filesFrom=FROM)), environment)
    assert files_map(plan) is None
    (profile,) = [one for one in load_job(plan)["spec"]["template"]["spec"]["volumes"] if one["name"] == "profile"]
    assert profile["projected"] == {"sources": [{"configMap": {"name": "demo-load"}}]}


def test_the_key_reaches_the_load_pods_as_a_file_and_nothing_else(
    demo_body: dict[str, Any], environment: Environment
) -> None:
    body = with_load(demo_body, RATE, apiKeyFrom={"secretKeyRef": {"name": "vllm", "key": "token.txt"}})
    pod = load_job(TestPlan(parse(body), environment))["spec"]["template"]["spec"]
    item = {"key": "token.txt", "path": "key"}
    assert {"name": "api-key", "secret": {"secretName": "vllm", "items": [item]}} in pod["volumes"]
    container = pod["containers"][0]
    assert {"name": "api-key", "mountPath": "/api-key", "readOnly": True} in container["volumeMounts"]
    assert container["args"][-1] == "--api-key-file=/api-key/key"
    assert [variable["name"] for variable in container["env"]] == ["POD_UID"]


def test_what_lies_in_files_is_not_simulated(
    demo_body: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "test.yaml"
    task = {"name": "poem", "prompt": "About {{ theme }}.", "dataset": {"file": "rows.jsonl"}}
    body = with_load(demo_body, TRACE, SWEEP, endpoint="Completions", tasks=[task], filesFrom=FROM)
    path.write_text(yaml.safe_dump({key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")}))
    assert main(["simulate", str(path), "--draws", "1"]) == Exit.SPEC_OR_USAGE
    error = capsys.readouterr().err
    assert "spec.load.stages: must not be of type Trace to be simulated; of this type are replay" in error
    assert "spec.load.tasks[0].dataset.file: must be inline to be simulated, is the file rows.jsonl" in error

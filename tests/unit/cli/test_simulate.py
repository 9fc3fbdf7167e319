"""`elastometer simulate`: every sample gives a report, all of it marked as predicted; bad input is named."""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from elastometer.cli.base.exits import Exit
from elastometer.cli.main import main
from elastometer.cli.simulate import draws

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "manifests/samples"
DEMO = str(SAMPLES / "demo.yaml")
GPU = ("--cold-start", "70,85,120",
       "--capacity", "prefillSeconds=0.02,prefillSecondsPerToken=0.00004,decodeSeconds=0.007")
MORE: dict[str, tuple[str, ...]] = {"vllm-gpu": GPU}
# It scales on a rate: that is measured, and not predicted.
MEASURED_ONLY = {
    "zero": "spec.autoscaler.scaledObject.triggers[0].metadata.query: must be a query that the simulator models, but "
            "`rate` is not modelled",
}
PREDICTED = sorted({path.stem for path in SAMPLES.glob("*.yaml") if not path.stem.startswith("study-")}
                   - MEASURED_ONLY.keys())


def short(name: str, folder: Path, **stages: Any) -> str:
    """The sample with a load of a minute, as a file."""
    test = yaml.safe_load((SAMPLES / f"{name}.yaml").read_text())
    test["spec"]["load"]["stages"] = [
        {"name": "calm", "type": "Rate", "durationSeconds": 20, "endRequestsPerSecond": "1"},
        {"name": "plateau", "type": "Rate", "durationSeconds": 40, "endRequestsPerSecond": "6"}]
    test["spec"]["objectives"] = [
        {"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99, **stages},
        {"name": "cold-start", "indicator": "ColdStart", "percentile": 50, "maximumMilliseconds": 180000}]
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(test))
    return str(path)


@pytest.mark.parametrize("name", sorted(MEASURED_ONLY))
def test_a_sample_that_cannot_be_predicted_is_refused_by_name(name: str, capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", str(SAMPLES / f"{name}.yaml")]) == Exit.SPEC_OR_USAGE
    assert MEASURED_ONLY[name] in capsys.readouterr().err


@pytest.mark.parametrize("name", PREDICTED)
def test_every_sample_simulates_and_each_file_of_its_report_says_that_it_is_predicted(name: str, tmp_path: Path):
    out = tmp_path / "out"
    code = main(["simulate", short(name, tmp_path), "--draws", "2", "--out", str(out), *MORE.get(name, ())])
    assert code in (Exit.PASSED, Exit.INCONCLUSIVE)
    report = json.loads((out / "report.json").read_text())
    assert report["predicted"]["draws"] == 2
    assert report["loadStart"] is None
    assert report["summary"]["requestCount"] > 100
    markdown = (out / "report.md").read_text()
    assert markdown.startswith("# Predicted: ")
    assert "predicted, not measured" in markdown
    html = (out / "report.html").read_text()
    assert "<title>Predicted: " in html
    assert "<h1>Predicted: " in html
    assert "Predicted, not measured." in html
    captions = html.split("<figcaption>")[1:]
    assert captions
    assert all("predicted" in caption.split("</figcaption>")[0] for caption in captions)
    suite = ElementTree.fromstring((out / "junit.xml").read_text())
    assert suite.get("name", "").startswith("predicted: ")
    assert suite.find("properties/property[@name='predicted']") is not None


def test_no_number_of_the_report_names_a_source_that_looks_measured(tmp_path: Path):
    assert main(["simulate", DEMO, "--draws", "1", "--out", str(tmp_path)]) == Exit.FAILED
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["scaleEvents"]
    assert report["coldStarts"]
    sources, doubts = set(), set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            sources.update([node["source"]] if node.get("source") else [])
            doubts.update(node[key] for key in ("plusMinusMilliseconds", "resolutionMilliseconds") if key in node)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(child)

    walk(report)
    assert sources == {"Predicted"}
    assert doubts == {None}
    assert {phase["name"] for start in report["coldStarts"] for phase in start["phases"]} == {"whole", "firstToken"}


def test_every_line_of_a_verdict_is_printed_as_predicted(capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", DEMO, "--draws", "1"]) == Exit.FAILED
    said = capsys.readouterr().out
    verdicts = [line for line in said.splitlines() if "Pass" in line or "Fail" in line]
    # The run and its five objectives.
    assert len(verdicts) == 6
    assert all("predicted" in line for line in verdicts)


def test_the_same_seed_gives_the_same_report_and_another_seed_another(tmp_path: Path):
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        main(["simulate", DEMO, "--draws", "1", "--seed", seed, "--out", str(tmp_path / name)])
    a, b, c = ((tmp_path / name / "report.json").read_text() for name in "abc")
    assert a == b
    assert a != c


def test_further_processes_change_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    arguments = ["simulate", short("demo", tmp_path), "--draws", "3", "--out"]
    main([*arguments, str(tmp_path / "alone")])
    monkeypatch.setattr(draws, "MIN_REQUESTS_FOR_WORKERS", 0)
    main([*arguments, str(tmp_path / "together")])
    assert (tmp_path / "alone/report.json").read_bytes() == (tmp_path / "together/report.json").read_bytes()


def test_an_objective_that_is_missed_ends_the_command_with_1():
    assert main(["simulate", DEMO, "--draws", "1", "--set", "objectives[1].maximumMilliseconds=1"]) == Exit.FAILED


def test_a_setting_changes_the_test_before_it_is_read(tmp_path: Path):
    main(["simulate", DEMO, "--draws", "1", "--set", "spec.autoscaler.horizontalPodAutoscaler.maxReplicas=2",
          "--out", str(tmp_path)])
    assert json.loads((tmp_path / "report.json").read_text())["summary"]["peakReadyReplicas"] == 2


def test_given_numbers_override_those_of_the_stand_in_and_leave_the_rest(tmp_path: Path):
    main(["simulate", DEMO, "--draws", "1", "--cold-start", "20", "--capacity", "decodeSeconds=0.02",
          "--out", str(tmp_path)])
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["predicted"]["coldStarts"] == "given: 20 s each"
    assert "but decodeSeconds given: 4 requests at once" in report["predicted"]["capacity"]
    assert report["summary"]["coldStartMilliseconds"] == 20000


def test_a_test_without_an_autoscaler_keeps_its_replicas(tmp_path: Path):
    test = yaml.safe_load(Path(DEMO).read_text())
    test["spec"]["autoscaler"] = {"type": "None"}
    path = tmp_path / "fixed.yaml"
    path.write_text(yaml.safe_dump(test))
    main(["simulate", str(path), "--draws", "1", "--out", str(tmp_path)])
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["scaleEvents"] == []
    assert report["timeline"]["ready"] == [[-60.0, 1]]
    assert report["autoscaler"]["reason"]


def test_json_is_the_report_itself(capsys: pytest.CaptureFixture[str]):
    main(["simulate", DEMO, "--draws", "1", "--output", "json"])
    assert json.loads(capsys.readouterr().out)["predicted"]["seed"] == 0


@pytest.mark.parametrize(("arguments", "said"), [
    ((str(SAMPLES / "vllm-gpu.yaml"),), ("capacity: must be given", "cold start: must be given", "--from BUNDLE")),
    ((DEMO, "--cold-start", "ten"), ("--cold-start: must be seconds above 0", "'ten'")),
    ((DEMO, "--cold-start", "10,-2"), ("'-2'",)),
    ((DEMO, "--capacity", "slots=0"), ("--capacity: slots must be a number above 0", "'0'")),
    ((DEMO, "--capacity", "speed=3"), ("--capacity: speed is not a known field; known here: slots", "decodeSeconds")),
    ((DEMO, "--capacity", "Slot=3"), ("--capacity: Slot is not a known field; did you mean slots?",)),
    ((DEMO, "--capacity", "slots=3,slots=4"), ("--capacity: slots must be given only once, is given again with '4'",)),
    ((DEMO, "--capacity", "/nowhere.yaml"), ("--capacity: must be name=number,… or a file", "/nowhere.yaml")),
    ((str(SAMPLES / "vllm-gpu.yaml"), "--cold-start", "9", "--capacity", "decodeSeconds=1"),
     ("--capacity: prefillSeconds must be given",)),
    ((DEMO, "--from", "/nowhere"), ("--from", "/nowhere")),
    ((DEMO, "--set", "maxReplicas"), ("--set must be path=value", "'maxReplicas'")),
    ((DEMO, "--set", "load.stages[9].durationSeconds=5"), ("--set", "an index below 4")),
    ((DEMO, "--set", "load.stages[0].durationSeconds=0"),
     ("spec.load.stages[0].durationSeconds: must be at least 1, is 0",)),
    ((DEMO, "--set", "autoscaler.horizontalPodAutoscaler.maxReplica=3"),
     ("spec.autoscaler.horizontalPodAutoscaler.maxReplica: is not a known field of autoscaling/v2 in "
      "Kubernetes 1.35; did you mean maxReplicas?",)),
    ((DEMO, "--set", "autoscaler.horizontalPodAutoscaler.metrics[0].pods.metric.name=queue_depth"),
     ("spec.autoscaler.horizontalPodAutoscaler.metrics[0]", "'queue_depth'")),
    ((DEMO, "--set", "objectives[1].stageName=peak"), ("spec.objectives[1].stageName: must be one of calm", "'peak'")),
    (("/nowhere.yaml",), ("cannot read /nowhere.yaml",)),
])
def test_bad_input_is_named_with_its_rule_and_its_value(
    arguments: tuple[str, ...], said: tuple[str, ...], capsys: pytest.CaptureFixture[str],
):
    assert main(["simulate", *arguments, "--draws", "1"]) == Exit.SPEC_OR_USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    for text in said:
        assert text in printed.err


def test_the_help_has_an_example_for_every_sample_that_can_be_predicted(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    said = capsys.readouterr().out
    assert len(PREDICTED) >= 4
    for name in PREDICTED:
        assert f"elastometer simulate manifests/samples/{name}.yaml" in said


def test_every_predicted_figure_has_its_range_over_the_draws_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    assert main(["simulate", DEMO, "--draws", "3", "--out", str(tmp_path)]) == Exit.FAILED
    said = capsys.readouterr().out
    block = said.partition("range over all draws\n")[2].partition("  oracle")[0]
    rows = [line for line in block.splitlines() if line.startswith("  ")]
    assert len(rows) >= 9
    assert all(re.search(r"\d.* \(.+ to .+ over 3 draws\)", row) for row in rows), rows
    report = json.loads((tmp_path / "report.json").read_text())
    ranges = {one["name"]: one for one in report["predicted"]["intervals"]}
    assert ranges["Requests"]["low"] <= report["summary"]["requestCount"] <= ranges["Requests"]["high"]
    p95 = report["summary"]["timeToFirstTokenP95Milliseconds"]
    assert ranges["TTFT p95"]["low"] <= p95 == ranges["TTFT p95"]["median"] <= ranges["TTFT p95"]["high"]
    assert all(re.search(r"over 3 draws .+ to .+, met in [0-3]$", one["message"]) for one in report["objectives"]
               if one["measured"] is not None)
    html = (tmp_path / "report.html").read_text()
    tiles = re.findall(r'<dd class="note">([^<]*)</dd>', html.partition('<dl class="tiles">')[2].partition("</dl>")[0])
    assert tiles
    assert all("over 3 draws" in note for note in tiles), tiles


def test_a_predicted_knee_has_its_steps_in_the_report_and_the_range_of_its_last_good_one(tmp_path: Path):
    sample = str(SAMPLES / "knee.yaml")
    assert main(["simulate", sample, "--draws", "2", "--out", str(tmp_path)]) == Exit.PASSED
    report = json.loads((tmp_path / "report.json").read_text())
    knee, = report["knees"]
    assert [step["value"] for step in knee["steps"]] == list(range(4, knee["good"] + 5, 4))
    assert knee["ending"] == "StepFailed"
    assert knee["steps"][-1]["failed"].startswith("TimeToFirstToken p95 must be at most 500 ms, was ")
    ranges = {one["name"]: one for one in report["predicted"]["intervals"]}
    assert ranges["Last good step of search"]["low"] <= knee["good"] <= ranges["Last good step of search"]["high"]
    # The sweep before it lasts as long as its 20 answers, and nothing waits for its planned end.
    assert knee["steps"][0]["startSeconds"] < 60


LOADS: dict[str, list[dict[str, Any]]] = {
    "levels of concurrency": [
        {"name": f"level-{number}", "type": "Concurrency", "durationSeconds": 20, "concurrency": number}
        for number in (2, 8, 16)],
    "a swarm that grows until it hurts": [
        {"name": "knee", "type": "Knee", "of": "Users", "start": 2, "step": 4, "stepSeconds": 20, "maximum": 14,
         "soakSeconds": 20, "thinkTimeSeconds": {"minimum": "1", "maximum": "3"}}],
    "lengths, then users": [
        {"name": "lengths", "type": "Sweep", "inputTokens": [128, 512, 2048], "outputTokens": 64, "requestsEach": 2},
        {"name": "users", "type": "Users", "durationSeconds": 30, "users": 10, "spawnPerSecond": "2",
         "thinkTimeSeconds": {"minimum": "1", "maximum": "3"}},
        {"name": "count", "type": "Concurrency", "concurrency": 3, "requests": 30}],
}


@pytest.mark.parametrize("stages", LOADS.values(), ids=LOADS)
def test_the_usual_ways_to_load_a_model_can_be_simulated(stages: list[dict[str, Any]], tmp_path: Path):
    test = yaml.safe_load(Path(DEMO).read_text())
    talk = {"name": "talk", "thinkTimeSeconds": {"minimum": "0", "maximum": "1"},
            "maximumTokens": {"minimum": 20, "maximum": 30},
            "messages": [{"role": "user", "content": "Remember 4711."}, {"role": "assistant", "generated": True},
                         {"role": "user", "content": "Which number?"}]}
    test["spec"]["load"] |= {"stages": stages, "workers": 1, "tasks": [*test["spec"]["load"]["tasks"], talk]}
    test["spec"]["objectives"] = [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}]
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    assert main(["simulate", str(file), "--draws", "2", "--out", str(tmp_path / "out")]) == Exit.PASSED
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert {row["stage"] for row in report["load"]} >= {stage["name"] for stage in stages}


def test_a_trace_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    test = yaml.safe_load(Path(DEMO).read_text())
    test["spec"]["load"] |= {"stages": [{"name": "replay", "type": "Trace", "file": "a.csv", "format": "AzureLLM"}],
                             "filesFrom": {"configMapRef": {"name": "traces"}}}
    test["spec"]["objectives"] = [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}]
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    assert main(["simulate", str(file)]) == Exit.SPEC_OR_USAGE
    assert "must not be of type Trace to be simulated; of this type are replay" in capsys.readouterr().err

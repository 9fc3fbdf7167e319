"""Each trouble of answers that the stand-in makes is found by its name and in its numbers; a clean run has none."""
from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from elastometer.analysis.analyze import judge
from elastometer.model.report import Report
from elastometer.world.bundle_reader import load_bundle
from support.answered import recall_task

StandIn = Callable[..., AbstractContextManager[str]]
SCHEMA = {"type": "object", "required": ["name", "age"], "properties": {
    "name": {"type": "string"}, "age": {"type": "integer"}}}
OF_ANSWERS = {"CrossTalk", "TasksMixedUp", "AnswersEndEarly", "Repetitive", "Forgets", "StructureUnreliable"}


def load(*stages: tuple[str, int, list[str]]) -> dict[str, Any]:
    """Stages of (name, requests, tasks), ten at once."""
    return {"seed": 11, "tasks": [
        {"name": "article", "prompt": "Write an article about rivers.", "maximumTokens": 400,
         "sampling": {"seed": "PerRequest"}, "checks": [
            {"type": "Truncation"}, {"type": "MinimumCharacters", "minimum": 40},
            {"type": "Repetition", "maximumShare": "0.5"}]},
        {"name": "exact", "prompt": "Write about seas.", "maximumTokens": 64, "ignoreEndOfText": True,
         "sampling": {"seed": "PerRequest"}},
        {"name": "emotion", "prompt": "I am {{ mood }} today. Answer with one of: happy, sad.",
         "dataset": {"inline": [{"mood": "happy"}, {"mood": "sad"}]}, "sampling": {"seed": "PerRequest"}, "checks": [
            {"type": "Label", "labels": ["happy", "sad"], "expected": "{{ mood }}"}, {"type": "Crosstalk"}]},
        {"name": "chat", "prompt": "Tell me a story.", "maximumTokens": 32, "sampling": {"seed": "PerRequest"},
         "checks": [{"type": "Crosstalk"}]},
        {"name": "person", "prompt": "Extract the person.", "responseFormat": "JSONSchema",
         "sampling": {"seed": "PerRequest"}, "checks": [{"type": "JSONSchema", "schema": SCHEMA}]},
        *({**recall_task(distance), "maximumTokens": 16, "sampling": {"seed": "PerRequest"}} for distance in (1, 3))],
        "stages": [{"name": name, "type": "Concurrency", "concurrency": 10, "requests": requests, "tasks": tasks}
                   for name, requests, tasks in stages]}


def judged(directory: Path, standin: StandIn, spec: dict[str, Any], *faults: str) -> Report:
    """The report of a run of the load generator against the stand-in."""
    profile, out, bundle = directory / "profile.yaml", directory / "out", directory / "bundle"
    profile.write_text(yaml.safe_dump(spec))
    with standin(directory / "log", "--standin-answer-tokens=120", *faults) as url:
        command = [sys.executable, "-m", "elastometer_loadgen", "run", str(profile), "--target", url, "--out", str(out)]
        done = subprocess.run(command, check=False, timeout=100, capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr
    summary = orjson.loads((out / "summary.json").read_bytes())
    bundle.mkdir()
    shutil.copy(out / "requests.jsonl.zst", bundle)
    (bundle / "spec.json").write_bytes(orjson.dumps({"spec": {"load": spec}}))
    (bundle / "generator.json").write_bytes(orjson.dumps(summary["generators"]))
    (bundle / "start.json").write_bytes(orjson.dumps({"startTime": summary["startTime"]}))
    return judge(load_bundle(bundle))


def found(report: Report) -> dict[str, str]:
    """Evidence by the name of the finding."""
    return {one.name.value: one.evidence for one in report.findings if one.name.value in OF_ANSWERS}


@pytest.mark.timeout(120)
def test_a_clean_run_has_all_tables_and_none_of_the_findings(tmp_path: Path, standin: StandIn):
    spec = load(("long", 12, ["article", "exact"]), ("short", 80, ["emotion", "chat", "person"]),
                ("recall", 60, ["after-1", "after-3"]))
    report = judged(tmp_path, standin, spec)
    assert found(report) == {}
    emotion, all_of = report.isolation[0], report.isolation[-1]
    assert (emotion.own, emotion.unattributed) == (emotion.answers, 0)
    assert all_of.foreign_mark is None, "no prompt of emotion and chat carries a mark"
    assert {row.task: row.early and row.early.hits for row in report.answer_ends if row.stage == "long"} == {
        "article": 0, "exact": 0}
    assert [row.whole and row.whole.percent for row in report.structured] == [100.0]
    assert report.recall is not None
    shares = [(row.turns, row.recalled and row.recalled.percent) for row in report.recall.rows]
    assert shares == [(1, 100.0), (3, 100.0)]
    assert all(row.tokens is not None for row in report.recall.rows)


@pytest.mark.timeout(120)
def test_an_end_at_93_percent_and_a_phrase_repeated_late_are_found(tmp_path: Path, standin: StandIn):
    spec = load(("long", 6, ["article"]), ("exact", 10, ["exact"]))
    report = judged(tmp_path, standin, spec, "--standin-early-stop-rate=1")
    evidence = found(report)["AnswersEndEarly"]
    assert "task 'exact' in 'exact': 10 of 10" in evidence
    ends = {row.task: row for row in report.answer_ends}
    assert ends["article"].made is not None
    assert (ends["article"].near_limit, ends["article"].made.most) == (6, 372)
    late = tmp_path / "late"
    late.mkdir()
    report = judged(late, standin, load(("long", 6, ["article"])), "--standin-late-repeat-rate=1")
    assert set(found(report)) == {"Repetitive"}
    assert report.answer_ends[0].repetition is not None
    assert report.answer_ends[0].repetition.late == 6


@pytest.mark.timeout(120)
def test_a_dialogue_for_a_label_broken_json_and_forgetting_beyond_one_turn_are_found(tmp_path: Path, standin: StandIn):
    spec = load(("short", 150, ["emotion", "chat", "person"]), ("recall", 60, ["after-1", "after-3"]))
    report = judged(tmp_path, standin, spec, "--standin-other-task-rate=0.2", "--standin-other-task-when=turn<=1",
                    "--standin-not-json-rate=0.1", "--standin-forget-rate=1", "--standin-forget-when=turn>3")
    findings = found(report)
    assert set(findings) == {"TasksMixedUp", "StructureUnreliable", "Forgets"}
    assert "to task 'emotion' in 'short'" in findings["TasksMixedUp"]
    assert "to task 'chat' in 'short'" in findings["TasksMixedUp"]
    assert report.recall is not None
    assert report.recall.forgets is not None
    assert (report.recall.forgets.turns, report.recall.forgets.recalled.hits) == (3, 0)
    whole = report.isolation[-1]
    injected = (tmp_path / "log").read_text().count("injected other-task")
    assert whole.other_task is not None
    # JSON requests that got a label are not part of it: that task has no check of cross-talk.
    assert 0 < whole.other_task.hits <= injected

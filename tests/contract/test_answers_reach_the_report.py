"""What a real load generator found on the stand-in is in the report: the same counts, rates and climb."""
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
from elastometer.model.report import Report, Verdict
from elastometer.world.bundle_reader import load_bundle

StandIn = Callable[..., AbstractContextManager[str]]
LOAD = {
    "seed": 11,
    "tasks": [
        {"name": "extract", "messages": [{"role": "user", "content": "{{ canary }} Extract the person."}],
         "maximumTokens": {"minimum": 24, "maximum": 24}, "responseFormat": "JSONSchema",
         "checks": [{"type": "JSONSchema", "schema": {
             "type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}]},
        {"name": "chat", "messages": [{"role": "user", "content": "{{ canary }} Tell me a story."}],
         "maximumTokens": {"minimum": 24, "maximum": 24}, "checks": [{"type": "Crosstalk"}]}],
    "stages": [
        {"name": "calm", "type": "Rate", "durationSeconds": 2, "endRequestsPerSecond": "40"},
        {"name": "climb", "type": "Knee", "of": "Rate", "start": 30, "step": 10, "stepSeconds": 1, "maximum": 40,
         "soakSeconds": 1}],
}
FAULTS = ("--standin-not-json-rate=0.4", "--standin-crosstalk-rate=0.4")


@pytest.fixture
def run(tmp_path: Path, standin: StandIn) -> tuple[dict[str, Any], Report]:
    """summary.json of the load generator, and the report of a run directory made of what it left."""
    profile, out, bundle = tmp_path / "profile.yaml", tmp_path / "out", tmp_path / "bundle"
    profile.write_text(yaml.safe_dump(LOAD))
    with standin(tmp_path / "log", "--standin-answer-tokens=24", *FAULTS) as url:
        command = [sys.executable, "-m", "elastometer_loadgen", "run", str(profile), "--target", url, "--out", str(out)]
        code = subprocess.run(command, check=False, timeout=60, capture_output=True).returncode
    assert code in (0, 3), "a busy machine may make it fall behind, and no more"
    summary = orjson.loads((out / "summary.json").read_bytes())
    bundle.mkdir()
    shutil.copy(out / "requests.jsonl.zst", bundle)
    objective = {"name": "json-valid", "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": 99}
    (bundle / "spec.json").write_bytes(orjson.dumps({"spec": {"load": LOAD, "objectives": [objective]}}))
    (bundle / "generator.json").write_bytes(orjson.dumps(summary["generators"]))
    (bundle / "start.json").write_bytes(orjson.dumps({"startTime": summary["startTime"]}))
    return summary, judge(load_bundle(bundle))


@pytest.mark.timeout(120)
def test_what_was_found_on_the_wire_is_what_the_report_shows(run: tuple[dict[str, Any], Report]):
    summary, report = run
    summarised = {(row["stage"], row["task"], row["check"]): row for row in summary["checks"]}
    assert set(summarised) == {(stage, task, check) for stage in ("calm", "climb")
                         for task, check in (("extract", "JSONSchema"), ("chat", "Crosstalk"))}
    assert all(row["failed"] for row in summarised.values()), "answers without a fault prove nothing"
    shown = {(row.stage, row.task, row.check): row for row in report.answers if row.stage is not None}
    assert {key: (row.judged, row.failed, dict(row.failures), row.rate and row.rate.percent)
            for key, row in shown.items()} == {
        key: (row["judged"], row["failed"], row["failures"], round(100 * row["failureRate"]["value"], 4))
        for key, row in summarised.items()}
    assert [row.check for row in report.answers if row.stage is None] == ["JSONSchema", "Crosstalk"]
    assert "CrossTalk" in [one.name for one in report.findings]
    assert report.objectives[0].verdict is Verdict.FAIL

    (climb,), (knee,) = summary["knees"], report.knees
    assert (knee.stage, knee.of, knee.good) == ("climb", "Rate", climb["good"])
    assert [(one.value, one.failed) for one in knee.steps] == [(one["value"], one["failed"]) for one in climb["steps"]]
    assert sum(one.count for one in (*knee.steps, knee.soak) if one is not None) == sum(
        row["judged"] for (stage, _, _), row in summarised.items() if stage == "climb")
    assert {one.ready_minimum for one in knee.steps} == {None}

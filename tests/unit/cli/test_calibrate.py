"""`elastometer calibrate`: the test that it makes is valid, and searches the right steps."""
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.cli.base.offline import checked_spec
from elastometer.cli.main import main
from elastometer.model.calibration_plan import Search, calibration_name, calibration_test
from elastometer_loadgen.stages.knee import KneeVariable

DEMO = Path(__file__).parents[3] / "manifests/samples/demo.yaml"


def calibrated(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[dict[str, Any], str]:
    assert main(["calibrate", str(DEMO), *more]) == 0
    printed = capsys.readouterr()
    return yaml.safe_load(printed.out), printed.err


def test_the_same_target_and_tasks_without_an_autoscaler(capsys: pytest.CaptureFixture[str]) -> None:
    made, said = calibrated(capsys)
    test = yaml.safe_load(DEMO.read_text())
    assert made["metadata"] == {"name": "demo-calibration"}
    assert made["spec"]["target"] == test["spec"]["target"]
    assert made["spec"]["load"]["tasks"] == test["spec"]["load"]["tasks"]
    assert made["spec"]["autoscaler"] == {"type": "None"}
    assert made["spec"]["load"]["workers"] == 1
    assert "spec.demand: {calibrationRef: {name: demo-calibration}}" in said
    assert checked_spec("made", made).scaler.minimum == 1


def test_users_rise_to_the_slots_and_on_to_twice_as_many(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo's server has four slots. Of the latency objectives the strictest counts; a step has no cold start."""
    stage = calibrated(capsys)[0]["spec"]["load"]["stages"][0]
    assert (stage["of"], stage["start"], stage["step"], stage["maximum"]) == ("Users", 1, 1, 8)
    assert stage["objectives"] == [
        {"indicator": "RequestSuccess", "minimumPercent": 99},
        {"indicator": "TimeToFirstToken", "percentile": 95, "maximumMilliseconds": 500}]


def test_two_replicas_are_compared_with_the_calibration_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    made, _ = calibrated(capsys, "--replicas", "2")
    assert made["metadata"]["name"] == "demo-calibration-2"
    assert made["spec"]["autoscaler"] == {"type": "None", "replicas": 2}
    assert made["spec"]["demand"] == {"calibrationRef": {"name": "demo-calibration"}}
    assert checked_spec("made", made).scaler.maximum == 2


def test_rates_and_steps_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    made, _ = calibrated(
        capsys, "--of", "Rate", "--start", "10", "--step", "5", "--maximum", "40", "--step-seconds", "300")
    stage = made["spec"]["load"]["stages"][0]
    assert [stage[name] for name in ("of", "start", "step", "maximum", "stepSeconds")] == ["Rate", 10, 5, 40, 300]
    assert "thinkTimeSeconds" not in stage


def test_a_server_that_states_no_slots_is_taken_to_have_the_default() -> None:
    test = yaml.safe_load(DEMO.read_text())
    test["spec"]["target"]["server"] = {"image": "vllm/vllm-openai:v0.33.0"}
    assert calibration_test(test, Search())["spec"]["load"]["stages"][0]["maximum"] == 512
    assert calibration_test(test, Search(KneeVariable.RATE))["spec"]["load"]["stages"][0]["maximum"] == 100


def test_a_long_name_is_cut_to_a_valid_one() -> None:
    name = calibration_name("a" * 27 + "-bcdefghijkl")
    assert name == "a" * 27 + "-calibration"
    assert len(calibration_name("a" * 40)) == 40


def test_a_test_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test.yaml").write_text("kind: Pod\n")
    assert main(["calibrate", str(tmp_path / "test.yaml")]) == 2
    assert "`apiVersion` must be" in capsys.readouterr().err


def test_to_run_it_is_to_give_it_to_the_command_that_runs_tests(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    calls: list[tuple[list[str], dict[str, Any]]] = []

    def run(command: list[str], *, input: str, text: bool, check: bool) -> subprocess.CompletedProcess[str]:
        calls.append((command, yaml.safe_load(input)))
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr("elastometer.cli.calibrate.subprocess.run", run)
    assert main(["calibrate", str(DEMO), "--run", "-n", "staging", "--out", "there"]) == 3
    (command, made), = calls
    assert command[1:] == ["-m", "elastometer.cli.main", "run", "-", "--namespace=staging", "--out=there"]
    assert made["metadata"]["name"] == "demo-calibration"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("then give the test spec.demand")

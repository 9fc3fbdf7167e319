"""`elastometer tune` makes a study that the operator accepts, and hands it to `elastometer run`."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from elastometer.cli import tune
from elastometer.cli.base.offline_study import served_study
from elastometer.cli.main import main

DEMO = Path(__file__).parents[3] / "manifests/samples/demo.yaml"


def printed(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    assert main(["tune", str(DEMO), "--print", *map(str, words)]) == 0
    return yaml.safe_load(capsys.readouterr().out)


def test_the_study_runs_the_test_as_it_is_and_searches_from_it(capsys: pytest.CaptureFixture[str]):
    found = printed(capsys, "--candidates", 50, "--confirm", 4, "--maximum-gpu-seconds", 900, "--repetitions", 3)
    study = served_study(found)
    assert found["spec"]["template"] == yaml.safe_load(DEMO.read_text())["spec"]
    assert [one.name for one in study.variants] == [study.baseline] == ["base"]
    assert study.repetitions == 3
    assert study.tune is not None
    assert (study.tune.source, study.tune.candidates, study.tune.confirm, study.tune.maximum_gpu_seconds) == (
        "base", 50, 4, 900)


def test_a_long_name_leaves_room_for_those_of_the_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    test = yaml.safe_load(DEMO.read_text())
    test["metadata"]["name"] = "a" * 40
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    assert main(["tune", str(path), "--print", "--confirm", "10", "--repetitions", "10", "--output", "json"]) == 0
    study = served_study(json.loads(capsys.readouterr().out))
    assert len(study.names.run_name("tuned-10", 10)) == 40


def test_a_flaw_of_the_test_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    test = yaml.safe_load(DEMO.read_text())
    test["spec"]["autoscaler"]["horizontalPodAutoscaler"]["minReplicas"] = 9
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    assert main(["tune", str(path), "--print"]) == 2
    assert "minReplicas: must be at most maxReplicas (4), is 9" in capsys.readouterr().err


def test_a_test_that_nothing_scales_cannot_be_tuned(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    test = yaml.safe_load(DEMO.read_text())
    test["spec"]["autoscaler"] = {"type": "None", "replicas": 2}
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    assert main(["tune", str(path), "--print"]) == 2
    assert "spec.tune.from" in capsys.readouterr().err


def test_the_study_is_handed_to_the_command_that_runs_studies(monkeypatch: pytest.MonkeyPatch):
    seen: dict[str, Any] = {}

    def ran(command: list[str], *, input: str, **_: Any) -> SimpleNamespace:
        seen.update(command=command, study=yaml.safe_load(input))
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(subprocess, "run", ran)
    assert main(["tune", str(DEMO), "-n", "staging", "--out", "runs/x"]) == 3
    assert seen["command"][3:] == ["run", "-", "--namespace=staging", "--out=runs/x", "--output=text"]
    assert seen["study"]["kind"] == "ElasticityStudy"
    assert tune.BASE in str(seen["study"]["spec"]["variants"])

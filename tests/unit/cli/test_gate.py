"""`elastometer gate` from recorded runs to an exit code, without a cluster."""
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from elastometer.cli.main import main

RUNS = Path(__file__).parents[2] / "golden/runs"
BASELINE = RUNS / "honest-pods-a"
Gate = Callable[..., tuple[int, str, str]]


@pytest.fixture
def gate(capsys: pytest.CaptureFixture[str]) -> Gate:
    def call(*words: object) -> tuple[int, str, str]:
        code = main(["gate", *map(str, words)])
        seen = capsys.readouterr()
        return code, seen.out, seen.err
    return call


def spec(directory: Path, **hpa: Any) -> Path:
    """The recorded test as people keep it, with some fields of its HPA replaced."""
    found = json.loads((BASELINE / "spec.json").read_text())["spec"]
    found["autoscaler"]["horizontalPodAutoscaler"].update(hpa)
    test = {"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest", "metadata": {"name": "demo"},
            "spec": found}
    path = directory / "new.yaml"
    path.write_text(yaml.safe_dump(test))
    return path


def test_the_recorded_test_itself_is_held(gate: Gate, tmp_path: Path):
    code, out, _ = gate("--baseline", BASELINE, "--spec", spec(tmp_path))
    assert code == 0
    assert "Held" in out
    assert "+0 (+0 to +0)" in out
    assert "elastometer run" not in out


def test_a_harmful_change_is_red_in_every_form(gate: Gate, tmp_path: Path):
    new, junit = spec(tmp_path, maxReplicas=1), tmp_path / "out" / "gate.xml"
    code, out, _ = gate("--baseline", BASELINE, "--spec", new, "--junit", junit, "--output", "markdown")
    assert code == 1
    assert out.startswith("# Regressed")
    assert "maxReplicas | 4 | 1 | replayed |" in out
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")


def test_what_is_left_open_names_the_commands_that_decide_it(gate: Gate, tmp_path: Path):
    new, junit = spec(tmp_path, maxReplicas=3), tmp_path / "gate.xml"
    code, out, _ = gate("--baseline", BASELINE, "--spec", new, "--junit", junit, "--output", "json")
    found = json.loads(out)
    assert code == 3
    assert (found["state"], found["predicted"]) == ("CannotTell", True)
    assert found["liveRun"][0] == f"elastometer run {new} --out runs/demo-new"
    assert found["liveRun"][1].startswith(f"elastometer compare --base {BASELINE} --new runs/demo-new --gate ")
    assert ElementTree.parse(junit).getroot().get("errors") == "1", "what is left open is not good"


@pytest.mark.parametrize("baseline", [[], ["absent"], ["empty"]])
def test_without_a_run_nothing_is_good(gate: Gate, tmp_path: Path, baseline: list[str]):
    (tmp_path / "empty").mkdir()
    junit = tmp_path / "gate.xml"
    code, out, _ = gate("--baseline", *(tmp_path / name for name in baseline), "--spec", spec(tmp_path),
                        "--junit", junit)
    assert code == 3
    assert "Cannot tell" in out
    assert all(str(tmp_path / name) in out for name in baseline)
    assert ElementTree.parse(junit).getroot().get("errors") == "1"


def test_a_run_that_cannot_be_read_is_not_hidden_by_a_good_one(gate: Gate, tmp_path: Path):
    code, out, _ = gate("--baseline", BASELINE, tmp_path / "absent", "--spec", spec(tmp_path))
    assert code == 3
    assert "absent" in out


@pytest.mark.parametrize(("words", "message"), [
    (("--gate", "missSeconds"), "--gate: must be MEASURE=LIMIT"),
    (("--gate", "missSecond=5"), "missSecond"),
])
def test_a_gate_that_is_none_is_wrong_usage(gate: Gate, tmp_path: Path, words: tuple[str, ...], message: str):
    code, _, err = gate("--baseline", BASELINE, "--spec", spec(tmp_path), *words)
    assert code == 2
    assert message in err


def test_a_spec_that_the_api_server_would_refuse_is_refused_with_its_path(gate: Gate, tmp_path: Path):
    code, _, err = gate("--baseline", BASELINE, "--spec", spec(tmp_path, minReplicas=9))
    assert code == 2
    assert "spec.autoscaler.horizontalPodAutoscaler.minReplicas: must be at most maxReplicas (4), is 9" in err


def test_hostile_values_stay_text(gate: Gate, tmp_path: Path):
    hostile = "vllm_num_requests_waiting</failure>|<img src=x>\u001b[31m"
    metric = {"type": "Pods", "pods": {"metric": {"name": hostile},
                                       "target": {"type": "AverageValue", "averageValue": "2"}}}
    new, junit = spec(tmp_path, metrics=[metric]), tmp_path / "gate.xml"
    for form in ("text", "markdown"):
        code, out, _ = gate("--baseline", BASELINE, "--spec", new, "--junit", junit, "--output", form)
        assert code == 3
        assert "\u001b" not in out
    assert "<img" not in out.replace("\\<img", "")
    assert ElementTree.parse(junit).getroot().get("errors") == "1"

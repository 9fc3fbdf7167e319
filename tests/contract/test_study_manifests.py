"""The manifests of the studies: written from their descriptions, taken offline at every size, alike at all three."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.cli.base.offline import checked_spec
from elastometer.cli.base.offline_study import checked_study
from elastometer.study.variants.accepted import run_manifest
from elastometer.study.variants.planned_runs import planned_runs

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "manifests/studies"
NAMES = ("all-in-one", "cloud-autoscale", "limits")
SIZES = ("full", "staging", "smoke")
Json = dict[str, Any]
FILES = [STUDIES / name / f"{size}.yaml" for name in NAMES for size in SIZES]


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def load(name: str, size: str) -> Json:
    document: Json = yaml.safe_load((STUDIES / name / f"{size}.yaml").read_text())
    return document


def spec_of(document: Json) -> Json:
    spec: Json = document["spec"]
    return spec.get("template", spec)


def test_the_files_are_those_that_their_descriptions_make():
    ended = subprocess.run([sys.executable, str(STUDIES / "generate.py"), "--check"], capture_output=True, text=True,
                           check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert sorted(path for path in STUDIES.glob("*/*.yaml") if path.parent.name in NAMES) == sorted(FILES)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_each_file_is_one_document_that_is_taken_offline(path: Path):
    (document,) = yaml.safe_load_all(path.read_text())
    if document["kind"] == "ElasticityTest":
        checked_spec(path.name, document)
        return
    study = checked_study(path.name, document)
    assert study.variants[0].name == "main"
    assert study.repetitions_of(study.variants[0]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_size_has_the_same_stages_tasks_checks_and_objectives(name: str):
    def kept(size: str) -> Json:
        spec = spec_of(load(name, size))
        stages = [{key: stage.get(key) for key in ("name", "type", "tasks", "role", "objectives", "of", "concurrency")}
                  for stage in spec["load"]["stages"]]
        return {"stages": stages, "tasks": spec["load"]["tasks"], "objectives": spec["objectives"]}

    assert kept("staging") == kept("full")
    assert kept("smoke") == kept("full")


@pytest.mark.parametrize("name", NAMES)
def test_no_stage_of_a_smaller_size_is_longer(name: str):
    stages = [spec_of(load(name, size))["load"]["stages"] for size in ("smoke", "staging", "full")]
    seconds = [[stage.get("durationSeconds", stage.get("stepSeconds", 0)) for stage in each] for each in stages]
    assert all(small <= middle <= large for small, middle, large in zip(*seconds, strict=True))
    assert sum(seconds[0]) < sum(seconds[2]) / 4


@pytest.mark.parametrize("name", ["all-in-one", "cloud-autoscale"])
def test_all_compared_variants_of_a_study_ask_for_the_same_objectives(name: str):
    study = checked_study(name, load(name, "smoke"))
    runs = {run.variant: run_manifest(study, study.variant(run.variant), run)["spec"] for run in planned_runs(study)}
    asked = [spec["objectives"] for variant, spec in runs.items() if study.variant(variant).compared]
    assert len(asked) > 5
    assert all(one == asked[0] for one in asked)


def rows(document: Json, task: str) -> list[dict[str, str]]:
    found = next(one for one in spec_of(document)["load"]["tasks"] if one["name"] == task)
    inline: list[dict[str, str]] = found["dataset"]["inline"]
    return inline


def test_the_sentences_have_15_to_45_characters_and_one_mood_each():
    document = load("all-in-one", "full")
    moods, chats = rows(document, "emotion"), rows(document, "chat")
    assert len(moods) + len(chats) == 60
    assert all(15 <= len(row["text"]) <= 45 for row in (*moods, *chats))
    assert {row["mood"] for row in moods} == {"正面", "负面"}


def test_the_cut_of_a_row_is_at_most_50_characters_and_ends_with_a_clause_where_one_ends():
    for row in rows(load("all-in-one", "full"), "emotion-cut"):
        assert len(row["cut"]) <= 50
        assert row["text"].startswith(row["cut"])
        assert row["cut"] == row["text"] or row["cut"][-1] in "，。！？；"
    lengths = [len(row["text"]) for row in rows(load("all-in-one", "full"), "emotion-whole")]
    assert (min(lengths), max(lengths) > 100, max(lengths) <= 120) == (15, True, True)

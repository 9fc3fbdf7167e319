"""`elastometer compare`: which runs are meant, whether they can be compared, and what the exit code says."""
from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from elastometer.cli.main import main
from support.compare_command import compared, refused
from support.kept_runs import Run, archive_of, files_of, run_entry, study_record, write_run, write_runs, write_study

CALM, WORSE = (40, 41, 39), (80, 79, 81)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_runs(tmp_path / "base", CALM)


@pytest.fixture
def worse(tmp_path: Path) -> Path:
    return write_runs(tmp_path / "new", WORSE)


def test_more_misses_beyond_the_noise_are_a_regression(base: Path, worse: Path, capsys: pytest.CaptureFixture[str]):
    code, said, _ = compared(capsys, base, worse)
    assert code == 1
    assert said.startswith("new against base: Fail ")
    assert "✗ Regressed: Objective-miss seconds of new: +40 s" in said
    assert "Objective-miss seconds 40 s 80 s ✗ +40 s (+100 %)" in said


@pytest.mark.parametrize(("verdicts", "code", "words"), [
    (("Pass", "Fail"), 1, "Regressed: Failed objectives of new: +1"),
    (("Fail", "Fail"), 0, "against base: Pass"),
    (("Pass", "Inconclusive"), 3, "1 of 2 objectives could not be judged"),
], ids=["fails in every new run", "fails in all runs", "cannot be judged"])
def test_an_objective_that_has_no_seconds_counts_too(
    verdicts: tuple[str, str], code: int, words: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    """One on cold starts, while requests miss their objective for as long as before."""
    new = write_runs(tmp_path / "new", CALM)
    for directory, verdict in zip((base, new), verdicts, strict=True):
        for path in directory.glob("*/report.json"):
            report = json.loads(path.read_text())
            report["objectives"] = [{**report["objectives"][0], "verdict": one} for one in ("Fail", verdict)]
            path.write_text(json.dumps(report))
    found, said, _ = compared(capsys, base, new)
    assert found == code, said
    assert words in said


def test_runs_that_differ_within_the_noise_hold(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, said, _ = compared(capsys, base, write_runs(tmp_path / "same", (41, 40, 39)))
    assert code == 0
    assert "same against base: Pass" in said


def test_one_run_of_each_cannot_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, said, _ = compared(capsys, write_run(tmp_path / "a"), write_run(tmp_path / "b", Run(80)))
    assert code == 3
    assert "the noise between runs is not known" in said


def test_runs_without_a_known_miss_cannot_tell(tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]):
    code, said, _ = compared(capsys, base, write_runs(tmp_path / "new", (None, None, None)))
    assert code == 3
    assert "no objective" in said


@pytest.mark.parametrize(("gate", "code"), [
    ("missSeconds=10%", 1), ("missSeconds=60", 0), ("missSeconds=40", 3), ("gpuSeconds=5%", 0),
])
def test_a_gate_is_the_exit_code(
    gate: str, code: int, base: Path, worse: Path, capsys: pytest.CaptureFixture[str],
):
    found, said, _ = compared(capsys, base, worse, "--gate", gate)
    assert found == code, said


def test_every_gate_counts(base: Path, worse: Path, capsys: pytest.CaptureFixture[str]):
    assert compared(capsys, base, worse, "--gate", "gpuSeconds=5%", "--gate", "missSeconds=5")[0] == 1


@pytest.mark.parametrize(("gate", "flaw"), [
    ("missSeconds", "must be MEASURE=LIMIT"), ("misSeconds=1", "did you mean missSeconds?"),
    ("missSeconds=-1", "0 or more"), ("missSeconds=nan", "0 or more"), ("missSeconds=1.5%", "a whole number"),
    ("missSeconds=10001%", "from 0 to 10000"), ("missSeconds=1e999999999", "at most 12 digits"),
    (f"missSeconds={'9' * 5000}%", "from 0 to 10000"),
    ("missSeconds=lots", "must allow a number"), ("=1", "must be the name of a measure"),
])
def test_a_gate_that_is_none_is_refused(
    gate: str, flaw: str, base: Path, worse: Path, capsys: pytest.CaptureFixture[str],
):
    assert flaw in refused(capsys, base, worse, "--gate", gate)


def test_two_gates_of_one_measure_are_refused(base: Path, worse: Path, capsys: pytest.CaptureFixture[str]):
    assert "once for each measure" in refused(
        capsys, base, worse, "--gate", "missSeconds=1", "--gate", "missSeconds=2")


def test_bundles_are_given_one_by_one_too(base: Path, worse: Path, capsys: pytest.CaptureFixture[str]):
    first, *more = sorted(base.iterdir())
    code, said, _ = compared(capsys, "--base", f"old={first}", *more, "--new", *worse.iterdir())
    assert code == 1
    assert "new against old: Fail" in said
    again = compared(capsys, "--base", *base.iterdir(), "--new", worse / "r1", "--new", f"last={worse / 'r2'}")
    assert "new, last against base" in again[1]


def test_an_archive_is_read_like_a_directory(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    new = tmp_path / "packed"
    new.mkdir()
    for number in range(3):
        (new / f"{number}.tar.zst").write_bytes(archive_of(f"demo-{number}", files_of(Run(80 + number), f"u{number}")))
    code, said, _ = compared(capsys, base, new)
    assert code == 1
    assert "6 of 6 runs were compared" in said


def test_names_are_given_or_are_those_of_the_paths(tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]):
    other = write_runs(tmp_path / "deep/base", CALM)
    _, said, _ = compared(capsys, base, other)
    assert said.startswith(f"{other} against {base}")
    _, said, _ = compared(capsys, f"old={base}", f"new={other}")
    assert said.startswith("new against old")
    assert "must differ from that of every other, is 'x'" in refused(capsys, f"x={base}", f"x={other}")


def test_a_path_with_an_equals_sign_is_a_path(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, said, _ = compared(capsys, base, write_runs(tmp_path / "x=y", CALM))
    assert code == 0
    assert "x=y against base" in said


def test_the_variants_of_one_study_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    study = write_study(tmp_path / "study", {"cpu": WORSE, "queue": CALM}, baseline="queue")
    code, said, _ = compared(capsys, study)
    assert code == 1
    assert said.startswith("cpu against queue: Fail ")
    assert "✗ Regressed: Objective-miss seconds of cpu: +40 s" in said
    assert compared(capsys, study, "--gate", "missSeconds=60")[0] == 0


def test_variants_of_different_loads_are_compared_only_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    study = write_study(tmp_path / "study", {"queue": CALM, "cpu": WORSE})
    for run in (study / "runs").glob("scalers-cpu-*"):
        spec = json.loads((run / "spec.json").read_text())
        spec["spec"]["load"]["stages"][0]["endRequestsPerSecond"] = "9"
        (run / "spec.json").write_text(json.dumps(spec))
    code, said, _ = compared(capsys, study)
    assert code == 3
    assert "spec.load.stages[0].endRequestsPerSecond" in said
    assert compared(capsys, study, "--allow-different")[0] == 1


def test_a_calibration_in_a_study_hinders_no_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    study = write_study(tmp_path / "study", {"queue": CALM, "cpu": CALM, "knee": (7,)})
    record = json.loads((study / "study.json").read_text())
    record["spec"]["variants"].append({"name": "knee", "preset": "Calibration"})
    (study / "study.json").write_text(json.dumps(record))
    code, said, _ = compared(capsys, study)
    assert code == 0
    assert "knee is not compared" in said


def test_one_variant_of_two_studies_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    studies = [write_study(tmp_path / name, {"queue": misses, "cpu": (7, 7)})
               for name, misses in (("last", CALM), ("this", WORSE))]
    code, said, _ = compared(capsys, *studies, "--variant", "queue")
    assert (code, "6 of 6 runs were compared" in said) == (1, True)
    assert "--variant: must be a variant of the study" in refused(capsys, *studies)
    assert "is 'nope'" in refused(capsys, *studies, "--variant", "nope")


def test_a_run_of_a_study_without_a_bundle_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    study = write_study(tmp_path / "study", {"queue": CALM, "cpu": CALM})
    entries = [*json.loads((study / "study.json").read_text())["runs"],
               run_entry("cpu", 4, state="NotCarriedOut", reason="LoadJobFailed", message="why")]
    (study / "study.json").write_text(json.dumps(study_record(entries)))
    _, said, _ = compared(capsys, study)
    assert "6 of 7 runs were compared" in said
    assert "scalers-cpu-4 is not compared" in said


def test_an_inconclusive_run_is_in_no_comparison(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    new = write_runs(tmp_path / "new", (41, 40))
    write_run(new / "r3", Run(900, verdict="Inconclusive"))
    code, said, _ = compared(capsys, base, new)
    assert code == 0
    assert re.search(r"new/r3 is not compared: inconclusive: why", said)


def test_where_nothing_can_be_compared_no_verdict_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    runs = [write_run(tmp_path / name, Run(verdict="Inconclusive")) for name in "ab"]
    assert compared(capsys, *runs)[0] == 3


def test_another_load_is_refused_by_its_path(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    stages = [{"name": "steady", "type": "Rate", "durationSeconds": 30, "endRequestsPerSecond": "9"}]
    new = write_runs(tmp_path / "new", CALM, load={"tasks": [{"name": "poem", "prompt": "Write a poem."}],
                                                   "stages": stages})
    said = refused(capsys, base, new)
    assert "spec.load.stages[0].endRequestsPerSecond: '2' and '9'" in said
    assert "--allow-different" in said
    assert compared(capsys, base, new, "--allow-different")[0] == 0


def test_another_objective_is_refused_too_and_another_autoscaler_is_not(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    looser = write_runs(tmp_path / "looser", CALM, objectives=[
        {"name": "served", "indicator": "RequestSuccess", "minimumPercent": 90}])
    assert "minimumPercent: 99 and 90" in refused(capsys, base, looser)
    static = write_runs(tmp_path / "static", CALM, autoscaler={"type": "None", "replicas": 3})
    assert compared(capsys, base, static)[0] == 0


def test_a_run_that_is_given_twice_is_refused(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert "one run was given twice" in refused(capsys, base, base)
    assert "one run was given twice" in refused(capsys, base, base / "r1")
    shutil.copytree(base, tmp_path / "copied")
    said = refused(capsys, base, tmp_path / "copied")
    assert f"{base / 'r1'} in base" in said
    assert f"{tmp_path / 'copied/r1'} in copied" in said


def test_runs_stand_beside_each_other_in_order_of_time(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    """The paths of both groups say the opposite: r1 is the last run of `new`."""
    for hour, number in zip((12, 11, 10), (1, 2, 3), strict=True):
        run = write_run(tmp_path / f"new/r{number}", Run(40 + number))
        report = json.loads((run / "report.json").read_text())
        (run / "report.json").write_text(json.dumps({**report, "loadStart": f"2026-03-04T{hour}:00:00.000Z"}))
    main(["compare", str(base), str(tmp_path / "new"), "--output", "json"])
    runs = json.loads(capsys.readouterr().out)["runs"]
    found = {run["label"]["repetition"]: run["figures"]["missSeconds"] for run in runs
             if run["label"]["variant"] == "new"}
    assert found == {1: 43, 2: 42, 3: 41}


def test_hostile_names_stay_text(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    hostile = write_runs(tmp_path / "a\x1b[31m<script>\u202e|`", CALM)
    assert main(["compare", str(base), str(hostile), "--out", str(tmp_path / "out"), "--output", "markdown"]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "<script>\u202e" not in (tmp_path / "out/report.html").read_text()
    ElementTree.parse(tmp_path / "out/junit.xml")
    main(["compare", str(base), str(hostile)])
    assert not re.search("[\x1b\u202e]", capsys.readouterr().out)


def test_all_files_are_written_and_json_is_the_report(
    base: Path, worse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    out = tmp_path / "out"
    assert main(["compare", str(base), str(worse), "--out", str(out), "--junit", str(tmp_path / "deep/gate.xml"),
                 "--output", "json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in out.iterdir()) == ["junit.xml", "report.html", "report.json", "report.md"]
    assert printed == json.loads((out / "report.json").read_text())
    assert printed["verdict"] == "Fail"
    suite = ElementTree.parse(tmp_path / "deep/gate.xml").getroot()
    assert int(suite.get("failures") or 0) >= 1


def test_many_variants_stand_below_each_other(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    others = [write_runs(tmp_path / f"variant-{number}", CALM) for number in range(6)]
    main(["compare", str(base), *map(str, others)])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 130
    assert any(line.lstrip().startswith("variant-5") for line in lines)


@pytest.mark.parametrize("arguments", [[], ["x"], ["x", "--base", "y"], ["--base", "y"], ["--new", "y"]])
def test_wrong_usage_says_what_to_give(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(["compare", *arguments]) == 2
    assert "give" in capsys.readouterr().err


def test_paths_that_cannot_be_written_are_named(base: Path, worse: Path, tmp_path: Path,
                                                capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")
    assert main(["compare", str(base), str(worse), "--out", str(tmp_path / "file")]) == 4
    assert "cannot write" in capsys.readouterr().err

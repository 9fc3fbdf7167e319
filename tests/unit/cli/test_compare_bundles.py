"""What `elastometer compare` makes of bundles that are damaged, older, later, changed, or without a report."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from elastometer.analysis.analyze import judge
from elastometer.cli.main import main
from support.compare_command import compared, refused
from support.kept_runs import Run, study_record, write_run, write_runs, write_study

RECORDED = Path(__file__).parents[2] / "golden/runs/cpu1"
CALM = (40, 41, 39)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_runs(tmp_path / "base", CALM)


@pytest.fixture
def _without_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges without the search for what would help most, which no comparison reads and which takes seconds."""
    monkeypatch.setattr("elastometer.cli.studies.reports.judge", judge)


def test_what_is_no_bundle_is_refused(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("x")
    (tmp_path / "bad.tar.zst").write_text("x")
    assert "it has none" in refused(capsys, base, tmp_path / "empty")
    assert "it has none" in refused(capsys, base, tmp_path / "text")
    assert "must be a .tar.zst of a run" in refused(capsys, base, tmp_path / "bad.tar.zst")
    assert "no such file exists" in refused(capsys, base, tmp_path / "absent")


@pytest.mark.parametrize("name", ["report.json", "spec.json", "manifest.json"])
@pytest.mark.parametrize("content", [b"", b'{"a": ', b"[]", b"\xff\xfe", b"null"])
def test_a_damaged_file_is_named(
    name: str, content: bytes, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    run = write_run(tmp_path / "new")
    (run / name).write_bytes(content)
    code = main(["compare", str(base), str(run)])
    said = capsys.readouterr().err
    assert code in (2, 3), said
    assert code == 3 or (name in said and "must be" in said)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schemaVersion": 9}', '{"schemaVersion": 1}',
                                     json.dumps(study_record([{"name": "../../x", "variant": "a", "repetition": 1,
                                                               "state": "Judged"}]))])
def test_a_damaged_record_of_a_study_is_named(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "study").mkdir()
    (tmp_path / "study/study.json").write_text(content)
    assert "study.json" in refused(capsys, tmp_path / "study")


def test_a_report_of_a_later_schema_is_refused(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    said = refused(capsys, base, write_run(tmp_path / "new", Run(schema="elastometer.dev/report/v1alpha99")))
    assert "or an earlier one, has 'elastometer.dev/report/v1alpha99'" in said


@pytest.mark.usefixtures("_without_advice")
def test_a_report_of_an_earlier_schema_is_made_again(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copytree(RECORDED, tmp_path / "old")
    (tmp_path / "old/report.json").write_text('{"schemaVersion": "elastometer.dev/report/v1alpha1"}')
    code, _, error = compared(capsys, base, tmp_path / "old", "--allow-different")
    assert code == 3
    assert "its report has the earlier schema elastometer.dev/report/v1alpha1" in error


@pytest.mark.usefixtures("_without_advice")
def test_a_bundle_without_a_report_is_judged_and_that_is_said(
    base: Path, capsys: pytest.CaptureFixture[str],
):
    code, said, error = compared(capsys, base, RECORDED, "--allow-different")
    assert code == 3
    assert f"judging {RECORDED}: it has no report" in error
    assert "cpu1 (1 of 1)" in said


def test_reports_of_another_version_are_named(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    new = tmp_path / "new"
    for number in range(3):
        write_run(new / f"r{number}", Run(tool="0.0.7"))
    _, said, _ = compared(capsys, base, new)
    assert "note: judged by elastometer 0.0.7, and this is" in said


def test_a_report_that_is_not_the_operator_s_is_named(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = write_run(tmp_path / "new")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["files"] = [{"name": "report.json", "sha256": "0" * 64}]
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert "judged again or changed" in compared(capsys, base, run)[1]


def test_a_spec_that_is_not_the_recorded_one_is_refused(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    run = write_run(tmp_path / "new")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["files"] = [{"name": "spec.json", "sha256": "0" * 64}]
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert "must have the SHA-256" in refused(capsys, base, run)


@pytest.mark.usefixtures("_without_advice")
def test_a_study_s_runs_are_judged_again_on_demand_and_their_reports_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    study, out = write_study(tmp_path / "study", {"queue": (900,)}), tmp_path / "out"
    run = study / "runs/scalers-queue-1"
    shutil.rmtree(run)
    shutil.copytree(RECORDED, run)
    shutil.copy(write_run(tmp_path / "other", Run(900)) / "report.json", run)
    main(["judge", str(study)])
    assert " 900 s" in capsys.readouterr().out
    main(["judge", str(study), "--runs", "--out", str(out)])
    said = capsys.readouterr()
    assert " 900 s" not in said.out
    assert f"judging {run}: --runs was given" in said.err
    assert (out / "runs/scalers-queue-1/report.html").exists()
    assert "runs/scalers-queue-1/report.html" in (out / "report.html").read_text()

"""Studies on the command line: run, follow, fetch, replace and judge them, against an API server on loopback."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from elastometer.cli.cluster import create
from elastometer.cli.main import main
from elastometer.model.study_document import study_document
from elastometer.render.study.files import render_study
from elastometer.study.compare.of_study import KeptRun, compare_study
from support.cli_api import Served, cli_api
from support.kept_runs import Run, archive_of, files_of, run_entry, study_record, write_study
from support.studies import study_body

MISSES = {"queue": (40, 41, 39), "cpu": (80, 79, 81)}
TESTS, STUDIES = "elasticitytests", "elasticitystudies"
Json = dict[str, Any]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[Served, list[str]]]:
    with cli_api(tmp_path) as served:
        yield served


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    body = study_body({"name": "queue"}, {"name": "cpu"})
    body["metadata"] = {"name": "scalers"}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(body))
    return tmp_path / "study.yaml"


def conditions(succeeded: str = "Unknown", reason: str = "Running") -> list[Json]:
    return [{"type": "Succeeded", "status": succeeded, "reason": reason, "message": "why"}]


def entries() -> list[Json]:
    return [run_entry(variant, at) for at in (1, 2, 3) for variant in MISSES]


def operator_files(**spec: Any) -> dict[str, str]:
    """The ConfigMap as the operator leaves it."""
    record = study_record(entries(), **spec)
    kept = {}
    for entry in record["runs"]:
        files = run_files(entry)
        kept[entry["name"]] = KeptRun(json.loads(files["report.json"]), json.loads(files["spec.json"]))
    rendered = render_study(compare_study(study_document(record), kept))
    return {"study.json": json.dumps(record), **{name: content.decode() for name, content in rendered.items()
                                                 if name != "report.html"}}


def run_files(entry: Json) -> dict[str, bytes]:
    return files_of(Run(MISSES[entry["variant"]][entry["repetition"] - 1]), f"uid-{entry['name']}")


def finished(served: Served, verdict: str = "Pass", **spec: Any) -> Json:
    """The status of the finished study, with everything that it refers to."""
    served.put_map("scalers-study", operator_files(**spec))
    for entry in entries():
        reference = served.put_bundle(entry["name"], archive_of(entry["name"], run_files(entry)))
        served.put(TESTS, entry["name"], {"bundleRef": reference, "verdict": "Fail", "completionTime": "t"})
    return {"phase": "Completed", "verdict": verdict, "best": "queue", "completionTime": "2026-01-01T00:00:00Z",
            "conditions": conditions("True", "StudyCompleted"), "reportRef": {"name": "scalers-study"},
            "comparedRuns": 6, "progress": {"runs": "6/6", "done": 6, "all": 6}, "runs": entries()}


def test_a_study_is_run_from_its_file_to_its_comparison(
    api: tuple[Served, list[str]], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.play(STUDIES, "scalers", finished(served))
    out = tmp_path / "out"
    assert main(["run", str(manifest), *where, "--out", str(out), "--junit", str(tmp_path / "j.xml")]) == 0
    said = capsys.readouterr()
    assert served.created[0]["kind"] == "ElasticityStudy"
    assert said.out.startswith("cpu against queue: Fail (")
    assert "the operator's verdict is Pass" in said.out
    assert "staging/scalers: Pass" in said.out
    assert f"report: {out}/report.html" in said.out
    assert sorted(path.name for path in (out / "runs").iterdir()) == sorted(entry["name"] for entry in entries())
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("tests") != "0"


def test_the_reports_are_those_of_the_operator_byte_for_byte(
    api: tuple[Served, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.put(STUDIES, "scalers", finished(served))
    assert main(["fetch", "scalers", *where, "--out", str(tmp_path / "a")]) == 0
    assert main(["judge", str(tmp_path / "a"), "--out", str(tmp_path / "b")]) in (0, 1)
    operator = operator_files()
    for name in ("report.json", "report.md", "junit.xml"):
        assert (tmp_path / "a" / name).read_text() == operator[name], name
        assert (tmp_path / "b" / name).read_text() == operator[name], name
    page = (tmp_path / "a/report.html").read_bytes()
    assert main(["judge", str(tmp_path / "a"), "--out", str(tmp_path / "a")]) in (0, 1)
    assert (tmp_path / "a/report.html").read_bytes() == page
    capsys.readouterr()


def test_a_page_links_the_runs_only_where_their_pages_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    study, link = write_study(tmp_path / "study", MISSES), "runs/scalers-cpu-1/report.html"
    main(["judge", str(study), "--out", str(study)])
    assert link in (study / "report.html").read_text()
    main(["judge", str(study), "--out", str(tmp_path / "elsewhere")])
    assert link not in (tmp_path / "elsewhere/report.html").read_text()
    main(["compare", str(study), "--out", str(tmp_path / "compared")])
    assert link not in (tmp_path / "compared/report.html").read_text()
    capsys.readouterr()


def test_the_verdict_in_the_status_is_the_exit_code(
    api: tuple[Served, list[str]], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.play(STUDIES, "scalers", finished(served, "Inconclusive"))
    assert main(["run", str(manifest), *where, "--out", str(tmp_path / "out"), "--output", "json"]) == 3
    printed = json.loads(capsys.readouterr().out)
    assert (printed["best"], printed["exitCode"], len(printed["runs"])) == ("queue", 3, 6)


def test_a_study_whose_spec_is_refused_says_so_and_ends_with_two(
    api: tuple[Served, list[str]], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    status = {"completionTime": "t", "conditions": conditions("False", "SpecInvalid"), "runs": []}
    served.play(STUDIES, "scalers", status)
    assert main(["run", str(manifest), *where, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert "SpecInvalid: why" in said.out
    assert "has no report (yet)" in said.err


def test_runs_and_medians_are_shown_while_the_study_runs(
    api: tuple[Served, list[str]], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    done = finished(served)
    running = {**done, "phase": "Running", "progress": {"runs": "1/6"}, "conditions": conditions(), "comparedRuns": 1,
               "runs": [run_entry("queue", 1), {**run_entry("cpu", 1), "state": "Running", "verdict": None},
                        {**run_entry("queue", 2), "state": "Pending", "verdict": None}]}
    del running["completionTime"]
    served.put(TESTS, "scalers-cpu-1", {**served.look_status(TESTS, "scalers-cpu-1"), "phase": "Loading", "progress": {
        "stage": "ramp", "replicas": "2/4"}})
    served.play(STUDIES, "scalers", running, done)
    assert main(["run", str(manifest), *where, "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert "scalers-queue-1 Judged Fail" in lines
    assert "scalers-cpu-1 Loading" in lines
    assert "Running  1/6 runs" in lines
    assert any(line.startswith("queue: Objective-miss seconds 40 s") for line in lines)
    assert not any("scalers-queue-2 " in line and "Pending" in line for line in lines)


def test_a_comparison_that_may_not_be_read_stops_nothing(
    api: tuple[Served, list[str]], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.play(STUDIES, "scalers", finished(served))
    served.refused["configmaps"] = 403
    assert main(["run", str(manifest), *where, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "which needs `get` on it: 403" in said.err
    assert "staging/scalers: Pass" in said.out


def test_a_run_whose_bundle_is_gone_is_named_and_the_operator_s_reports_stay(
    api: tuple[Served, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.put(STUDIES, "scalers", finished(served))
    served.drop(TESTS, "scalers-cpu-2")
    assert main(["fetch", "scalers", *where, "--out", str(tmp_path / "out")]) == 4
    said = capsys.readouterr().err
    assert "ElasticityTest 'staging/scalers-cpu-2' was deleted" in said
    assert "1 of 6 runs could not be fetched" in said
    assert (tmp_path / "out/report.json").read_text() == operator_files()["report.json"]
    assert not (tmp_path / "out/report.html").exists()


def test_a_study_that_still_runs_gives_what_was_judged_so_far(
    api: tuple[Served, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    status = finished(served)
    del status["completionTime"]
    status["runs"] = [run_entry("queue", 1), {**run_entry("cpu", 1), "state": "Running"}]
    served.put(STUDIES, "scalers", status)
    assert main(["fetch", "scalers", *where, "--out", str(tmp_path / "out")]) == 0
    assert "the study still runs" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out/runs").iterdir()] == ["scalers-queue-1"]


def test_a_name_of_both_kinds_asks_which(
    api: tuple[Served, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.put(STUDIES, "scalers", finished(served))
    served.put(TESTS, "scalers", {"completionTime": "t"})
    assert main(["fetch", "scalers", *where, "--out", str(tmp_path / "out")]) == 2
    assert "--kind study" in capsys.readouterr().err
    assert main(["fetch", "scalers", *where, "--kind", "study", "--out", str(tmp_path / "out")]) == 0


def test_a_name_of_neither_kind_is_said_to_be_none(
    api: tuple[Served, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    _, where = api
    assert main(["fetch", "nobody", *where, "--out", str(tmp_path / "out")]) == 2
    assert "there is no ElasticityTest or ElasticityStudy 'staging/nobody'" in capsys.readouterr().err


def test_a_cluster_of_an_older_version_still_has_its_tests(
    api: tuple[Served, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.unknown.add(STUDIES)
    reference = served.put_bundle("demo", archive_of("demo", files_of(Run(), "u")))
    served.put(TESTS, "demo", {"bundleRef": reference, "completionTime": "t"})
    assert main(["fetch", "demo", *where, "--out", str(tmp_path / "out")]) == 0
    served.unknown.add(TESTS)
    assert main(["fetch", "demo", *where, "--out", str(tmp_path / "out")]) == 4
    assert "elastometer is not installed" in capsys.readouterr().err


def test_a_study_in_a_cluster_that_knows_none_says_what_to_install(
    api: tuple[Served, list[str]], manifest: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.unknown.add(STUDIES)
    served.refused[f"/{STUDIES}"] = 404
    assert main(["run", str(manifest), *where]) == 4
    assert "does not know ElasticityStudy" in capsys.readouterr().err


def test_a_study_that_runs_is_followed_by_its_name(
    api: tuple[Served, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.put(STUDIES, "scalers", finished(served))
    assert main(["run", "scalers", "--attach", *where, "--out", str(tmp_path / "out")]) == 0
    assert "following staging/scalers" in capsys.readouterr().err
    assert served.created == []


def test_an_existing_study_is_not_touched_without_replace(
    api: tuple[Served, list[str]], manifest: Path, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    served.put(STUDIES, "scalers", finished(served))
    assert main(["run", str(manifest), *where]) == 2
    said = capsys.readouterr().err
    assert "ElasticityStudy 'staging/scalers' already exists and is finished" in said
    assert "give the new study another `metadata.name`" in said


def test_replace_waits_until_the_runs_of_the_old_study_are_gone(
    api: tuple[Served, list[str]], manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
):
    served, where = api
    monkeypatch.setattr(create, "DELETION_POLL_SECONDS", 0.0)
    served.put(STUDIES, "scalers", {})
    owner = [{"uid": f"uid-{STUDIES}-scalers"}]
    labels = {"elastometer.dev/study": "scalers"}
    served.put(TESTS, "scalers-old-1", ownerReferences=owner, labels=labels)
    served.put(TESTS, "scalers-other-1", ownerReferences=[{"uid": "of another"}], labels=labels)
    status = finished(served)
    served.play(STUDIES, "scalers", {}, status)
    assert main(["run", str(manifest), "--replace", *where, "--out", str(tmp_path / "out")]) == 0
    order = [line for line in served.asked if line.endswith((f"/{TESTS}", f"/{STUDIES}", "/scalers"))]
    deleted = next(at for at, line in enumerate(order) if line.startswith("DELETE"))
    made = next(at for at, line in enumerate(order) if line.startswith("POST"))
    assert [line for line in order[deleted:made] if line.endswith(f"/{TESTS}")] != []
    assert served.has(TESTS, "scalers-other-1")
    assert not served.has(TESTS, "scalers-old-1")


def test_what_does_not_go_away_is_named_with_its_finalizers(
    api: tuple[Served, list[str]], manifest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
):
    served, where = api
    monkeypatch.setattr(create, "DELETION_POLL_SECONDS", 0.0)
    monkeypatch.setattr(create, "DELETION_DEADLINE_SECONDS", 0.0)
    served.put(STUDIES, "scalers", {})
    served.put(TESTS, "scalers-old-1", ownerReferences=[{"uid": f"uid-{STUDIES}-scalers"}], finalizers=["f"],
               labels={"elastometer.dev/study": "scalers"})
    served.stays(TESTS, "scalers-old-1")
    assert main(["run", str(manifest), "--replace", *where]) == 4
    assert "the finalizers of scalers-old-1 are ['f']" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(
    api: tuple[Served, list[str]], manifest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
):
    _, where = api

    def interrupted(*_: object) -> Iterator[object]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("elastometer.cli.run.study_versions", interrupted)
    assert main(["run", str(manifest), *where]) == 4
    said = capsys.readouterr().err
    assert "the study continues in the cluster" in said
    assert "elastometer run scalers -n staging --attach" in said
    assert "kubectl delete estudy scalers -n staging" in said


def test_keep_is_refused_for_a_study(manifest: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["run", str(manifest), "--keep"]) == 2
    assert "spec.template.cleanupPolicy" in capsys.readouterr().err


def test_a_kind_that_is_not_the_file_s_is_refused(manifest: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["run", str(manifest), "--kind", "test"]) == 2
    assert "--kind: must be that of" in capsys.readouterr().err


def test_judge_of_a_study_prints_its_gates_as_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    study = write_study(tmp_path / "study", MISSES, gates=[{"measure": "missSeconds", "maximumRegressionPercent": 10}])
    assert main(["judge", str(study)]) == 1
    assert "✗ Regressed: Objective-miss seconds of cpu" in capsys.readouterr().out
    assert main(["judge", str(study), "--output", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdictReason"] == "GatesRegressed"


@pytest.mark.parametrize("spec", [{}, {"variants": []}, {"variants": [{"name": 7}], "template": {}}, {"template": {}}])
def test_a_record_whose_spec_is_no_study_s_is_refused_by_path(
    spec: Json, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    study = write_study(tmp_path / "study", MISSES)
    record = json.loads((study / "study.json").read_text())
    (study / "study.json").write_text(json.dumps({**record, "spec": spec}))
    assert main(["judge", str(study)]) == 2
    said = capsys.readouterr().err
    assert "is not the record of a study" in said
    assert "  spec." in said


def test_one_run_that_stands_for_two_of_a_study_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    study = write_study(tmp_path / "study", MISSES)
    report = (study / "runs/scalers-queue-1/report.json").read_bytes()
    (study / "runs/scalers-cpu-1/report.json").write_bytes(report)
    assert main(["compare", str(study)]) == 2
    assert "must be of another run than scalers-queue-1, but has the same uid" in capsys.readouterr().err


def test_a_record_that_is_nested_too_deep_is_refused_by_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    study = write_study(tmp_path / "study", MISSES)
    deep = '{"a":' * 500 + "1" + "}" * 500
    record = json.loads((study / "study.json").read_text())
    record["spec"]["variants"][0]["patch"] = {"here": "it goes"}
    (study / "study.json").write_text(json.dumps(record).replace('"it goes"', deep))
    assert main(["judge", str(study)]) == 2
    assert "spec.variants[0].patch: must have at most 40 levels" in capsys.readouterr().err


def test_runs_is_for_studies(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["judge", str(tmp_path), "--runs"]) == 2
    assert "--runs: must come with the directory of a study" in capsys.readouterr().err

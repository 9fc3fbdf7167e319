"""The report of a study opens with the tables of the run that it reports but does not compare."""
from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from elastometer.judgement import judge
from elastometer.model.bundle_files import REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN
from elastometer.model.read_back import NotReadBack, read_back
from elastometer.model.report import Report
from elastometer.model.study_document import RunEntry, RunState, StudyDocument
from elastometer.model.study_names import StudyNames
from elastometer.render.json_report import plain, to_json
from elastometer.render.study.files import render_study
from elastometer.render.tables.sections import table_sections
from elastometer.study.compare.of_study import KeptRun, compare_study
from elastometer.world.bundle_reader import load_bundle
from support.comparisons import SPEC
from support.synthetic.run import write_run

VARIANTS = [{"name": "main", "compared": False, "repetitions": 1}, {"name": "queue"}, {"name": "most"}]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return judge(load_bundle(write_run(tmp_path_factory.mktemp("run"))))


@pytest.fixture(scope="module")
def document(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(report))
    return found


def compared(document: dict[str, Any], variants: list[dict[str, Any]]) -> dict[str, str]:
    entries = tuple(RunEntry(f"s-{one['name']}-1", one["name"], 1, state=RunState.JUDGED) for one in variants)
    record = StudyDocument(StudyNames("team-a", "s", "uid"), {"template": SPEC, "variants": variants}, entries, None,
                           datetime(2026, 3, 4, tzinfo=UTC))
    found = compare_study(record, {entry.name: KeptRun(document, {"spec": SPEC}) for entry in entries})
    return {name: content.decode() for name, content in render_study(found).items()}


def test_what_is_read_back_of_a_report_is_what_was_written(report: Report, document: dict[str, Any]):
    again = read_back(Report, document)
    assert plain(again) == document
    assert replace(again, scale_outs=report.scale_outs) == report  # the page alone has the words of a waterfall


@pytest.mark.parametrize(("change", "path"), [
    ({"verdict": "Passed"}, "Verdict"), ({"load": {}}, "list"), ({"summary": None}, "object"), ({"test": 7}, "str")])
def test_a_report_of_another_form_is_not_read_back(document: dict[str, Any], change: dict[str, Any], path: str):
    with pytest.raises(NotReadBack, match=path):
        read_back(Report, {**document, **change})


def test_a_field_of_a_later_version_is_left_and_one_of_none_has_its_default(document: dict[str, Any]):
    older = {key: value for key, value in document.items() if key != "memory"} | {"ofLater": 1}
    assert read_back(Report, older).memory is None


def test_a_study_opens_with_the_sections_of_the_run_that_it_only_reports(report: Report, document: dict[str, Any]):
    files = compared(document, VARIANTS)
    sections = table_sections(report)
    assert sections, "a report without tables proves nothing"
    page = files[REPORT_HTML]
    for section in sections:
        assert 0 < page.index(f'<h2 id="{section.anchor.value}"') < page.index('<h2 id="result"')
        assert f"## {section.title}" in files[REPORT_MARKDOWN]
    assert 'href="runs/s-main-1/report.html">Its whole report</a>' in page


def test_the_json_of_a_study_has_the_tables_under_the_names_of_a_report(document: dict[str, Any]):
    found = json.loads(compared(document, VARIANTS)[REPORT_JSON])
    assert [key for key in ("load", "memory", "inShort", "findings") if found[key] != document[key]] == []
    assert found["baseline"] == "queue"


def test_a_study_that_compares_every_variant_reports_no_run(document: dict[str, Any]):
    files = compared(document, [{"name": "queue"}, {"name": "most"}])
    assert json.loads(files[REPORT_JSON])["load"] is None
    assert 'id="reported"' not in files[REPORT_HTML]


def test_a_report_that_cannot_be_read_back_is_said_to_be_of_another_version(document: dict[str, Any]):
    page = compared({**document, "stages": 3}, VARIANTS)[REPORT_HTML]
    assert "its report is of another version" in page
    assert "judge --runs" in page

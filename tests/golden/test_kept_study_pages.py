"""The report of a study prints every section of the run that it reports, as the report of the run does."""
from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elastometer.model.bundle_files import REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN
from elastometer.model.comparison import Comparison, ReportedRun
from elastometer.model.read_back import read_back
from elastometer.model.report import Report
from elastometer.render.files import render_all
from elastometer.render.json_report import to_json
from elastometer.render.study.files import render_study
from elastometer.render.tables.sections import table_sections
from support.judged_runs import judged_run
from support.study_worlds import study

KEPT = sorted((Path(__file__).parent / "studies").glob("*"))
HEADING = re.compile(r'<h2 id="([a-z-]+)"')
# The curves that the script of a run's page draws from its timeline, which the report of a study does not have.
CURVES = re.compile(r'<div class="charts multiples">.*?</figure>\s*</div>', re.DOTALL)


@pytest.fixture(scope="module", params=KEPT, ids=lambda path: path.name)
def report(request: pytest.FixtureRequest) -> Report:
    path: Path = request.param
    return judged_run(path)


def reported_by(report: Report) -> Comparison:
    """A study that reports the run, as it is read back from its JSON."""
    document: dict[str, Any] = json.loads(to_json(report))
    return replace(study(), reported=ReportedRun("main", "s-main-1", read_back(Report, document)))


def test_every_section_and_chart_of_a_run_is_on_the_page_of_its_study(report: Report) -> None:
    wanted = [section.anchor.value for section in table_sections(report)]
    assert len(wanted) > 5
    page, alone = (" ".join(CURVES.sub("", files[REPORT_HTML].decode()).split())
                   for files in (render_study(reported_by(report)), render_all(report)))
    assert [anchor for anchor in HEADING.findall(page) if anchor in wanted] == wanted
    of_sections = [part.split("</section>")[0] for part in alone.split("<section>") if any(
        f'<h2 id="{anchor}"' in part for anchor in wanted)]
    assert len(of_sections) == len(wanted)
    assert [part for part in of_sections if part not in page] == []


def test_markdown_and_json_of_the_study_have_them_too(report: Report) -> None:
    files = render_study(reported_by(report))
    found, own = json.loads(files[REPORT_JSON]), json.loads(to_json(report))
    assert found["levels"] == own["levels"] != []
    assert found["inShort"] == own["inShort"] != []
    text = files[REPORT_MARKDOWN].decode()
    assert "## In short" in text
    assert all(f"## {section.title}" in text or "Left out" in text for section in table_sections(report))

"""The kept runs of the studies, judged again: every table of the document that one run can answer is in the report."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elastometer.render.json_report import to_json
from support.broken_studies import TROUBLES
from support.judged_runs import judged_run
from support.recomputed import counter_differences, records_in
from support.seed_tables import found_table, seed_tables

ROOT = Path(__file__).parents[2]
KEPT = sorted(ROOT.glob("tests/golden/studies/*"))
# These are of the study, which compares several runs.
OF_VARIANTS = "variants"


@pytest.fixture(scope="module", params=KEPT, ids=lambda path: path.name)
def kept(request: pytest.FixtureRequest) -> tuple[Path, dict[str, Any]]:
    return request.param, json.loads(to_json(judged_run(request.param)))


def test_every_table_of_the_document_is_in_the_report(kept: tuple[Path, dict[str, Any]]) -> None:
    path, report = kept
    listed = seed_tables(ROOT / f"tests/studies/{path.name}.yaml")
    wanted = [one for one in listed if not one.rows.startswith(OF_VARIANTS)]
    flaws = {f"§{one.section} {one.title}": found_table(one, report).flaws for one in wanted}
    assert {title: found for title, found in flaws.items() if found} == {}


def test_the_servers_counted_what_the_records_say(kept: tuple[Path, dict[str, Any]]) -> None:
    path, _ = kept
    if path.name == "cloud-autoscale":
        pytest.skip("replicas are removed on the way, and a counter is gone with the last scrape of its Pod")
    assert counter_differences(path, records_in(path)) == ()


def test_no_trouble_is_found_where_none_was_planted(kept: tuple[Path, dict[str, Any]]) -> None:
    _, report = kept
    assert [one["name"] for one in report["findings"] if one["name"] in TROUBLES] == []

"""A table of a document is found in a report, cell by cell, and a cell without a number needs a reason."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.seed_tables import SeedTable, found_table, seed_tables, values_at

SEEDS = Path(__file__).parents[2] / "studies"
REPORT: dict[str, Any] = {
    "levels": [
        {"stage": "level-1", "level": 1, "latency": {"p50": 10.0, "p99": None, "needs": {"p99": 368}}},
        {"stage": "level-2", "level": 2, "latency": {"p50": 20.0, "p99": 30.0}, "cpuCores": None,
         "missing": {"cpu_cores": "no container was scraped"}},
        {"stage": "climb", "level": 7, "latency": {"p50": 1.0}},
    ],
    "memory": {"rows": [{"levels": [{"name": "level-1", "meanBytes": 5}],
                         "returned": {"milliseconds": None, "reason": "load follows"}}]},
    "rows": [{"measure": {"name": "p50"},
              "figures": [{"variant": "a", "median": 3}, {"variant": "b", "median": None}]}],
    "variants": [{"name": "a"}, {"name": "b"}],
    "nothing": [],
}


def table(rows: str, least: int = 1, **columns: str) -> SeedTable:
    return SeedTable("1", "of a document", rows, columns, least)


def dashes(rows: str, **columns: str) -> list[tuple[int, str, str | None]]:
    return [(one.row, one.column, one.reason) for one in found_table(table(rows, **columns), REPORT).dashes]


@pytest.mark.parametrize(("path", "values"), [
    ("levels[].level", [1, 2, 7]), ("levels[stage~level-].level", [1, 2]), ("levels[level=7].stage", ["climb"]),
    ("levels[stage~level-][level=2].stage", ["level-2"]),
    ("rows[measure.name=p50].figures[variant=a].median", [3]), ("nowhere.at[].all", []), ("levels[].cpuCores", [])])
def test_a_place_leads_to_its_values(path: str, values: list[object]):
    assert list(values_at(REPORT, path)) == values


def test_a_percentile_without_a_value_says_how_many_it_needs():
    assert dashes("levels[stage~level-]", p99="latency.p99") == [(1, "p99", "needs 368 values")]


def test_a_dash_has_the_reason_that_is_nearest_to_it():
    assert dashes("levels[level=2]", cpu="cpuCores") == [(1, "cpu", "no container was scraped")]
    assert dashes("memory.rows[]", back="returned.milliseconds") == [(1, "back", "load follows")]


def test_a_number_below_the_row_and_one_beside_it_are_found():
    assert dashes("memory.rows[]", at="levels[name=level-1].meanBytes") == []
    assert dashes("variants[]", p50="/rows[measure.name=p50].figures[variant={name}].median") == [(2, "p50", None)]


def test_a_dash_without_a_reason_and_too_few_rows_are_flaws():
    assert found_table(table("levels[level=7]", p99="latency.p99"), REPORT).flaws == (
        "row 1, p99: no number and no reason",)
    assert found_table(table("nothing[]", at="x"), REPORT).flaws == ("0 rows at nothing[], must be at least 1",)
    assert found_table(table("nothing[]", 0, at="x"), REPORT).flaws == ()


def test_every_document_has_its_tables_with_sections_and_columns():
    listed = {path.stem: seed_tables(path) for path in SEEDS.glob("*.yaml")}
    assert set(listed) == {"all-in-one", "cloud-autoscale", "limits"}
    assert all(len(tables) >= 10 and all(one.columns and one.section for one in tables) for tables in listed.values())

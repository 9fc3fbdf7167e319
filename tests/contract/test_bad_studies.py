"""Every bad study of the table is refused without an API server, with path, rule and value; none crashes anything."""
from __future__ import annotations

import re
from typing import Any

import pytest

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.offline_study import checked_study
from support.bad_studies import TABLE, bad_study


def lines_of(study: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(CliError) as refused:
        checked_study("study.yaml", study)
    assert refused.value.code == Exit.SPEC_OR_USAGE
    assert refused.value.lines[0] == "study.yaml cannot be run:"
    return refused.value.lines[1:]


def test_the_table_is_long_and_every_row_says_who_refuses_it():
    assert len(TABLE) >= 60
    assert len({row["name"] for row in TABLE}) == len(TABLE)
    assert all(("refused" in row) != ("ended" in row) for row in TABLE)
    ended = {bad_study(row)["metadata"]["name"] for row in TABLE if "ended" in row}
    assert len(ended) == len([row for row in TABLE if "ended" in row]) >= 15  # a lab creates them in one namespace


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row["name"]))
def test_a_bad_study_is_refused_offline_by_path_and_rule(row: dict[str, Any]):
    lines = lines_of(bad_study(row))
    expected = [*row.get("offline", ()), *row.get("ended", ())]
    assert expected
    assert [text for text in expected if text not in "\n".join(lines)] == [], lines
    assert [line for line in lines if re.match(r"  (metadata|spec)[^:]*: ", line) is None] == []

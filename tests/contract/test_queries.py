"""Every query of docs/queries.md, run on a sealed bundle: each question has one answer, whatever is asked with."""
from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from elastometer.world.bundle_writer import compact
from elastometer.world.run_store import RunStore
from support.synthetic.answers import write_answers

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text()
QUESTIONS = {title: dict(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL))
             for title, text in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)}
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_answers(tmp_path_factory.mktemp("queries") / "demo")
    compact(RunStore(directory))
    return directory


def plain(value: Any) -> Any:
    """Instants as text and numbers as floats, whatever library they came from."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return round(float(value), 4) if isinstance(value, (int, float)) else value


def rows(found: Any) -> Rows:
    return [tuple(plain(value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value) for value in row)
            for row in found]


def asked_polars(query: str) -> Rows:
    names: dict[str, Any] = {"pl": pl}
    exec(query, names)
    return rows(names["answer"].rows())


def asked_duckdb(query: str) -> Rows:
    duckdb = pytest.importorskip("duckdb")
    return rows(duckdb.connect().execute(query).fetchall())


def asked_pandas(query: str) -> Rows:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    names: dict[str, Any] = {"pandas": pandas, "json": json}
    exec(query, names)
    return rows(names["answer"].itertuples(index=False, name=None))


def test_every_question_has_a_query_for_each_tool():
    assert len(QUESTIONS) >= 8
    assert all(set(queries) == {"sql", "polars", "pandas"} for queries in QUESTIONS.values())


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_tool_gives_the_same_answer(question: str, run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(run)
    expected = asked_polars(QUESTIONS[question]["polars"])
    assert expected
    assert asked_duckdb(QUESTIONS[question]["sql"]) == expected
    assert asked_pandas(QUESTIONS[question]["pandas"]) == expected

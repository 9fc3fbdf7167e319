"""The tables about answers as people read them: each number with its interval, each dash with its reason."""
from __future__ import annotations

from typing import Any

from elastometer.analysis.requests.answer_tables import with_answer_tables
from elastometer.analysis.requests.answers import answer_rows
from elastometer.analysis.requests.latency import load_rows
from elastometer.model.report import Report
from elastometer.model.request import RecordedRequest
from elastometer.render.files import render_all
from elastometer.render.tables import answers
from elastometer.render.tables.table import TableSection, cell_text
from support.answered import answered, blank_report, conversation, evidence_of, recall_task

CHAT: dict[str, Any] = {"name": "chat", "prompt": "Hello", "checks": [{"type": "Crosstalk"}]}
EMOTION: dict[str, Any] = {"name": "emotion", "prompt": "Which?", "checks": [{"type": "Label"}, {"type": "Crosstalk"}]}
PERSON: dict[str, Any] = {"name": "person", "prompt": "Extract.", "checks": [{"type": "JSONSchema"}]}
OBJECTIVE = {"name": "json", "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": 95}


def report_of(requests: list[RecordedRequest], *tasks: dict[str, Any], objectives: tuple[Any, ...] = ()) -> Report:
    evidence = evidence_of(requests, *tasks, objectives=objectives)
    return with_answer_tables(evidence, blank_report(load=load_rows(evidence), answers=answer_rows(evidence)))


def texts(section: TableSection | None, table: int = 0) -> list[tuple[str, ...]]:
    assert section is not None
    return [tuple(map(cell_text, row.cells)) for row in section.tables[table].rows]


def mixed(own: int, other: int) -> list[RecordedRequest]:
    found = [None] * own + ["OtherTask"] * other
    return [answered(number, {"Crosstalk": failure}, task=("chat", "emotion")[number % 2])
            for number, failure in enumerate(found)]


def test_isolation_has_bounds_and_says_what_it_cannot_show():
    section = answers.isolation(report_of([*mixed(94, 6), answered(200)], CHAT, EMOTION))
    assert texts(section) == [("calm", "101", "94", "6 (2.78 % to 12.48 %)", "–", "1")]
    assert section is not None
    assert section.tables[0].remarks == (
        "–: no prompt of these stages carries a mark, {{ canary }}, that another answer could show.",)
    assert section.tables[0].rows[0].is_bad


def test_ends_have_tokens_characters_and_who_ended_them():
    requests = [answered(number, {"Truncation": None}, requestedTokens=8192, completionTokens=made,
                         outputCharacters=4 * made, lasts=10) for number, made in enumerate((7600, 7580, 7612))]
    section = answers.answer_ends(report_of(requests, {**CHAT, "checks": [{"type": "Truncation"}]}))
    assert texts(section) == [(
        "calm", "chat", "3", "8,192", "7,600 (7,580 to 7,612)", "30,400 (30,320 to 30,448)", "the model: 3",
        "0 of 3 (at most 56.15 %)", "760.0 (758.0 to 761.2)")]


def test_repetition_is_a_table_of_its_own_where_it_was_looked_at():
    repeat = {"share": 0.3, "ngramCount": 41, "quarters": [0.0, 0.05, 0.1, 0.9]}
    requests = [answered(1, {"Repetition": None}, completionTokens=500, repeat=repeat)]
    section = answers.answer_ends(report_of(requests, {**CHAT, "checks": [{"type": "Repetition"}]}))
    assert texts(section, 1) == [("calm", "chat", "1", "30.0 %", "41", "0 % · 5 % · 10 % · 90 %", "1")]
    without = answers.answer_ends(report_of([answered(1)], CHAT))
    assert without is not None
    assert len(without.tables) == 1


def test_structured_answers_have_each_aspect_and_what_their_objective_takes():
    requests = [answered(number, {"JSONSchema": "FieldCase:name" if number < 2 else "NotJSON" if number < 5 else None},
                         task="person") for number in range(100)]
    (row,) = texts(answers.structured(report_of(requests, PERSON, objectives=(OBJECTIVE,))))
    assert row == (
        "person", "calm", "–", "95 of 100 (88.83 % to 97.85 %)", "97 of 100 (91.55 % to 98.97 %)",
        "97 of 97 (at least 96.19 %)", "95 of 97 (92.79 % to 99.43 %)", "97 of 97 (at least 96.19 %)",
        "97 of 97 (at least 96.19 %)", "97 of 97 (at least 96.19 %)", "NotJSON 3, FieldCase:name 2",
        "at least 95 % is not shown (no number of answers at this share would)")


def test_recall_says_from_which_distance_on_facts_are_forgotten():
    requests = [request for distance, lost in ((1, 0), (4, 20)) for number in range(20)
                for request in conversation(100 * distance + number, distance, forgotten=number < lost)]
    section = answers.recall(report_of(requests, recall_task(1), recall_task(4)))
    assert texts(section) == [
        ("1", "80", "recall", "after-1", "20", "0", "100.00 % (at least 83.89 %)"),
        ("4", "200", "recall", "after-4", "0", "20", "0.00 % (at most 16.11 %)")]
    assert section is not None
    assert section.sentences == (
        "With 4 turns (200 tokens) or more between, fewer than 90 % of the facts were recalled: 0 of 20 there, at most "
        "16.11 %.",)


def test_sections_are_in_the_page_and_in_markdown_only_where_their_data_is_there():
    files = {name: content.decode() for name, content in render_all(report_of(mixed(9, 1), CHAT, EMOTION)).items()}
    for name, mark in (("report.md", "## Isolation"), ("report.html", 'id="isolation"')):
        assert mark in files[name]
    for absent in ("## Structured answers", "## Recall"):
        assert absent not in files["report.md"]


def test_many_rows_are_cut_and_counted():
    requests = [answered(number, stage=f"s{number:02d}", completionTokens=5) for number in range(34)]
    markdown = render_all(report_of(requests, CHAT))["report.md"].decode()
    assert "4 more rows are in report.json." in markdown
    assert "| s29 | chat |" in markdown
    assert "| s30 | chat |" not in markdown.split("## How answers ended")[1].split("\n## ")[0]

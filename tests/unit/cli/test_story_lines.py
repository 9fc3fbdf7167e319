"""Terminal, JUnit, Markdown, page and status begin with the same sentences, and hostile text in them stays text."""
from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from elastometer.analysis.analyze import judge
from elastometer.cli.base.exits import Exit
from elastometer.cli.base.summary import in_words, summary_rows
from elastometer.cli.main import main
from elastometer.controller.outcome import _verdict_condition
from elastometer.model.report import Report
from elastometer.model.snapshot import report_fact
from elastometer.model.story import Sentence, SentenceKind
from elastometer.render.files import render_all
from elastometer.world.bundle_reader import load_bundle

RUNS = Path(__file__).parents[2] / "golden/runs"
BLIND = "The run passes, but no objective covers the 65 s in which p95 was above 5 s"


@lru_cache(maxsize=1)
def report() -> Report:
    return judge(load_bundle(RUNS / "cpu1"))


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def finished() -> dict[str, Any]:
    return {"metadata": {"namespace": "team", "name": "demo"}, "status": {
        "verdict": "Pass", "conditions": [{"type": "Succeeded", "status": "True"}]}}


def test_the_end_of_a_run_begins_with_verdict_and_sentences_and_ends_with_the_patch(tmp_path: Path):
    document = json.loads(render_all(report())["report.json"])
    document["story"]["advice"]["patch"] = "spec:\n  minReplicas: 2\n"
    (tmp_path / "report.json").write_text(json.dumps(document))
    lines = in_words(finished(), tmp_path)
    said = on_one_line("\n".join(lines))
    assert lines[0] == "team/demo: Pass"
    assert on_one_line(lines[1]).startswith(on_one_line(report().story.sentences[0].text)[:40])
    assert all(f"{on_one_line(one.text)}." in said for one in report().story.sentences)
    assert lines[-4:-1] == ["  the change as a patch:", "    spec:", "      minReplicas: 2"]
    assert all(len(line) <= 120 for line in lines)


def test_a_run_without_a_report_or_with_one_of_before_has_no_sentences(tmp_path: Path):
    assert in_words(finished(), None) == ["team/demo: Pass"]
    (tmp_path / "report.json").write_text("{}")
    assert len(in_words(finished(), tmp_path)) == 2


def test_a_report_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "report.json").write_text('{"story": ')
    assert any("report.json cannot be read" in line for line in in_words(finished(), tmp_path))


def test_every_file_of_a_report_has_the_sentences():
    files = render_all(report())
    suite = ElementTree.fromstring(files["junit.xml"]).find("system-out")
    assert suite is not None
    for one in report().story.sentences:
        assert one.text in (suite.text or "")
        # The page and Markdown turn backticks into code and escape what would be markup.
        plain = one.text.split("`")[0].split("_")[0].split("'")[0]
        assert plain in files["report.md"].decode()
        assert plain in files["report.html"].decode()


def test_hostile_text_in_a_sentence_stays_text():
    hostile = "<script>alert(1)</script> | [x](javascript:y) \x1b[31m"
    story = replace(report().story, sentences=(Sentence(SentenceKind.HAPPENED, hostile, ()),))
    files = render_all(replace(report(), story=story))
    assert b"<script>alert" not in files["report.html"]
    assert "\\[x\\](javascript" in files["report.md"].decode()
    assert "\x1b" not in files["report.md"].decode()
    assert ElementTree.fromstring(files["junit.xml"]).find("script") is None


def test_the_condition_of_a_pass_that_is_blind_begins_with_that():
    document = json.loads(render_all(report())["report.json"])
    assert document["verdict"] == "Pass"
    fact = report_fact(document)
    assert fact is not None
    assert fact.blind.startswith(BLIND)
    condition = _verdict_condition(fact)
    assert condition.status == "True"
    assert condition.message.startswith(BLIND)
    assert "; served: " in condition.message


def test_judge_prints_the_sentences_after_the_verdict(capsys: Any):
    assert main(["judge", str(RUNS / "cpu1")]) == Exit.PASSED
    lines = capsys.readouterr().out.splitlines()
    assert ": Pass (" in lines[0]
    assert BLIND in on_one_line(" ".join(lines[1:5]))


def test_the_summary_prints_numbers_as_the_sentences_do():
    rows = dict(summary_rows(
        {"timeToFirstTokenP95Milliseconds": 8790, "requestCount": 1018, "coldStartMilliseconds": 412}))
    assert rows == {"TTFT p95": "8.79 s", "requests": "1,018", "cold start, median": "412 ms"}
    happened = report().story.happened
    assert happened is not None
    printed = dict(summary_rows({"timeToFirstTokenP95Milliseconds": happened.first_token_p95_milliseconds,
                                 "requestCount": happened.request_count}))
    said = next(one.text for one in report().story.sentences if one.kind is SentenceKind.HAPPENED)
    assert f"p95 of the first token was {printed['TTFT p95']}" in said
    assert f"of {printed['requests']} requests waited" in said

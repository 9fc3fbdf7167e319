"""Levels, rows by input and errors in time as the page and Markdown print them."""
from __future__ import annotations

from dataclasses import replace

import pytest

from elastometer.analysis.analyze import judge_run
from elastometer.model.report import Report
from elastometer.model.request import RecordedRequest
from elastometer.model.story import Anchor
from elastometer.model.terms import Indicator, Objective
from elastometer.render.files import render_all
from elastometer.render.many import MANY
from elastometer.render.tables.level_charts import level_charts
from elastometer.render.tables.table import Cell, Row, Table, TableSection, markdown
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageRole
from support.levels import Level, lost, run_of

QUICK = Objective("quick", Indicator.REQUEST_LATENCY, 95, 2500, None, None)


def of(number: int, one: RecordedRequest) -> RecordedRequest:
    """Two tasks, messages of 1 to 50 characters, and every 40th request lost with a message of the server's."""
    asked = replace(one, task=("chat", "emotion")[number % 2], input_characters=1 + number % 50)
    return lost(asked, Outcome.SERVER_ERROR, 503, "<b>upstream 10.0.0.7 busy</b>") if number % 40 == 20 else asked


@pytest.fixture(scope="module")
def report() -> Report:
    levels = [Level(f"level-{size}", size, 100.0 * number, 100.0 * number + 100.0,
                    lambda *_, seconds=seconds: seconds, of, {"role": StageRole.BASELINE} if number == 0 else None)
              for number, (size, seconds) in enumerate(((5, 1.0), (10, 1.05), (25, 1.5), (50, 3.0)))]
    run = run_of(levels, [QUICK])
    bounds = replace(run.evidence.terms, input_character_bounds=(15, 30))
    return judge_run(replace(run, evidence=replace(run.evidence, terms=bounds)))


@pytest.fixture(scope="module")
def files(report: Report) -> dict[str, bytes]:
    return render_all(report)


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_both_forms_have_each_table_with_its_limit(files: dict[str, bytes], name: str) -> None:
    text = files[name].decode()
    for words in ("At most 25 in flight, which was 16.2", "Users are served best up to 10 in flight",
                  "What clients saw", "What servers did", "By stage and task", "By characters of the user",
                  "Errors in time", "ServerError 503", "not sent again", "In short"):
        assert words in text, words


def test_messages_of_servers_are_text_and_never_markup(files: dict[str, bytes]) -> None:
    assert b"<b>upstream" not in files["report.html"]
    assert b"&lt;b&gt;upstream" in files["report.html"]
    assert b"\\<b\\>upstream" in files["report.md"]


def test_the_page_links_its_sections_from_its_navigation_and_from_in_short(files: dict[str, bytes]) -> None:
    page = files["report.html"].decode()
    for anchor in ("levels", "by-input", "errors-in-time", "in-short"):
        assert f'id="{anchor}"' in page
        assert f'<a href="#{anchor}">' in page


def test_the_charts_have_a_point_for_each_level_and_the_failed_one_is_marked(
    report: Report, files: dict[str, bytes],
) -> None:
    charts = level_charts(report.levels)
    assert [chart.title for chart in charts] == [
        "Requests/s, over in flight", "P95 of latency, over in flight", "Errors, over in flight"]
    assert [tick for _, tick in charts[1].ticks] == ["5", "10", "25", "50"]
    assert [point.label for point in charts[1].points] == ["1.00 s", "1.05 s", "1.50 s", "3.00 s"]
    assert [point.is_bad for point in charts[1].points] == [False, False, False, True]
    assert [point.x for point in charts[1].points] == sorted(point.x for point in charts[1].points)
    assert [point.y for point in charts[1].points] == sorted((point.y for point in charts[1].points), reverse=True)
    assert files["report.html"].count(b'<svg class="levels"') == 3


def test_one_level_alone_has_no_chart(report: Report) -> None:
    assert level_charts(report.levels[:1]) == ()


def test_a_table_of_more_rows_than_are_shown_has_a_search_over_all_and_says_what_is_left_out() -> None:
    rows = tuple(Row((Cell(str(number)), Cell("x", "note", doubtful=True))) for number in range(MANY + 5))
    table = Table("numbers", ("Number", "Value"), rows, noun="numbers")
    assert len(table.shown) == MANY
    assert table.search is not None
    assert (len(table.search.rows), table.search.rows[-1]) == (MANY + 5, (str(MANY + 4), "x (note) !"))
    text = "\n".join(markdown((TableSection(Anchor.LEVELS, "Numbers", (table,)),)))
    assert "5 more numbers are in report.json." in text
    assert f"| {MANY} |" not in text
    assert Table("few", ("Number",), rows[:MANY]).search is None

"""The tables of the load: what a cell says, what it says of too few values, and foreign text that stays text."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.estimates import Interval, Percentile
from elastometer.model.load_rows import LittlesLaw, LoadRow, Quantiles
from elastometer.model.report import Report
from elastometer.render.files import render_all
from elastometer.render.sections import load
from elastometer.render.wording import estimates
from elastometer.statistics.rates import rate
from elastometer.world.bundle_reader import load_bundle

RUN = Path(__file__).parents[2] / "golden" / "runs" / "honest-pods-a"
HOSTILE = "<img src=x onerror=alert(1)> | **x** `y`\n# z"


@pytest.fixture(scope="module")
def report() -> Report:
    return judge(load_bundle(RUN))


def quantiles(**changes: object) -> Quantiles:
    found = Quantiles(40, p50=100.0, p90=900.0, p95=950.0, p99=990.0, maximum=990.0, mean=200.0, mean_plus_minus=12.0,
                      intervals={"p50": Interval(80.0, 130.0), "p90": Interval(700.0, 990.0), "p95": None, "p99": None},
                      needs={"p95": 72, "p99": 368})
    return replace(found, **changes)  # type: ignore[arg-type]


def row(**changes: object) -> LoadRow:
    law = LittlesLaw(3.0, 2.5, 2.0, 20, 20.0, -20.0)
    found = LoadRow("calm", 40, 97.5, 97.5, 0, {"Success": 39, "ServerError": 1}, *[quantiles()] * 4, 12.34, None,
                    rate(39, 40), {"200": 39, "500": 1}, {"stop": 39, "none": 1}, law)
    return replace(found, **changes)  # type: ignore[arg-type]


def test_a_percentile_that_would_be_the_largest_value_states_how_many_it_needs() -> None:
    """The p99 of 40 values is only their maximum."""
    cells = load.times(quantiles())
    assert dict(zip(load.TIMES_HEAD[1:], cells, strict=True)) == {
        "n": ("40", "", False), "Mean": ("200 ms", "± 12 ms", False), "p50": ("100 ms", "80 ms to 130 ms", False),
        "p90": ("900 ms", "700 ms to 990 ms", False), "p95": ("950 ms", "", False),
        "p99": ("–", "n ≥ 368", False), "Longest": ("990 ms", "", False)}


def test_a_mean_of_too_few_values_has_no_plus_minus() -> None:
    assert estimates.mean(quantiles(mean_plus_minus=None)) == ("200 ms", "")
    assert estimates.mean(Quantiles(0)) == ("–", "")


def test_a_percentile_of_nothing_is_absent() -> None:
    assert load.times(Quantiles(0, needs={"p50": 6}))[2] == ("–", "", False)


def test_a_row_of_counts_shows_shares_with_their_interval_and_both_witnesses() -> None:
    cells = dict(zip(load.COUNTS_HEAD[1:], load.counts(row(), again=False), strict=True))
    assert cells["Success"] == ("97.50 %", "87.12 % to 99.56 %", False)
    assert cells["In flight"] == ("2.5", "", False)
    assert cells["By Little's law"] == ("3.0", "+20 %", True)
    assert cells["By the servers"] == ("2.0", "-20 %", True)
    assert (cells["Status"].text, cells["Finish reason"].text) == ("200: 39, 500: 1", "stop: 39, none: 1")
    assert cells["Not served"].text == "ServerError: 1"


@pytest.mark.parametrize(("hits", "count", "words"), [(0, 100, "at most 3.70 %"), (100, 100, "at least 96.30 %")])
def test_none_of_n_is_an_upper_bound(hits: int, count: int, words: str) -> None:
    assert estimates.rate(rate(hits, count), 100.0 * hits / count)[1] == words


def test_first_attempts_are_shown_where_requests_were_sent_again() -> None:
    cell = load.counts(row(first_attempt_success_percent=90.0, sent_again=4), again=True)[1]
    assert cell.note.endswith("; 90.00 % at the first attempt, 4 sent again")


def test_what_a_mark_means_stands_below_the_table_only_where_there_is_one() -> None:
    assert len(list(load.remarks([row()]))) == 2
    agrees = replace(row(), in_flight=LittlesLaw(2.5, 2.5, 2.5, 20, 0.0, 0.0))
    assert list(load.remarks([agrees, replace(row(), in_flight=None)])) == []


def test_the_words_of_a_percentile_are_the_same_in_every_table() -> None:
    known = Percentile(95, 100, 950.0, Interval(900.0, 1000.0), None)
    assert estimates.percentile(known) == "950 ms (900 ms to 1.00 s)"
    assert estimates.percentile(Percentile(99, 40, 990.0, None, 368)) == "– (n ≥ 368)"


def test_the_files_have_the_tables_and_rows_by_task_only_where_there_are_tasks(report: Report) -> None:
    files = render_all(report)
    page, text = files["report.html"].decode(), files["report.md"].decode()
    assert "n ≥ 368" in page
    assert "– (n ≥ 368)" in text
    assert "By task, and by stage and task" not in page
    assert "## Load by task" not in text
    both = replace(report, load_by_task=(row(task="poem"), row(task="label")))
    files = render_all(both)
    assert "By task, and by stage and task" in files["report.html"].decode()
    assert "## Load by task" in files["report.md"].decode()
    assert "`calm` `label`" in files["report.md"].decode()


def test_foreign_text_of_the_server_and_the_test_stays_text(report: Report) -> None:
    hostile = row(stage=HOSTILE, task=HOSTILE, finish_reasons={HOSTILE: 3}, statuses={HOSTILE: 3})
    files = render_all(replace(report, load=(hostile,), load_by_task=(hostile,)))
    assert "<img src=x" not in files["report.html"].decode()
    table = [line for line in files["report.md"].decode().splitlines() if "onerror" in line]
    assert table
    assert all(line.startswith("| `") for line in table)

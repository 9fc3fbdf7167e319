"""Scale-outs on the page and in Markdown: bars that lead to their rows, what was planned, and text that stays text."""
from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.report import Report
from elastometer.model.scaleout_waterfall import Reference, ScaleOutWaterfall
from elastometer.render.html import to_html
from elastometer.render.markdown import to_markdown
from elastometer.render.sections import scale_out
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run

HOSTILE = "<img src=x onerror=alert(1)></code></li>|`*[x](javascript:1) \u202e"
PLAN = {"delayBudgetSeconds": {"scrape": 2.0, "hpaSync": 15.0, "probe": 1.0}}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    found = judge(replace(load_bundle(write_run(tmp_path_factory.mktemp("run"))), plan=PLAN))
    assert len(found.scale_outs) == 3
    return found


class Links(HTMLParser):
    """The targets of links to bars, all ids, and the attributes that could run something."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("class") == "so-link":
            self.targets.append((found.get("href") or "").removeprefix("#"))
            assert found.get("aria-label"), "a screen reader must be able to say what the bar is"
        self.ids += [name for name in (found.get("id"),) if name]
        self.handlers += [name for name in found if name.startswith("on")]


def test_each_bar_leads_to_a_row_of_its_own(report: Report):
    page = Links(to_html(report))
    bars = sum(len(one.bars) + (one.rise is not None) for one in report.scale_outs)
    assert len(page.targets) == bars > 60
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.targets) <= set(page.ids)


def test_the_rows_that_a_bar_was_made_from_are_on_the_page(report: Report):
    text = to_html(report).decode()
    rows = [row for one in report.scale_outs for bar in one.bars for row in bar.evidence]
    assert any(row.kind == "Log" for row in rows)
    assert all(row.time in text for row in rows)
    assert "Application startup complete" in text


def test_lanes_end_where_their_scale_does_and_the_planned_one_comes_first(report: Report):
    values = scale_out.scale_out_values(report.scale_outs)
    lanes = values["lanes"]
    assert isinstance(lanes, list)
    assert [lane.title for lane in lanes] == ["planned", "#1: 1 → 2", "#2: 2 → 3", "#3: 3 → 4"]
    assert lanes[0].total == "18.0 s"
    for lane in lanes:
        assert all(one.bar.left >= 0 for one in lane.bars)
        assert lane.bars[-1].bar.left + lane.bars[-1].bar.width <= 100.01


def test_markdown_shows_what_was_planned_beside_what_was_seen(report: Report):
    text = to_markdown(report).decode()
    assert "| sync wait | 15.0 s |" in text
    assert "| scaling policy | – |" in text
    assert re.search(r"\| total \| – \| [\d.]+ s \|", text)


def hostile(one: ScaleOutWaterfall) -> ScaleOutWaterfall:
    row = Reference("observations", HOSTILE, HOSTILE, "time", HOSTILE, HOSTILE)
    return replace(one, last_pod=HOSTILE, begin_reason=HOSTILE, end_reason=HOSTILE, bars=tuple(
        replace(bar, label=HOSTILE, source=HOSTILE, note=HOSTILE, evidence=(row,)) for bar in one.bars))


def test_hostile_log_lines_and_names_stay_text(report: Report):
    dirty = replace(report, scale_outs=tuple(map(hostile, report.scale_outs)))
    page = Links(to_html(dirty))
    assert page.handlers == []
    assert b"<img" not in to_html(dirty)
    assert b"&lt;img" in to_html(dirty)
    lines = [line for line in to_markdown(dirty).decode().splitlines() if "#1: 1 → 2" in line and "img" in line]
    assert lines, "hostile text must be there to be tested"
    assert all(re.search(r"(?<!\\)<img", re.sub(r"`[^`]*`", "", line)) is None for line in lines)


def test_of_many_scale_outs_the_slowest_are_drawn(report: Report):
    (first, *_) = report.scale_outs
    many = [replace(first, scale_event=number, total_milliseconds=1000 * (number % 50)) for number in range(1, 200)]
    shown = scale_out.slowest(many)
    assert len(shown) == scale_out.SHOWN
    assert {one.total_milliseconds for one in shown} <= {48_000, 49_000}
    assert [one.scale_event for one in shown] == sorted(one.scale_event for one in shown)


def test_without_a_scale_out_there_is_no_section(report: Report):
    empty = replace(report, scale_outs=())
    assert b'id="scale-out"' not in to_html(empty)
    assert "## Scale-out" not in to_markdown(empty).decode()

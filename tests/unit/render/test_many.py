"""Pages of large runs: small, and nothing in them that would be missed among thousands of rows."""
from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.autoscaler import AutoscalerAccount, Cause, MetricReading, SyncRow
from elastometer.model.measurements import Duration
from elastometer.model.report import Report
from elastometer.render.html import to_html
from elastometer.render.many import (
    MANY,
    SHOWN,
    Search,
    box,
    embedded,
    spread,
    standing_out,
)
from elastometer.render.markdown import to_markdown
from elastometer.render.sections.many_starts import many_starts
from elastometer.render.sections.scale_events import events_shown
from elastometer.render.sections.scale_ins import leaving_shown
from elastometer.render.wording.estimates import percentile
from support.many_pods import is_never_ready, many_pods, name_of

PAGE_BYTES = 1_000_000
TEXT_BYTES = 150_000


@pytest.fixture(scope="module")
def report() -> Report:
    return judge(many_pods(1000))


def data_of(page: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(page.decode().split('id="data">')[1].split("</script>")[0])
    return found


def test_a_run_of_two_thousand_pods_five_hundred_events_and_thirty_minutes_is_a_small_page():
    run = judge(many_pods(2000))
    seconds = tuple(float(second) for second in range(1800))
    rates = tuple(float((second * 7919) % 1000) for second in range(1800))
    line = replace(run.timeline, seconds=seconds, planned=rates, offered=rates, served=rates, failed=rates,
                   in_flight=tuple(map(int, rates)))
    events = tuple(replace(run.scale_events[at % 2], number=at + 1) for at in range(500))
    large = replace(run, timeline=line, scale_events=events, autoscaler=account(3000))
    page, text = to_html(large), to_markdown(large)
    assert len(page) <= PAGE_BYTES
    assert len(text) <= TEXT_BYTES
    assert page.count(b"<tr") < 1500


def account(rows: int) -> AutoscalerAccount:
    reading = MetricReading("queue", 7.0, 4.0, "", None, None, None, None)
    return AutoscalerAccount(minimum=1, maximum=9, rows=tuple(
        SyncRow(seconds=15.0 * at, seen=True, spec=3, ready=3, metrics=(reading,), metric="queue", wanted=3, raw=3,
                steps=(), desired=3 + (at % 50 == 0), binding=Cause.POLICY if at % 2 else None, live=3, agrees=at != 7,
                difference="the record differs" if at == 7 else None) for at in range(rows)))


def test_every_peak_of_a_long_run_is_in_its_page(report: Report):
    rates = [1.0] * 1800
    rates[777] = 4321.0
    line = replace(report.timeline, seconds=tuple(float(at) for at in range(1800)), planned=tuple(rates),
                   offered=tuple(rates), served=tuple(rates), failed=tuple(rates), in_flight=(1,) * 1800)
    columns = data_of(to_html(replace(report, timeline=line)))["load"]
    assert isinstance(columns, list)
    assert 4321.0 in columns[2]
    assert columns[0][columns[2].index(4321.0)] == 777.0
    assert len(columns[0]) < 1800


def test_few_pods_are_each_shown_and_many_are_searched():
    few, many = judge(many_pods(MANY)), judge(many_pods(MANY + 1))
    assert many_starts(few.cold_starts) is None
    assert data_of(to_html(few))["tables"] == {}
    assert to_html(few).count(b"<summary><b>m-server-") == MANY
    assert many_starts(many.cold_starts) is not None
    assert list(data_of(to_html(many))["tables"]) == ["pods"]  # type: ignore[call-overload]


def test_every_pod_of_many_is_in_the_search(report: Report):
    table = data_of(to_html(report))["tables"]["pods"]  # type: ignore[index]
    names = table["columns"][0]
    rest = [names["words"][one] if "words" in names else one for one in names["cells"]]
    assert sorted(names["begin"] + one for one in rest) == sorted(map(name_of, range(1000)))
    assert len(table["parts"]) == 1000


def test_those_that_never_became_ready_and_the_slowest_are_shown_whole(report: Report):
    many = many_starts(report.cold_starts)
    assert many is not None
    kinds = {kind.title: [report.cold_starts[at] for at in kind.at] for kind, _ in many.kinds}
    assert len(kinds["never Ready"]) == SHOWN
    assert all(is_never_ready(int(one.pod.rpartition("-")[2])) for one in kinds["never Ready"])
    assert {one.cold_start.milliseconds for one in kinds["slowest"]} == {9000.0}
    assert [kind.of for kind, _ in many.kinds] == [sum(map(is_never_ready, range(1000))), 942]
    text = to_markdown(report).decode()
    assert all(f"`{one.pod}`" in text for one in many.shown)


def test_the_spread_is_that_of_all_pods(report: Report):
    many = many_starts(report.cold_starts)
    assert many is not None
    whole = next(one for one, _, _ in many.spreads if one.label == "Created → Ready")
    assert (whole.of, whole.count, whole.low, whole.p50.value, whole.high) == (1000, 942, 3000.0, 6000.0, 9000.0)
    assert sum(int(row[1].replace(",", "")) for row in many.groups) == 1000
    assert sum(int(row[-1]) for row in many.nodes) == sum(map(is_never_ready, range(1000)))


def test_of_many_events_those_with_the_longest_lags_stay(report: Report):
    out = next(one for one in report.scale_events if one.direction == "Out")
    events = [replace(out, number=at, lag=Duration(milliseconds=1000.0 * (at % 97))) for at in range(1, 301)]
    shown = events_shown(events)
    assert {one.number for one in shown.shown} == {96, 193, 290, 95, 192, 289, 94, 191}
    assert shown.search is not None
    assert len(shown.search.rows) == 300
    assert events_shown(events[:MANY]).shown == tuple(events[:MANY])


def test_of_many_removed_pods_those_that_lost_requests_stay(report: Report):
    one = report.scale_ins[0]
    pods = [replace(one, pod=f"p{at}", lost={"Reset": at} if at in (7, 180) else {}, in_flight=1) for at in range(200)]
    found = leaving_shown(pods)
    assert {"p7", "p180"} <= {pod.pod for pod in found.shown}
    assert "200 requests in flight" in found.sentence
    assert "Reset 187" in found.sentence
    assert len(found.shown) < MANY


def test_a_row_that_never_ended_is_not_among_the_slowest_and_a_doubtful_one_only_there():
    rows = [Duration(milliseconds=float(at)) for at in range(20)]
    rows[3] = Duration(at_least_milliseconds=99.0, reason="gone")
    rows[19] = Duration(milliseconds=19.0, reason="a watch gap")
    kinds = {kind.title: kind.at for kind in standing_out(rows, lambda one: one, "unfinished")}
    assert kinds["unfinished"] == (3,)
    assert kinds["doubtful"] == (19,)
    assert kinds["slowest"][:2] == (18, 17)


def test_a_percentile_says_how_sure_it_is_or_what_it_would_take():
    known, few = spread("whole", "x", [1000.0 * at for at in range(1, 201)]), spread("whole", "x", [1000.0])
    assert known is not None
    assert few is not None
    assert re.fullmatch(r"100\.0 s \(\d+\.\d s to \d+(\.\d)? s\)", percentile(known.p50))
    assert percentile(few.p95) == "– (n ≥ 72)"
    assert spread("whole", "x", [None, None]) is None
    assert box(known, known.high).high == 100.0


def test_a_search_that_would_be_too_large_keeps_what_fits_and_counts_the_rest():
    large = Search("pods", "Pods", ("Pod",), tuple((f"{at} {at * 7919:060d}",) for at in range(20_000)))
    table = embedded([large])["pods"]
    assert len(json.dumps(table)) < 300_000
    assert 0 < large.kept < 20_000

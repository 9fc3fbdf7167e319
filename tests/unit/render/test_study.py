"""The files of a study: what each says, that they stay small, and that names of others stay text."""
from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from elastometer.model.comparison import Comparison, Judgement, VariantDifference
from elastometer.model.estimates import Interval
from elastometer.model.measures import BY_NAME, MISS_SECONDS, MONEY
from elastometer.model.report import Verdict
from elastometer.render.study import words
from elastometer.render.study.files import render_study
from elastometer.render.study.html import to_html
from elastometer.render.study.junit import to_junit
from elastometer.render.study.markdown import to_markdown
from elastometer.render.study.plots import plane
from elastometer.render.study.scale import scale_around
from support.study_worlds import NAMES, NOT_CARRIED_OUT, compared, many, study

NO_RUN = replace(study(), runs=(), rows=(), variants=tuple(
    replace(one, compared=0, passed=0, failed=0, on_front=None) for one in study().variants), wins=(), gates=(),
    predicted=(), agreement=(), speedups=())
PAGE_MOST, COMMENT_MOST = 1_000_000, 65_536


class Rows(HTMLParser):
    """Every row of every table as the texts of its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def rows_of(comparison: Comparison) -> list[list[str]]:
    parser = Rows()
    parser.feed(to_html(comparison).decode().split("<script")[0])
    return [[" ".join(cell.split()) for cell in row] for row in parser.rows]


def packed(comparison: Comparison) -> dict[str, list[list[list[list[object] | None]]]]:
    text = to_html(comparison).decode().split('id="data">')[1].split("</script>")[0]
    found: dict[str, list[list[list[list[object] | None]]]] = json.loads(
        zlib.decompress(base64.b64decode(json.loads(text)["packed"])))
    return found


def test_without_its_script_the_page_has_every_figure_with_its_interval_and_its_difference_in_words():
    found = rows_of(study())
    queue = next(row for row in found if row[0].startswith("queue"))
    assert queue[1] == "38 s 33.3 to 43.3 s Better −23.3 s (−38 %) −36.3 to −10.3 s"
    assert queue[2] == "455 444 to 468 Worse +52 (+13 %) +27.4 to +76.6"
    assert queue[5] == "11.2 s 11.1 to 11.4 s Within noise −49 ms (−0.44 %) −411 to +313 ms"
    static = next(row for row in found if row[0].startswith("always-three"))
    assert static[5] == "– no Pod was added by a scale-out and became Ready Cannot tell"
    known = [one.measure.title for one in study().rows if any(figure.values for figure in one.figures)]
    assert len(known) > 8
    assert all(any(row and row[0].startswith(title) for row in found) for title in known)


def test_every_variant_can_be_the_baseline_of_every_measure_that_is_known():
    found = packed(study())["differences"]
    assert len(found) > 8
    for of_measure in found:
        assert len(of_measure) == len(NAMES)
        for baseline, differences in enumerate(of_measure):
            assert [number for number, one in enumerate(differences) if one is None] == [baseline]


def test_what_was_not_carried_out_is_named_in_the_page_and_in_markdown():
    files = render_study(study())
    for name in ("report.html", "report.md"):
        assert f"autoscalers-keda-3 is not compared: not carried out: {NOT_CARRIED_OUT}." in files[name].decode()


def test_a_run_links_to_its_own_report_if_it_has_one():
    links = re.findall(r'href="(runs/[^"]*)"', to_html(study()).decode())
    assert len(links) == 14
    assert links[0] == "runs/autoscalers-cpu-1/report.html"
    assert not any("keda-3" in one for one in links)


def test_markdown_begins_with_the_answer_and_folds_the_rest():
    text = to_markdown(study()).decode()
    short, *details = text.split("<details>")
    assert short.startswith("# Fail; best: tuned-1\n\n**tuned-1 is best: 42 fewer objective-miss seconds")
    assert len(short) < 3_500
    assert [one.split("</summary>")[0].removeprefix("<summary>") for one in details] == [
        "Patch of the best variant", "Notes", "Predicted beside measured", "All measures", "Elastic speedup", "Wins",
        "Runs"]


def test_gates_and_objectives_are_cases_of_junit_with_failures_errors_and_skips_apart():
    suite = ElementTree.fromstring(to_junit(study()))
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["8", "1", "1", "0"]
    kinds = {case.get("name"): [child.tag for child in case if child.tag != "system-out"] for case in suite.iter(
        "testcase")}
    assert kinds["gpuSeconds of tuned-1"] == []
    assert kinds["gpuSeconds of always-three"] == ["failure"]
    assert kinds["gpuSeconds of keda"] == ["error"]
    assert kinds["cpu"] == [], "with gates, those alone decide"
    assert "3 of 3 runs: autoscalers-cpu-1 missed its objectives" in "".join(suite.itertext())


@pytest.mark.parametrize(("verdict", "kind"), [
    (Verdict.PASS, []), (Verdict.FAIL, ["failure"]), (Verdict.INCONCLUSIVE, ["error"]), (None, ["error"]),
    (Verdict.NOT_JUDGED, ["skipped"])])
def test_a_variant_is_in_junit_what_its_runs_are(verdict: Verdict | None, kind: Sequence[str]):
    without = replace(study(), gates=(), runs=tuple(replace(one, verdict=verdict) for one in study().runs))
    assert outcomes(without, "queue") == kind


def test_what_other_variants_missed_fails_nothing_where_one_met_all_objectives():
    found = replace(study(), gates=(), verdict=Verdict.PASS)
    assert {tag for one in found.variants for tag in outcomes(found, one.name)} == set()


def outcomes(comparison: Comparison, name: str) -> list[str]:
    suite = ElementTree.fromstring(to_junit(comparison))
    case = next(case for case in suite.iter("testcase") if case.get("name") == name)
    return [child.tag for child in case if child.tag != "system-out"]


def test_a_page_of_sixty_runs_is_at_most_a_megabyte_and_its_markdown_fits_into_a_comment():
    files = render_study(many(20, 3))
    assert 700_000 < len(files["report.html"]) <= PAGE_MOST, "a small one proves nothing"
    assert len(files["report.md"].decode()) <= COMMENT_MOST
    assert "Left out, so that this fits into a comment: " in files["report.md"].decode()


def test_one_repetition_tells_nothing_and_says_so():
    text = to_html(compared(("cpu", "queue"), 1)).decode().split("<script")[0]
    assert "Cannot tell" in text
    assert not re.search(r'class="difference (?:Better|Worse|WithinNoise)"', text)


def test_a_study_without_any_run_renders_every_file():
    files = render_study(NO_RUN)
    assert set(files) == {"report.json", "report.md", "report.html", "junit.xml"}
    assert "Objective-miss seconds and cost are not both known of any variant." in files["report.html"].decode()
    assert 'errors="5"' in files["junit.xml"].decode()


def test_the_same_comparison_gives_the_same_bytes():
    assert render_study(study()) == render_study(study())


def difference(absolute: float | None, percent: float | None = None, interval: Interval | None = None,
               within_runs: Interval | None = None) -> VariantDifference:
    return VariantDifference("a", "b", absolute, percent, interval, None, Judgement.WITHIN_NOISE, "", within_runs)


@pytest.mark.parametrize(("measure", "value", "text"), [
    (MISS_SECONDS, 38, "38 s"), (MISS_SECONDS, 1204, "1,204 s"), (MISS_SECONDS, 0, "0 s"), (MISS_SECONDS, None, "–"),
    ("gpuSeconds", 455.7, "456"), ("coldStartP50Milliseconds", 11_205, "11.2 s"), ("successPercent", 99.5, "99.50 %"),
    ("workingSetPeakBytes", 4.02e9, "3.74 GiB"), ("thetaUnderReady", 0.4213, "0.421"), ("scaleOuts", 2, "2")])
def test_a_figure_has_three_digits_and_the_unit_that_it_needs(measure: str, value: float | None, text: str):
    assert words.value(BY_NAME[measure], value) == text


def test_money_has_the_currency_of_its_measure():
    assert words.value(replace(BY_NAME[MONEY], unit="EUR"), 1.234) == "1.23 EUR"


@pytest.mark.parametrize(("measure", "one", "change", "span"), [
    (MISS_SECONDS, difference(-23.33, -37.8, Interval(-36.3, -10.3)), "−23.3 s (−38 %)", "−36.3 to −10.3 s"),
    (MISS_SECONDS, difference(0.0, 0.0, Interval(-1, 1)), "0 s (0 %)", "−1 to +1 s"),
    ("successPercent", difference(-0.35, -0.4, Interval(-0.49, -0.21)), "−0.35 points", "−0.49 to −0.21 points"),
    ("gpuSeconds", difference(1e-7, 1e-8), "+0 (+0.00 %)", ""),
    (MISS_SECONDS, difference(5.0), "+5 s", ""), (MISS_SECONDS, difference(None), "", ""),
    ("successPercent", difference(0.77, 0.78), "+0.77 points", ""),
    ("latencyP95Milliseconds", difference(-1200, -8, None, Interval(-1500, 40)), "−1.20 s (−8 %)",
     "−1.50 s to +40 ms within the runs")])
def test_a_difference_has_its_sign_and_its_interval(measure: str, one: VariantDifference, change: str, span: str):
    assert (words.change(BY_NAME[measure], one), words.change_span(BY_NAME[measure], one)) == (change, span)


def test_the_plane_puts_what_costs_and_misses_less_at_the_lower_left():
    found = plane(study())
    assert found is not None
    places = {one.name: one for one in found.points}
    assert places["cpu"].x < places["always-three"].x
    assert places["cpu"].y < places["always-three"].y, "down is more, as in SVG"
    assert len(found.front) == 4
    assert all(0 <= place <= 100 for one in found.points for place in (one.x, one.y, *(one.across or ()),
                                                                       *(one.down or ())))


def test_names_on_the_plane_do_not_lie_on_each_other():
    found = plane(study())
    assert found is not None
    by_place = sorted(one.label_y for one in found.points if one.name in ("queue", "keda"))
    assert by_place[1] - by_place[0] >= 100 * 14 / found.height


def test_of_many_variants_only_the_front_is_named_at_first():
    found = plane(many(12, 2))
    assert found is not None
    assert [one.name for one in found.points if not one.is_quiet] == [one.name for one in found.points if one.on_front]
    assert sum(one.is_quiet for one in found.points) > 8


@pytest.mark.parametrize(("values", "ticks"), [
    ((0.0, 10.0), [0, 2, 4, 6, 8, 10]), ((5.0,), [4.6, 4.8, 5, 5.2, 5.4]), ((0.0,), [0, 0.02, 0.04, 0.06, 0.08]),
    ((402.0, 905.0), [400, 500, 600, 700, 800, 900])])
def test_ticks_are_round_and_within_the_scale(values: Sequence[float], ticks: Sequence[float]):
    assert list(scale_around(values).ticks()) == ticks


def test_a_wide_interval_does_not_press_the_values_together():
    scale = scale_around([10.0, 12.0], [-400.0, 900.0])
    assert scale.at(12.0) - scale.at(10.0) > 80
    assert (scale.at(-400.0), scale.at(900.0)) == (0.0, 100.0)

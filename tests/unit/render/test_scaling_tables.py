"""The sections about scaling: their cells, and what stands in a cell without a number."""
from __future__ import annotations

from dataclasses import replace

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.in_short import scaling as in_short
from elastometer.model.bundle import Bundle
from elastometer.model.estimates import Difference, Interval, Rate
from elastometer.model.first_starts import Fetched, PhaseDifference, StartKind
from elastometer.model.health import HealthPart, HealthRow, HealthState
from elastometer.model.report import Report
from elastometer.model.scaleout_gains import BeforeAfter, Errors, Gain, GainWindow, ScaleOutGain
from elastometer.model.start_class import Presence
from elastometer.model.story import Change, Effect
from elastometer.model.terms import Terms
from elastometer.model.under_test import NodeUnderTest, UnderTest
from elastometer.model.what_if import PredictedRow, WarmSpares, WhatIf
from elastometer.render.tables import predicted, scaling
from elastometer.render.tables.health import health
from elastometer.render.tables.table import TableSection, cell_text
from elastometer.render.tables.under_test import under_test

NONE = Rate(0, 100, 0.0, Interval(0.0, 3.7))
GAIN = ScaleOutGain(
    1, 1, 2, 58.2, Gain.GAINED, 1, GainWindow(28.2, 58.2, 150), GainWindow(70.0, 100.0, 300),
    BeforeAfter(5.0, 10.0, Difference(5.0, Interval(4.5, 5.5))),
    BeforeAfter(3000.0, 1500.0, Difference(-1500.0, Interval(-1600.0, -1400.0))),
    BeforeAfter(4000.0, 2000.0, Difference(-2000.0, None, 20)), BeforeAfter(reason="it was not asked for"),
    Errors(NONE, NONE, Difference(0.0, Interval(-3.7, 3.7))), None, 12.0)
EFFECT = Effect(measured=103, predicted=112, low=74, high=122, plus_minus=38)
ROW = PredictedRow("1", (), EFFECT, Effect(8790, 14_576, 8590, 18_078, 9288), Effect(824, 826, 751, 841, 75), "0.5735",
                   2, 9)


@pytest.fixture(scope="module")
def empty() -> Report:
    return judge(Bundle(terms=Terms()))


def cells(section: TableSection | None, table: int = 0) -> list[list[str]]:
    assert section is not None
    return [[cell_text(cell) for cell in row.cells] for row in section.tables[table].rows]


def test_a_gain_has_both_values_their_difference_and_its_interval(empty: Report):
    row, = cells(scaling.scale_out_gains(replace(empty, scale_out_gains=(GAIN,))))
    assert row == [
        "1 to 2", "+58 s", "28 to 58 s (n=150)", "70 to 100 s (n=300)", "5.0 → 10.0 (+5.0, +4.5 to +5.5)",
        "3.00 s → 1.50 s (−1.50 s, −1.60 s to −1.40 s)", "4.00 s → 2.00 s (−2.00 s, needs n ≥ 20)",
        "– (it was not asked for)", "0.0 % → 0.0 % (+0.0 points, −3.7 points to +3.7 points)", "12 s", "a gain", "–"]


def test_a_gain_that_is_not_known_has_its_reason(empty: Report):
    found = ScaleOutGain(1, 1, 2, 58.2, Gain.CANNOT_TELL, held_reason="no objective is on requests",
                         reason="b served no request")
    row, = cells(scaling.scale_out_gains(replace(empty, scale_out_gains=(found,))))
    assert row[9:] == ["– (no objective is on requests)", "cannot tell", "b served no request"]


def test_starts_are_named_by_what_they_fetched_and_what_made_them_slow(empty: Report):
    slow = StartKind(Fetched(Presence.PRESENT, Presence.ABSENT, Presence.UNKNOWN), 1, 0, True, 38e3, 38e3, 38e3,
                     PhaseDifference("download", "download", 30e3, 0.0))
    row, = cells(scaling.first_starts(replace(empty, first_starts=(slow,))))
    assert row == ["was there", "had to be downloaded", "not known", "1 (with the first of the run)", "38.0 s",
                   "38.0 s", "38.0 s", "0", "download (30.0 s here, none in the fastest)"]


def test_warm_spares_have_the_measured_run_above_what_is_predicted(empty: Report):
    found = WarmSpares("minReplicas", 1, (ROW, replace(ROW, name="2")), True, "USD")
    measured, one, two = cells(predicted.warm_spares(replace(empty, warm_spares=found)))
    assert measured[:4] == ["measured", "103", "8.79 s", "824"]
    assert one == ["1 (as recorded)", "112 ± 38 (74 to 122)", "14.6 s ± 9.29 s (8.59 s to 18.1 s)",
                   "826 ± 75 (751 to 841)", "0.57 USD", "2 of 9 draws"]
    assert two[0] == "2"


def test_what_if_rows_have_their_change_and_a_refused_one_its_reason(empty: Report):
    changed = replace(ROW, name="cpu-60", changes=(Change("target", "50", "60"),))
    refused = PredictedRow("odd", reason="odd: must be a field")
    found = WhatIf((changed, refused), replace(ROW, name="as recorded"), False)
    section = predicted.what_if(replace(empty, what_if=found))
    rows = cells(section)
    assert [row[0] for row in rows] == ["measured", "as recorded", "cpu-60", "odd"]
    assert rows[2][1] == "target: 50 → 60"
    assert rows[3][-1] == "not predicted (odd: must be a field)"
    assert section is not None
    assert section.tables[0].head[4] == "Replica-seconds"


@pytest.mark.parametrize("made", [predicted.warm_spares, predicted.what_if])
def test_what_is_not_predicted_says_so_in_a_sentence(empty: Report, made):
    report = replace(empty, warm_spares=WarmSpares(reason="there are no requests"),
                     what_if=WhatIf(reason="there are no requests"))
    assert made(report).sentences == ("Nothing is predicted: there are no requests.",)


def test_health_shows_both_bounds_the_interval_and_the_state(empty: Report):
    rows = (
        HealthRow("health", HealthPart.SUCCESS, "crowd", "%", 99.0, 99.0, 98.03, Interval(96.6, 98.9), 612,
                  HealthState.ABNORMAL),
        HealthRow("health", HealthPart.MEAN, "crowd", "ms", 1000.0, 2000.0, 1500.0, None, 600, HealthState.BETWEEN),
        HealthRow("health", HealthPart.RATE, "crowd", "%", 10.0, 25.0, 31.3, Interval(18.0, 60.0), 600,
                  HealthState.ABNORMAL, "swings"))
    section = health(replace(empty, health=rows))
    assert cells(section) == [
        ["Requests served", "at least 99 %", "below 99 %", "98.03 % (96.6 % to 98.9 %)", "612", "abnormal"],
        ["Mean latency", "at most 1.00 s", "above 2.00 s", "1.50 s", "600", "between"],
        ["Variation of the served rate", "at most 10 %", "above 25 %, or falls", "31.3 % (18 % to 60 %)", "600",
         "abnormal: it swings"]]
    assert section is not None
    assert section.tables[0].title == "health: stage crowd"


def test_under_test_lists_what_was_served_and_why_something_is_missing(empty: Report):
    found = UnderTest("m", None, None, None, "i:1", ("sha256:1",), ("m", "--port=1"), {}, {"memory": "1Gi"}, 1, 4, 3,
                      "v1.35.4", (NodeUnderTest("n", "2", "24632892Ki", "Tesla-T4", "8", "v1"),),
                      (("engine", "no server log was recorded"),))
    section = under_test(replace(empty, under_test=found))
    facts = dict(cells(section))
    assert facts["Engine"] == "– (no server log was recorded)"
    assert (facts["Replicas"], facts["Limits"]) == ("1 to 4; at most 3 were Ready", "memory 1Gi")
    assert cells(section, 1) == [["n", "2", "23.5 GiB", "8 × Tesla-T4", "v1"]]


def test_in_short_tells_health_scaling_starts_and_spares_with_their_numbers(empty: Report):
    report = replace(empty, scale_out_gains=(GAIN,), warm_spares=WarmSpares(
        "minReplicas", 1, (ROW, replace(ROW, name="3", miss_seconds=replace(EFFECT, predicted=18))), True))
    scaled, spares = in_short.scaling(report), in_short.warm_spares(report)
    assert scaled is not None
    assert scaled.text == (
        "It scaled out once, of which 1 brought a gain; 1 to 2 replicas: +5.0 requests/s (+4.5 to +5.5)")
    assert spares is not None
    assert spares.text == (
        "With at least 3 replicas 18 ± 38 objective-miss seconds are predicted, where 103 were measured, for 826 "
        "GPU-seconds in place of 824")


def test_in_short_claims_no_saving_by_warm_spares_within_the_twins_own_error(empty: Report):
    """69 s were missed, 28 are predicted as recorded: that 0 are predicted with 3 replicas saves 28 at most, and the
    twin may be wrong by 67."""
    recorded = Effect(measured=69, predicted=28, low=2, high=69, plus_minus=67)
    rows = (replace(ROW, miss_seconds=recorded), replace(ROW, name="3", miss_seconds=replace(recorded, predicted=0)))
    said = in_short.warm_spares(replace(empty, warm_spares=WarmSpares("minReplicas", 1, rows, True)))
    assert said is not None
    assert said.text == ("No minimum of up to 3 replicas is predicted to save more than the twin's own error (± 67 "
                         "objective-miss seconds, where 69 were measured)")


def test_in_short_calls_abnormal_only_what_is(empty: Report):
    mean = HealthRow("health", HealthPart.MEAN, "crowd", "ms", 1000.0, 2000.0, 4080.0, None, 230, HealthState.ABNORMAL)
    p99 = replace(mean, part=HealthPart.P99, measured=5770.0, state=HealthState.BETWEEN)
    both, one = (in_short.health(replace(empty, health=rows)) for rows in ((mean, p99), (p99,)))
    assert both is not None
    assert both.text == ("The service was abnormal in 'crowd': mean latency 4.08 s; between healthy and abnormal: p99 "
                         "of latency 5.77 s")
    assert one is not None
    assert one.text == "The service was neither healthy nor abnormal in 'crowd': p99 of latency 5.77 s"


def test_in_short_tells_a_slow_first_start_apart_and_like_starts_together(empty: Report):
    quick = StartKind(Fetched(Presence.PRESENT), 3, 0, False, 8e3, 7e3, 9e3)
    slow = StartKind(Fetched(Presence.ABSENT), 1, 0, True, 38e3, 38e3, 38e3,
                     PhaseDifference("download", "download", 30e3, 0.0))
    apart = in_short.starts(replace(empty, first_starts=(slow, quick)))
    assert apart is not None
    assert apart.text == "The first start took 38.0 s, by its download; the fastest kind took 8.00 s (median of 3)"
    like = in_short.starts(replace(empty, first_starts=(replace(slow, median_milliseconds=8.5e3), quick)))
    assert like is not None
    assert like.text == "A start took 7.00 s to 38.0 s (4 starts), the first like the others"


def test_in_short_leaves_a_question_open_with_what_is_missing(empty: Report):
    open_rate = HealthRow("health", HealthPart.RATE, "crowd", "%", 10.0, 25.0, None, None, 40, HealthState.NOT_JUDGED,
                          reason="5 bins of 10 s are fewer than 6")
    found = in_short.health(replace(empty, health=(open_rate,)))
    assert found is not None
    assert (found.text, found.missing) == (
        "Whether the service was healthy in 'crowd' is not known", "served rate: 5 bins of 10 s are fewer than 6")
    spares = in_short.warm_spares(replace(empty, warm_spares=WarmSpares(reason="there are no requests")))
    assert spares is not None
    assert spares.missing == "there are no requests"


def test_a_run_without_the_tables_raises_none_of_their_questions(empty: Report):
    assert [made(replace(empty, under_test=None)) for made in (
        scaling.scale_out_gains, scaling.first_starts, predicted.warm_spares, predicted.what_if, health, under_test,
    )] == [None] * 6
    assert [made(empty) for made in (in_short.health, in_short.scaling, in_short.starts, in_short.warm_spares)] == \
        [None] * 4

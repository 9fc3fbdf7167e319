"""The autoscaler's chart and bars: what is drawn is what was reported."""
from __future__ import annotations

from dataclasses import replace

import pytest

from elastometer.model.autoscaler import CAUSE_LABELS, AutoscalerAccount, Cause, Loss, ScaleAccount, SyncRow
from elastometer.model.measurements import Duration, Timeline
from elastometer.render.autoscaler import autoscaler_chart, bound_legend, loss_strips
from elastometer.render.downsample import COLUMNS

LINE = Timeline(ready=((-40.0, 0), (-31.0, 1), (69.0, 2)), start_seconds=-42.0, end_seconds=120.0)


def row(seconds: float, binding: Cause | None, wanted: int | None = 1, desired: int = 1) -> SyncRow:
    return SyncRow(seconds, True, 1, 1, (), None, wanted, wanted, (), desired, binding, None, None, None)


def change(number: int, direction: str = "Out", **seconds: float | None) -> ScaleAccount:
    losses = tuple(Loss(Cause(name), CAUSE_LABELS[Cause(name)], None if value is None else 1000 * value, 1.0, "replay")
                   for name, value in seconds.items())
    whole = 1000 * sum(value or 0.0 for value in seconds.values())
    return ScaleAccount(number, direction, number, number + 1, 0.0, 60.0, Duration(whole, 2.0), losses)


def test_the_chart_holds_every_step_and_reaches_the_end_of_the_run():
    rows = (row(0.0, None), row(15.0, Cause.POLICY, wanted=7, desired=2), row(30.0, None, wanted=None, desired=2))
    chart = autoscaler_chart(AutoscalerAccount(minimum=1, maximum=4, rows=rows), LINE)
    times, wanted, raw, desired, ready = chart["columns"]
    assert times == [-40.0, -31.0, 0.0, 15.0, 30.0, 69.0, 120.0]
    assert wanted == raw == [None, None, 1, 7, None, None, None], "where nothing was wanted there is a gap"
    assert desired == [None, None, 1, 2, 2, 2, 2]
    assert ready == [0, 1, 1, 1, 1, 2, 2]


def test_neighbouring_syncs_of_one_constraint_are_one_span_and_the_last_lasts_to_the_end():
    rows = (row(0.0, Cause.POLICY), row(15.0, Cause.POLICY), row(30.0, None), row(45.0, Cause.POLICY),
            row(60.0, Cause.MAXIMUM))
    account = AutoscalerAccount(minimum=1, maximum=4, rows=rows)
    spells = [(one["cause"], one["from"], one["to"]) for one in autoscaler_chart(account, LINE)["bound"]]
    assert spells == [("Policy", 0.0, 30.0), ("Policy", 45.0, 60.0), ("Maximum", 60.0, 120.0)]
    assert bound_legend(account) == [("Policy", "scaling policy"), ("Maximum", "maxReplicas")]


def test_bars_are_on_one_scale_and_follow_each_other():
    strips = loss_strips((change(1, MetricDelay=2.0, SyncWait=8.0), change(2, MetricDelay=5.0, Policy=35.0)), "Out")
    assert [one.pod for one in strips.rows] == ["1 → 2", "2 → 3"]
    assert [(bar.name, bar.left, bar.width) for bar in strips.rows[0].bars] == [
        ("lost-MetricDelay", 0.0, 5.0), ("lost-SyncWait", 5.0, 20.0)]
    last = strips.rows[1].bars[-1]
    assert last.left + last.width == pytest.approx(100.0)
    assert strips.legend == (("lost-MetricDelay", "metric delay"), ("lost-SyncWait", "sync wait"),
                             ("lost-Policy", "scaling policy"))


def test_a_part_that_is_not_known_has_no_bar_and_the_whole_is_a_bound():
    one = change(1, MetricDelay=None, Policy=15.0)
    one = replace(one, whole=Duration(at_least_milliseconds=15000.0, reason="the signal itself was not recorded"))
    strip, = loss_strips((one,), "Out").rows
    assert [bar.name for bar in strip.bars] == ["lost-Policy"]
    assert (strip.total, strip.doubt) == ("≥ 15.0 s", "the signal itself was not recorded")


def test_directions_are_kept_apart_and_no_change_gives_no_chart():
    changes = (change(1, Policy=15.0), change(2, "In", Stabilization=300.0))
    assert len(loss_strips(changes, "Out").rows) == len(loss_strips(changes, "In").rows) == 1
    assert loss_strips((), "Out").rows == ()
    assert autoscaler_chart(AutoscalerAccount(reason="none"), LINE)["bound"] == []


def test_of_more_constraints_than_a_strip_can_show_each_column_has_the_longest():
    rows = tuple(row(float(at), Cause.POLICY if at % 3 else Cause.MAXIMUM) for at in range(3000))
    spells = autoscaler_chart(AutoscalerAccount(minimum=1, maximum=4, rows=rows), Timeline(end_seconds=3000.0))["bound"]
    assert len(spells) == COLUMNS
    assert {one["cause"] for one in spells} == {"Policy"}, "two thirds of each column"
    assert (spells[0]["from"], spells[-1]["to"]) == (0.0, 3000.0)

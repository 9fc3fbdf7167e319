"""Each scale-out as one waterfall, on the synthetic run and on worlds that lack a part of it.

    decided at 58.2, 73.2 and 88.2 s; each Pod is Ready about 11.1 s later; policies allow one Pod in 15 s
"""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import polars as pl
import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.autoscaler.explain_run import explain_run
from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.run import derive_run
from elastometer.analysis.scaleout.segments import Segment, joined
from elastometer.analysis.scaleout.steady import steady_state
from elastometer.analysis.scaleout.waterfalls import waterfalls
from elastometer.model.bundle import Bundle
from elastometer.model.elasticity import DemandAccount, DemandSource
from elastometer.model.measurements import UNATTRIBUTED
from elastometer.model.observation import LogSeen, ObjectKind, ObjectSeen, Observation
from elastometer.model.scaleout_waterfall import ScaleOutBegin, ScaleOutEnd, ScaleOutWaterfall
from elastometer.model.units import SECOND
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run

PLAN = {"delayBudgetSeconds": {"scrape": 2.0, "hpaSync": 15.0, "window": 30.0, "probe": 1.0}}
GIVEN = DemandAccount(DemandSource.GIVEN, window_seconds=1.0)
NO_DEMAND = Demand(DemandAccount(DemandSource.NOT_JUDGED, reason="no request was recorded"), 180.0)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def bundle(directory: Path) -> Bundle:
    return replace(load_bundle(directory), plan=PLAN)


def found(bundle: Bundle, demand: Demand) -> tuple[ScaleOutWaterfall, ...]:
    run = derive_run(bundle)
    return waterfalls(run, explain_run(run.evidence), demand)


def given(*points: tuple[float, float]) -> Demand:
    return Demand(GIVEN, 180.0, Steps.of(points), Steps.of(points))


def without(bundle: Bundle, gone: Callable[[Observation], bool]) -> Bundle:
    return replace(bundle, observations=tuple(line for line in bundle.observations if not gone(line)))


def names(one: ScaleOutWaterfall) -> list[str]:
    return [bar.name for bar in one.bars]


def check_sums(one: ScaleOutWaterfall) -> None:
    assert sum(bar.milliseconds for bar in one.bars) == one.total_milliseconds
    assert sum(summand.milliseconds or 0 for summand in one.summands) == one.total_milliseconds
    clock = round(1000 * one.start_seconds)
    for bar in one.bars:
        assert round(1000 * bar.start_seconds) == clock, "each bar begins where the one before it ends"
        clock += bar.milliseconds


def test_the_bars_follow_each_other_and_add_up_to_the_total(bundle: Bundle):
    every = judge(bundle).scale_outs
    assert len(every) == 3
    for one in every:
        assert len(one.bars) > 20
        check_sums(one)


def test_a_step_of_demand_is_the_beginning_and_the_first_token_or_the_steady_rate_the_end(bundle: Bundle):
    first, *_ = found(bundle, given((0, 1), (50, 2)))
    assert (first.begin, first.start_seconds) == (ScaleOutBegin.DEMAND, 50.0)
    assert (first.end, first.last_pod) == (ScaleOutEnd.STEADY, "demo-server-7c9d4f8b6-lm4zt")
    assert first.bars[0].name == "signal"
    assert names(first)[1:3] == ["lost-MetricDelay", "lost-SyncWait"]
    check_sums(first)


def test_the_load_rose_since_its_ramp_began_and_that_is_not_a_part_of_the_total(bundle: Bundle):
    first, *_ = found(bundle, given((0, 1), (50, 2)))
    assert first.rise is not None
    assert (first.rise.start_seconds, first.rise.milliseconds) == (30.0, 20_000)
    assert "rise" not in names(first)


def test_without_a_demand_the_signal_of_the_autoscaler_is_the_beginning_and_it_says_so(bundle: Bundle):
    first, *_ = found(bundle, NO_DEMAND)
    assert first.begin is ScaleOutBegin.SIGNAL
    assert first.begin_reason == "the demand is not judged: no request was recorded"
    assert first.bars[0].name == "lost-MetricDelay"
    check_sums(first)


def test_without_demand_and_without_an_account_the_decision_is_the_beginning(bundle: Bundle):
    silent = without(bundle, lambda line: isinstance(line, ObjectSeen) and line.kind is ObjectKind.AUTOSCALER)
    first, *_ = found(silent, NO_DEMAND)
    assert (first.begin, first.start_seconds) == (ScaleOutBegin.DECISION, 58.214)
    assert first.bars[0].name == "create"
    check_sums(first)


def test_what_no_account_explains_before_the_decision_is_unattributed_with_the_reason(bundle: Bundle):
    silent = without(bundle, lambda line: isinstance(line, ObjectSeen) and line.kind is ObjectKind.AUTOSCALER)
    first, *_ = found(silent, given((0, 1), (50, 2)))
    assert (first.bars[0].name, first.bars[0].milliseconds) == (UNATTRIBUTED, 8214)
    assert first.bars[0].note
    check_sums(first)


def test_demand_that_was_above_supply_since_long_counts_from_when_it_passed_this_size(bundle: Bundle):
    """Three are needed from 40 s on: the whole time since then counts for 2 → 3, although 1 → 2 came first."""
    _, second, _ = found(bundle, given((0, 1), (40, 3)))
    assert second.start_seconds == 40.0
    check_sums(second)


def test_replicas_that_were_ordered_before_they_were_needed_cost_no_user_anything(bundle: Bundle):
    first, *_ = found(bundle, given((0, 1), (170, 2)))
    assert first.begin is ScaleOutBegin.SIGNAL
    assert first.begin_reason == "by the judged demand, 1 were enough at the decision"


def test_without_log_lines_the_start_is_unattributed_and_the_bars_still_add_up(bundle: Bundle):
    first, *_ = found(without(bundle, lambda line: isinstance(line, LogSeen)), given((0, 1), (50, 2)))
    assert UNATTRIBUTED in names(first)
    check_sums(first)


def test_a_pod_that_was_never_ready_leaves_its_scale_out_unfinished(bundle: Bundle):
    start = bundle.start or 0

    def later(line: Observation) -> bool:
        return isinstance(line, ObjectSeen) and line.received > start + 95 * SECOND and (
            line.kind is ObjectKind.ENDPOINT_SLICE or line.name.endswith("t8r5n"))
    mute = replace(without(bundle, later), requests=tuple(
        record for record in bundle.requests if record.pod is None or not record.pod.endswith("t8r5n")))
    third = found(mute, NO_DEMAND)[2]
    assert third.end is ScaleOutEnd.UNFINISHED
    assert third.end_reason == "the Pod was not Ready before the record ended"
    check_sums(third)


def test_what_was_planned_stands_beside_what_was_seen(bundle: Bundle):
    first, second, _ = found(bundle, given((0, 1), (50, 2)))
    planned = {one.name: one.planned_milliseconds for one in first.summands if one.planned_milliseconds is not None}
    assert planned == {"lost-MetricDelay": 2000, "lost-SyncWait": 15_000, "lost-Stabilization": 30_000, "probe": 1000}
    window = next(one for one in first.summands if one.name == "lost-Stabilization")
    assert window.milliseconds == 0, "it was planned for and took no time"
    policy = next(one for one in second.summands if one.name == "lost-Policy")
    assert (policy.planned_milliseconds, policy.milliseconds > 14_000) == (None, True)


def test_every_row_that_a_bar_cites_is_in_the_record(bundle: Bundle, directory: Path):
    """By the field and the time that the reference has, as a reader looks it up."""
    files = {"observations": directory / "observations.jsonl", "requests": directory / "workers",
             "series": directory / "series.jsonl"}
    texts = {name: path.read_text() if path.is_file() else "".join(one.read_text() for one in path.glob("*.jsonl"))
             for name, path in files.items()}
    rows = [row for one in judge(bundle).scale_outs for bar in one.bars for row in bar.evidence]
    assert len(rows) > 100
    assert {row.kind for row in rows} >= {"Pod", "Deployment", "Event", "Log", "EndpointSlice", "Request",
                                          "HorizontalPodAutoscaler", "requests_waiting"}
    for row in rows:
        if row.file != "series":
            digits = row.time.rstrip("Z").rstrip("0").rstrip(".")
            assert f'"{row.key}": "{digits}' in texts[row.file], row


def test_the_report_has_references_and_the_page_the_rows(bundle: Bundle):
    from elastometer.render.json_report import to_json
    document = json.loads(to_json(judge(bundle)))
    (row, *_) = document["scaleOuts"][0]["bars"][0]["evidence"]
    assert set(row) == {"file", "kind", "name", "key", "time"}


@lru_cache(maxsize=1)
def served(count: int = 60) -> pl.DataFrame:
    """One request a second, each 2 s long: from the second on, 40 tokens in each second."""
    starts = [second * SECOND for second in range(count)]
    return pl.DataFrame({"first_token": starts, "last_token": [start + 2 * SECOND for start in starts],
                         "completion_tokens": [40] * count})


OTHERS = served().clear()


def test_a_replica_is_steady_when_its_rate_reaches_95_percent_of_what_it_is_later():
    state = steady_state(served(), OTHERS, 0)
    assert (state.instant, state.rate) == (SECOND, 40.0)


def test_a_replica_that_warms_up_for_ten_seconds_is_steady_after_them():
    """20 tokens a second at first: half of what comes later."""
    slow = served().with_columns(pl.when(pl.col("first_token") < 10 * SECOND).then(20).otherwise(40)
                                 .alias("completion_tokens"))
    state = steady_state(slow, OTHERS, 0)
    assert state.instant == 11 * SECOND


def test_a_rate_that_rises_with_the_load_is_steady_from_the_beginning_by_its_share():
    """Both replicas serve 20 tokens a second for 40 s and 60 later: the new one has half of all tokens throughout."""
    rising = served().with_columns(pl.when(pl.col("first_token") < 40 * SECOND).then(20).otherwise(60)
                                   .alias("completion_tokens"))
    assert steady_state(rising, rising, 0).instant == 0
    alone = steady_state(rising, OTHERS, 0)
    assert alone.instant is not None
    assert alone.instant >= 30 * SECOND


def test_what_the_account_cannot_tell_of_a_planned_summand_is_not_zero(bundle: Bundle):
    silent = without(bundle, lambda line: isinstance(line, ObjectSeen) and line.kind is ObjectKind.AUTOSCALER)
    first, *_ = found(silent, given((0, 1), (50, 2)))
    waits = next(one for one in first.summands if one.name == "lost-SyncWait")
    assert (waits.planned_milliseconds, waits.milliseconds) == (15_000, None)


def test_with_too_little_traffic_nobody_knows_when_a_replica_is_steady():
    state = steady_state(served().head(25), OTHERS, 0)
    assert state.instant is None
    assert state.reason is not None
    assert state.reason.startswith("too little traffic: 6 requests")


def test_segments_that_overlap_or_leave_holes_are_laid_side_by_side():
    given_ones = [Segment("signal", 0, 40), Segment("written", 30, 60), Segment("create", 80, 90)]
    made = list(joined(given_ones, 10, 100, "why"))
    assert [(one.name, one.since, one.until) for one in made] == [
        ("signal", 10, 40), ("written", 40, 60), (UNATTRIBUTED, 60, 80), ("create", 80, 90), (UNATTRIBUTED, 90, 100)]

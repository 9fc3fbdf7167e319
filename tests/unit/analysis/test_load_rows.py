"""Rows of the load: counts, means, intervals, tasks, and the checks by Little's law and by the servers' metrics."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.latency import load_rows, task_rows
from elastometer.model.bundle import LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.estimates import Interval
from elastometer.model.load_rows import LoadRow
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import RequestRows, table_of
from elastometer.model.terms import StageWindow, Terms
from elastometer.model.units import SECOND
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageType

STAGES = tuple(
    StageWindow(name, start, end, 1.0, 1.0, StageType.RATE, end - start) for name, start, end in
    (("calm", 0.0, 100.0), ("busy", 100.0, 200.0)))


def request(number: int, at: float, seconds: float, *, task: str = "poem", status: int | None = 200,
            outcome: Outcome = Outcome.SUCCESS, finish: str | None = "stop") -> RecordedRequest:
    """Sent when it was wanted, its first token after half of its time."""
    sent, end = round(at * SECOND), round((at + seconds) * SECOND)
    first = (sent + end) // 2 if outcome is Outcome.SUCCESS else None
    return RecordedRequest(
        id=number, worker=0, stage="calm" if at < 100 else "busy", task=task, intended=sent, send=sent, connect=None,
        first_byte=first, first_token=first, last_token=end if first else None, end=end, chunks=2, prompt_tokens=1,
        completion_tokens=2, first_chunks=1, status=status, finish_reason=finish, outcome=outcome, error=None, pod=None,
        address=None, fingerprint=None, first_attempt=None, checks={})


def world(records: Iterable[RecordedRequest]) -> Evidence:
    return Evidence(terms=Terms(stages=STAGES), origin=0, has_origin=True, stages=STAGES,
                    requests=RequestRows(table_of(records)))


def steady(seconds: float = 2.0) -> list[RecordedRequest]:
    """One request a second for 200 s, each of 2 s: two in flight."""
    return [request(number, float(number), seconds) for number in range(200)]


def row(evidence: Evidence, stage: str) -> LoadRow:
    return next(one for one in load_rows(evidence) if one.stage == stage)


def test_a_row_has_counts_mean_and_percentiles_with_their_intervals() -> None:
    """Latencies of 1 to 100 s, in that order: the mean is 50.5, the median the 50th, between the 40th and the 61st."""
    calm = row(world([request(number, 0.5 * number, number + 1.0) for number in range(100)]), "calm")
    assert (calm.count, calm.success_percent) == (100, 100.0)
    assert calm.success is not None
    assert calm.success.interval == Interval(96.3007, 100.0)
    found = calm.latency
    assert (found.count, found.mean, found.p50, found.p90, found.p95) == (100, 50500.0, 50000.0, 90000.0, 95000.0)
    assert found.intervals["p50"] == Interval(40000.0, 61000.0)
    assert (found.intervals["p99"], found.needs) == (None, {"p99": 368})
    # Neighbouring blocks of ten are alike, which leaves five of twenty, whose means are 10.5, 30.5 … 90.5: a standard
    # deviation of 31.62 s, t for 4 is 2.776.
    assert found.mean_plus_minus == pytest.approx(2.7764 * 31622.8 / 5**0.5, rel=1e-3)


def test_a_share_just_below_all_is_truncated_and_not_rounded_up() -> None:
    lost = request(0, 0.0, 1.0, status=None, outcome=Outcome.TIMED_OUT, finish=None)
    records = [lost, *(request(number, 0.001 * number, 1.0) for number in range(1, 20_001))]
    assert row(world(records), "total").success_percent == 99.99


def test_statuses_and_finish_reasons_are_counted_and_the_rare_ones_added_up() -> None:
    records = [
        *(request(number, 1.0, 1.0) for number in range(5)),
        *(request(5 + number, 2.0, 1.0, status=500 + number, outcome=Outcome.SERVER_ERROR, finish=None)
          for number in range(14)),
        request(30, 3.0, 1.0, status=None, outcome=Outcome.REFUSED, finish=None),
    ]
    calm = row(world(records), "calm")
    assert next(iter(calm.statuses)) == "200"
    assert calm.statuses["200"] == 5
    assert len(calm.statuses) == 13
    assert calm.statuses["others"] == 4
    assert sum(calm.statuses.values()) == 20
    assert calm.finish_reasons == {"none": 15, "stop": 5}


def test_a_stage_without_requests_has_a_row_without_numbers() -> None:
    busy = row(world([request(0, 1.0, 1.0)]), "busy")
    assert (busy.count, busy.success_percent, busy.success, busy.in_flight) == (0, None, None, None)
    assert busy.time_to_first_token.needs == {"p50": 6, "p90": 36, "p95": 72, "p99": 368}


def test_one_task_has_no_rows_of_its_own() -> None:
    assert task_rows(world(steady())) == ()


def test_tasks_have_a_row_for_each_stage_and_one_in_total() -> None:
    records = [replace(one, task="label" if one.id % 4 == 0 else "poem") for one in steady()]
    rows = task_rows(world(records))
    assert [(one.task, one.stage, one.count) for one in rows] == [
        ("label", "calm", 25), ("label", "busy", 25), ("label", "total", 50),
        ("poem", "calm", 75), ("poem", "busy", 75), ("poem", "total", 150)]
    law = rows[0].in_flight
    assert law is not None
    assert (law.expected, law.scraped) == (0.5, None)


def test_littles_law_agrees_in_a_steady_stage() -> None:
    """One a second, 2 s each. It takes 1 s until two are in flight: 199 of 200 request-seconds in the first stage."""
    calm, busy = (row(world(steady()), stage).in_flight for stage in ("calm", "busy"))
    assert calm is not None
    assert busy is not None
    assert (calm.expected, calm.recorded, calm.expected_percent) == (2.0, 1.99, 0.5)
    assert (busy.expected, busy.recorded, busy.expected_percent) == (2.0, 2.0, 0.0)


def test_requests_that_run_on_into_the_next_stage_break_littles_law() -> None:
    """Fifty requests at the end of the first stage, each of 60 s: 30 in flight by the law; 10 s of each lie within."""
    records = [request(number, 90.0, 60.0) for number in range(50)]
    calm = row(world(records), "calm").in_flight
    assert calm is not None
    assert (calm.expected, calm.recorded, calm.expected_percent) == (30.0, 5.0, 500.0)


def scraped(running: float, waiting: float, count: int) -> dict[str, SeriesResult]:
    found = {}
    for name, value in ((SeriesName.RUNNING, running), (SeriesName.WAITING, waiting)):
        samples = tuple((round(5 * tick * SECOND), value / 2) for tick in range(count))
        series = tuple(LabelledSamples({"pod": pod}, samples) for pod in ("a", "b"))
        found[name.value] = SeriesResult(name.value, "query", SeriesOutcome.SAMPLES, "", 5.0, series)
    return found


def test_the_servers_own_counts_are_a_second_witness() -> None:
    """Two in flight by the client; the servers see 1.5 running and 0.1 waiting, which is 20 % less."""
    calm = row(replace(world(steady()), series=scraped(1.5, 0.1, 20)), "calm").in_flight
    assert calm is not None
    assert (calm.scraped, calm.samples, calm.scraped_percent) == (1.6, 20, -19.6)


@pytest.mark.parametrize("series", [scraped(1.5, 0.1, 4), {}], ids=["too few", "no metrics"])
def test_without_enough_scrapes_there_is_no_second_witness(series: dict[str, SeriesResult]) -> None:
    calm = row(replace(world(steady()), series=series), "calm").in_flight
    assert calm is not None
    assert (calm.scraped, calm.samples, calm.scraped_percent) == (None, 0, None)

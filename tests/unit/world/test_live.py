"""What the live view counts, from records in any order, and what it shows when they stop coming."""
from datetime import UTC, datetime, timedelta

import orjson

from elastometer.world.live.document import losses_of, to_document
from elastometer.world.live.history import MAX_POINTS, History
from elastometer.world.live.tally import Live, Loss, Recent, Tally

START = datetime(2026, 11, 21, 5, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def line(due: float, latency: float, outcome: str = "Success", status: int | None = 200) -> bytes:
    return orjson.dumps({"intendedTime": at(due).isoformat(), "endTime": at(due + latency).isoformat(),
                         "firstTokenTime": None, "outcome": outcome, "status": status}) + b"\n"


def counted(*lines: bytes) -> Tally:
    tally = Tally()
    assert tally.add("0-a", b"".join(lines)) == len(lines)
    return tally


def test_rate_and_latency_are_those_of_requests_served_in_the_last_ten_seconds():
    """One request a second from 0 on, the k-th takes k + 1 tenths of a second; the newest ends at 21.0."""
    tally = counted(*(line(second, (second + 1) / 10) for second in range(20)))
    # Until 21.0: those due at 11..19, which ended at 12.2..21.0; that of 10 ended at 11.1 and counts too.
    assert tally.recent(at(21)) == Recent(1.0, 1500.0, 2000.0)


def test_at_the_beginning_the_window_is_as_long_as_the_run():
    assert counted(line(0, 0.5), line(0, 2.0)).recent(at(2)) == Recent(1.0, 500.0, 2000.0)


def test_once_records_stop_the_rate_falls_to_zero_and_latencies_are_unknown():
    tally = counted(*(line(second, 0.5) for second in range(20)))
    assert tally.recent(at(22)).served_per_second == 1.0, "as late as records may arrive"
    assert tally.recent(at(27.5)).served_per_second == 0.5
    assert tally.recent(at(40)) == Recent(0.0, None, None)


def test_lost_requests_are_counted_by_outcome_and_status_and_have_no_latency():
    tally = counted(line(0, 1), line(0, 9, "TimedOut", None), line(1, 1, "ServerError", 503),
                    line(1, 1, "ServerError", 500), line(1, 1, "ServerError", 503))
    assert tally.losses() == (Loss("ServerError", 503, 2), Loss("TimedOut", None, 1), Loss("ServerError", 500, 1))
    assert losses_of(tally.losses()) == [
        {"outcome": "ServerError", "count": 2, "statusCode": 503}, {"outcome": "TimedOut", "count": 1},
        {"outcome": "ServerError", "count": 1, "statusCode": 500},
    ]
    assert tally.recent(at(9)).latency_p95_ms == 1000.0


def test_without_a_record_nothing_is_known():
    assert Tally().recent(at(0)) == Recent(None, None, None)
    assert Tally().losses() == ()
    assert Tally().history.points() == ()


def test_history_has_a_point_for_each_five_seconds_in_which_a_request_ended():
    history = History()
    for end, latency in [(1, 100.0), (12, 300.0), (4.9, 200.0), (13, None), (14, 500.0)]:
        history.add(at(end), latency)
    shown = [(point.start, point.served, point.lost, point.latency_p50_ms, point.latency_p95_ms)
             for point in history.points()]
    assert shown == [(at(0), 2, 0, 100.0, 200.0), (at(10), 2, 1, 300.0, 500.0)]
    history.add(at(2), 50.0)
    assert history.points()[0].latency_p50_ms == 100.0
    assert history.points()[0].served == 3


def test_of_a_long_run_history_keeps_the_last_hour():
    history = History()
    for point in range(MAX_POINTS + 10):
        history.add(at(5 * point), 1.0)
    history.add(at(0), 1.0)  # later than all others: its point is gone and stays gone
    points = history.points()
    assert (len(points), points[0].start) == (MAX_POINTS, at(50))


def test_the_document_has_the_progress_of_the_status_and_null_for_what_is_not_known():
    live = Live(0, 0, 0, None, None, None, None, 0, 0, {})
    document = to_document(live, None, at(0))
    assert document["progress"] is document["servedRequestsPerSecond"] is document["latencyP95Milliseconds"] is None
    assert (document["lost"], document["history"]) == ([], {"secondsPerPoint": 5, "points": []})
    assert to_document(live, {"stage": "climb", "users": 50}, at(0))["progress"] == {"stage": "climb", "users": 50}

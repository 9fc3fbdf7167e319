"""A worker sends its share on time, survives its own restart, and reports correctly about itself."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.target import Target, parse_target
from elastometer_loadgen.drive.pacer import Pacer
from elastometer_loadgen.drive.timers import Timers
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import Profile, parse_profile
from elastometer_loadgen.reporting.receiver_client import ReceiverClient
from elastometer_loadgen.reporting.reporter import GaveUp, Greeting, Patience, Reporter
from elastometer_loadgen.results.summary import finished_earlier
from elastometer_loadgen.worker.assignment import Assignment
from elastometer_loadgen.worker.process import ExitCode
from elastometer_loadgen.worker.worker import Worker

GOOD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


class Server:
    """Answers every request with one token; while `held`, with nothing."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.held = False

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(row for row in head.split(b"\r\n") if row.startswith(b"content-length:"))
            self.bodies.append(orjson.loads(await reader.readexactly(int(length.split(b":")[1]))))
            if self.held:
                await reader.read()
            writer.write(GOOD)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@pytest.fixture
async def served() -> AsyncIterator[tuple[Server, Target]]:
    server = Server()
    running = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    yield server, parse_target(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")
    running.close()


@pytest.fixture(autouse=True)
def _untouched_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elastometer_loadgen.worker.worker.prepare_process", lambda: None)
    monkeypatch.setattr("elastometer_loadgen.worker.membership.LEAD_SECONDS", 0.01)


def profile(count: int = 20, seconds: str = "0.1", bound: int = 10_000) -> Profile:
    document = {
        "latenessBoundMilliseconds": bound,
        "stages": [
            {
                "name": "s",
                "type": "Rate",
                "durationSeconds": 1,
                "endRequestsPerSecond": "1",
                "arrivals": "Constant",
            }
        ],
    }
    parsed = parse_profile(document)
    rate = count / Fraction(seconds)
    stage = dataclasses.replace(
        parsed.stages[0], duration_seconds=Fraction(seconds), start_rate=rate, end_rate=rate
    )
    return dataclasses.replace(parsed, stages=(stage,))


class StartedReceiver(ReceiverClient):
    """A receiver that gives a start instant and takes everything."""

    def __init__(self, start: int, stored: int = 0) -> None:
        self.greeting = Greeting(start, stored)
        self.taken = stored
        self.summaries: list[dict[str, Any]] = []

    async def hello(self, workers: int) -> Greeting:
        return self.greeting

    async def records(self, offset: int, data: bytes) -> int:
        self.taken = offset + len(data)
        return self.taken

    async def finish(self, summary: bytes) -> None:
        self.summaries.append(orjson.loads(summary))


def records_in(directory: Path) -> list[dict[str, Any]]:
    return [orjson.loads(row) for row in (directory / "requests.jsonl").read_bytes().splitlines()]


async def test_every_arrival_is_sent_once_and_recorded(served: tuple[Server, Target], tmp_path: Path) -> None:
    server, target = served
    assignment = Assignment(profile=profile(), target=target, out=tmp_path, model="m")
    assert await Worker(assignment, Spool(tmp_path)).run() is ExitCode.CARRIED_OUT
    records = records_in(tmp_path)
    assert sorted(record["id"] for record in records) == list(range(20))
    assert {record["outcome"] for record in records} == {"Success"}
    assert {body["model"] for body in server.bodies} == {"m"}
    summary = orjson.loads((tmp_path / "summary.json").read_bytes())
    assert [summary[name] for name in ("planned", "sent", "skipped", "records")] == [20, 20, 0, 20]
    assert summary["fellBehind"] is False


async def test_two_workers_share_the_schedule_between_them(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    _, target = served
    for worker in (0, 1):
        out = tmp_path / str(worker)
        assignment = Assignment(profile=profile(9), target=target, out=out, worker=worker, workers=2)
        await Worker(assignment, Spool(out)).run()
    assert sorted(record["id"] for record in records_in(tmp_path / "0")) == [0, 2, 4, 6, 8]
    assert sorted(record["id"] for record in records_in(tmp_path / "1")) == [1, 3, 5, 7]


async def test_a_restarted_worker_repeats_nothing_and_counts_what_it_missed(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    """
    arrivals   0 1 2 3 4 | 5 6 7 8 9     start was 50 ms ago, one each 10 ms
    in spool   x   x   x |   x           of the first incarnation
    now              skipped: 1, 3; sent: about 5, 7, 8, 9
    """
    _, target = served
    first = Spool(tmp_path, "pod-a")
    for number in (0, 2, 4, 6):
        first.append(orjson.dumps({"id": number}) + b"\n")
    first.close()
    spool = Spool(tmp_path, "pod-a")
    receiver = StartedReceiver(Clock().instant(monotonic() - 0.05), stored=0)
    assignment = Assignment(profile=profile(10), target=target, out=tmp_path, incarnation="pod-a")
    reporter = Reporter(receiver, Patience(poll_seconds=0.001, push_seconds=0.01), lambda _: None)
    assert await Worker(assignment, spool, reporter).run() is ExitCode.CARRIED_OUT
    ids = [record["id"] for record in records_in(tmp_path)]
    assert len(ids) == len(set(ids))
    assert 9 in ids
    summary = receiver.summaries[0]
    assert summary["skipped"] >= 2
    assert summary["planned"] == summary["sent"] + summary["skipped"] == 10
    assert summary["records"] == len(ids)
    assert receiver.taken == spool.size


async def test_checks_are_counted_over_all_incarnations_and_rated_only_where_one_worker_sent_all(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    """The server says one letter and gives no usage: too few words to repeat, no tokens to count, a clean ending."""
    given = profile(4, "0.1")
    checks = [{"type": "Truncation"}, {"type": "Label", "labels": ["b"]}, {"type": "MinimumTokens", "minimum": 1}]
    whole = parse_profile(
        {
            "tasks": [{"name": "t", "prompt": "x", "checks": checks}],
            "stages": [{"name": "s", "type": "Rate", "durationSeconds": 1, "endRequestsPerSecond": "1"}],
        }
    )
    given = dataclasses.replace(given, tasks=whole.tasks)
    first = Spool(tmp_path, "pod-a")
    found = {"stage": "s", "task": "t", "checks": {"Truncation": "CutByLength"}}
    for number in (0, 1):
        first.append(orjson.dumps({"id": number, **found}) + b"\n")
    first.close()
    receiver = StartedReceiver(Clock().instant(monotonic() + 0.01))
    assignment = Assignment(profile=given, target=served[1], out=tmp_path, incarnation="pod-a")
    reporter = Reporter(receiver, Patience(poll_seconds=0.001, push_seconds=0.01), lambda _: None)
    await Worker(assignment, Spool(tmp_path, "pod-a"), reporter).run()
    rows = {row["check"]: row for row in receiver.summaries[0]["checks"]}
    assert rows["Truncation"] | {"failureRate": None} == {
        "stage": "s", "task": "t", "check": "Truncation", "judged": 4, "failed": 2,
        "failures": {"CutByLength": 2}, "failureRate": None,
    }
    assert (rows["Label"]["judged"], rows["Label"]["failures"]) == (2, {"UnknownLabel": 2})
    assert set(rows) == {"Truncation", "Label"}
    assert rows["Truncation"]["failureRate"]["value"] == 0.5
    out = tmp_path / "share"
    share = Assignment(profile=given, target=served[1], out=out, worker=1, workers=2)
    await Worker(share, Spool(out)).run()
    assert "failureRate" not in orjson.loads((out / "summary.json").read_bytes())["checks"][0]


async def test_a_worker_restarted_after_its_end_only_reports_again(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    """Both summaries say that the first process fell behind; the exit code does not, or a Job would try again."""
    server, target = served
    exits, summaries = [], []
    for _ in range(2):
        spool = Spool(tmp_path, "pod-a")
        receiver = StartedReceiver(Clock().instant(monotonic() - 0.02))
        assignment = Assignment(profile=profile(bound=1), target=target, out=tmp_path, incarnation="pod-a")
        worker = Worker(assignment, spool, Reporter(receiver, Patience(push_seconds=0.01), lambda _: None))
        worker._vitals.client_exhausted = not exits
        exits.append(await worker.run())
        spool.close()
        summaries += receiver.summaries
        assert receiver.taken == spool.size
    assert exits == [ExitCode.CARRIED_OUT, ExitCode.CARRIED_OUT]
    assert summaries[0] == summaries[1]
    assert summaries[0]["fellBehind"] is True
    assert len(server.bodies) == len(records_in(tmp_path))


async def test_an_incarnation_that_sent_all_and_recorded_less_does_not_count_as_complete(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    _, target = served
    spool = Spool(tmp_path, "pod-a")
    receiver = StartedReceiver(Clock().instant(monotonic() - 0.02))
    assignment = Assignment(profile=profile(), target=target, out=tmp_path, incarnation="pod-a")
    await Worker(assignment, spool, Reporter(receiver, Patience(push_seconds=0.01), lambda _: None)).run()
    spool.close()
    whole = finished_earlier(tmp_path, "pod-a")
    assert whole is not None
    summary = orjson.loads(whole.data)
    assert summary["records"] == summary["sent"] == len(records_in(tmp_path)) > 0
    (tmp_path / "summary.json").write_bytes(orjson.dumps(summary | {"records": summary["records"] - 1}))
    assert finished_earlier(tmp_path, "pod-a") is None


async def test_what_was_due_is_counted_from_when_a_stage_of_open_end_was_over(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    """Four requests two at a time may take 600 s, and take some milliseconds; then 20 come within a second."""
    stages = [
        {"name": "count", "type": "Concurrency", "concurrency": 2, "requests": 4},
        {"name": "steady", "type": "Rate", "durationSeconds": 1, "endRequestsPerSecond": "20", "arrivals": "Constant"},
    ]
    # How punctual this host is, is not the question here.
    tolerant = parse_profile({"latenessBoundMilliseconds": 10_000, "stages": stages})
    worker = Worker(Assignment(profile=tolerant, target=served[1], out=tmp_path), Spool(tmp_path))
    assert await worker.run() is ExitCode.CARRIED_OUT
    assert worker.meters.offered() == 24


async def test_a_lost_spool_is_not_taken_for_a_new_one(served: tuple[Server, Target], tmp_path: Path) -> None:
    receiver = StartedReceiver(Clock().instant(monotonic()), stored=500)
    assignment = Assignment(profile=profile(), target=served[1], out=tmp_path, incarnation="pod-a")
    worker = Worker(assignment, Spool(tmp_path, "pod-a"), Reporter(receiver, Patience(), lambda _: None))
    assert await worker.run() is ExitCode.NOT_CARRIED_OUT
    assert served[0].bodies == []


async def test_a_stopped_worker_records_what_lands_and_says_what_it_left(
    served: tuple[Server, Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elastometer_loadgen.worker.worker.DRAIN_SECONDS", 0.03)
    server, target = served
    server.held = True
    # The stage lasts so long that a host which stands still for a second does not reach its end.
    worker = Worker(Assignment(profile=profile(3000, "30"), target=target, out=tmp_path), Spool(tmp_path))
    running = asyncio.ensure_future(worker.run())
    while len(server.bodies) < 3:
        await asyncio.sleep(0.002)
    worker.stop()
    assert await running is ExitCode.NOT_CARRIED_OUT
    summary = orjson.loads((tmp_path / "summary.json").read_bytes())
    assert 3 <= summary["sent"] < 3000
    assert summary["records"] == 0


async def test_a_worker_behind_its_schedule_says_so(
    served: tuple[Server, Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target = served
    worker = Worker(Assignment(profile=profile(bound=1), target=target, out=tmp_path), Spool(tmp_path))
    ordinary = worker._send  # a worker whose every send is said to be 20 ms late
    monkeypatch.setattr(worker, "_send", lambda arrival, at: ordinary(arrival, at - 0.02))
    assert await worker.run() is ExitCode.FELL_BEHIND
    summary = orjson.loads((tmp_path / "summary.json").read_bytes())
    assert summary["fellBehind"] is True
    assert summary["lateness"]["p99Milliseconds"] >= 20


async def test_a_full_disk_ends_the_run_with_a_reason(
    served: tuple[Server, Target],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, target = served
    spool = Spool(tmp_path)
    monkeypatch.setattr(spool, "append", _no_space)
    worker = Worker(Assignment(profile=profile(), target=target, out=tmp_path), spool)
    assert await worker.run() is ExitCode.NOT_CARRIED_OUT
    assert "No space left" in capsys.readouterr().err


def _no_space(line: bytes) -> None:
    raise OSError(28, "No space left on device")


async def test_an_absent_receiver_ends_the_run_before_anything_is_sent(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    class Absent(StartedReceiver):
        async def hello(self, workers: int) -> Greeting:
            raise GaveUp("nobody there")

    assignment = Assignment(profile=profile(), target=served[1], out=tmp_path, incarnation="a")
    worker = Worker(assignment, Spool(tmp_path, "a"), Reporter(Absent(0), Patience(), lambda _: None))
    assert await worker.run() is ExitCode.NOT_CARRIED_OUT
    assert served[0].bodies == []


async def test_a_backlog_is_sent_at_once_in_order_and_whole() -> None:
    sent: list[int] = []
    arrivals = iter([Arrival(number, number / 1000, "s") for number in range(300)])
    timers = Timers(asyncio.get_running_loop())
    pacer = Pacer(arrivals, monotonic() - 10, lambda arrival, _: sent.append(arrival.id), timers)
    await pacer.run()
    assert sent == list(range(300))


async def test_nothing_is_sent_before_its_time() -> None:
    early: list[float] = []
    begin = monotonic() + 0.005
    arrivals = iter([Arrival(number, number / 1000, "s") for number in range(30)])
    timers = Timers(asyncio.get_running_loop())
    await Pacer(arrivals, begin, lambda _, intended: early.append(intended - monotonic()), timers).run()
    assert len(early) == 30
    assert max(early) <= 0


@pytest.mark.parametrize(("seconds_ago", "sent"), [(31, 0), (29, 5)])
async def test_a_worker_without_a_past_does_not_begin_a_count_that_began_long_ago(
    served: tuple[Server, Target], tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds_ago: int, sent: int
) -> None:
    """Its Pod was evicted and the spool with it: it is not known which of the five an earlier incarnation had sent."""
    server, target = served
    counted = parse_profile({
        "stages": [{"name": "c", "type": "Concurrency", "concurrency": 2, "requests": 5}]
    })
    receiver = StartedReceiver(Clock().instant(monotonic() - seconds_ago))
    reporter = Reporter(receiver, Patience(), print)
    assignment = Assignment(profile=counted, target=target, out=tmp_path, incarnation="pod-b")
    code = await Worker(assignment, Spool(tmp_path, "pod-b"), reporter).run()
    assert code is (ExitCode.CARRIED_OUT if sent else ExitCode.NOT_CARRIED_OUT)
    assert (len(server.bodies), len(receiver.summaries)) == (sent, 1 if sent else 0)
    words = "the load began 31 s ago, and there is no record or journal of it here, so it is not known what was sent"
    assert (words in capsys.readouterr().err) is (sent == 0)


async def test_a_late_worker_without_a_past_sends_what_is_left_of_stages_with_a_known_end(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    receiver = StartedReceiver(Clock().instant(monotonic() - 31))
    assignment = Assignment(profile=profile(), target=served[1], out=tmp_path, incarnation="pod-b")
    worker = Worker(assignment, Spool(tmp_path, "pod-b"), Reporter(receiver, Patience(), print))
    assert await worker.run() is ExitCode.CARRIED_OUT
    (summary,) = receiver.summaries
    assert (summary["planned"], summary["sent"], summary["skipped"]) == (20, 0, 20)

"""What a worker recorded reaches the receiver whole, whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from elastometer_loadgen.base.record import format_instant
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.journal.fingerprint_file import FingerprintFile
from elastometer_loadgen.journal.spool import Spool, SpoolError
from elastometer_loadgen.reporting.receiver_client import ReceiverClient
from elastometer_loadgen.reporting.reporter import GaveUp, Patience, Reporter

FAST = Patience(
    poll_seconds=0.005,
    push_seconds=0.005,
    first_retry_seconds=0.005,
    max_retry_seconds=0.01,
    give_up_seconds=2.0,
)
START = 1_790_000_000_000_000


@dataclass
class FakeReceiver:
    """The receiver's side of docs/data.md, in memory; `script` gives statuses to answer with before doing anything."""

    port: int = 0
    start: int | None = None
    stored: dict[str, bytes] = field(default_factory=dict)
    lines: dict[str, bytes] = field(default_factory=dict)
    summaries: list[dict[str, object]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    script: list[int] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.tokens.add(headers["x-elastometer-token"])
        status, answer = self.answer(head[0].split(" ")[1], body)
        if status == 0:
            writer.transport.abort()
            return
        data = orjson.dumps(answer)
        writer.write(
            b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(data), data)
        )
        writer.close()

    def answer(self, url: str, body: bytes) -> tuple[int, dict[str, object]]:
        parts = urlsplit(url)
        name = parts.path.removeprefix("/v1/runs/u-1/workers/0/")
        self.calls.append(name)
        if self.script:
            return self.script.pop(0), {}
        if name == "hello":
            incarnation = orjson.loads(body)["incarnation"]
            known, lines = (len(file.get(incarnation, b"")) for file in (self.stored, self.lines))
            start = self.start and format_instant(self.start)
            return 200, {"startTime": start, "next": known, "nextFingerprint": lines}
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if name == "finish":
            self.summaries.append(orjson.loads(body))
            return 200, {}
        file = self.lines if name.startswith("fingerprints") else self.stored
        known, offset = file.get(query["incarnation"], b""), int(query["offset"])
        if offset > len(known):
            return 409, {"next": len(known)}
        file[query["incarnation"]] = known + body[len(known) - offset :]
        return 200, {"next": len(file[query["incarnation"]])}


@pytest.fixture
async def receiver() -> AsyncIterator[FakeReceiver]:
    state = FakeReceiver()
    running = await asyncio.start_server(state.handle, "127.0.0.1", 0)
    state.port = running.sockets[0].getsockname()[1]
    yield state
    running.close()


def reporter_to(receiver: FakeReceiver, patience: Patience = FAST, incarnation: str = "pod 1/a") -> Reporter:
    run = parse_target(f"http://127.0.0.1:{receiver.port}/v1/runs/u-1")
    return Reporter(ReceiverClient(run, "secret", 0, incarnation), patience, lambda _: None)


def line(number: int) -> bytes:
    return orjson.dumps({"id": number, "text": "x" * 50}) + b"\n"


def filled(directory: Path, count: int, incarnation: str | None = "pod 1/a") -> Spool:
    spool = Spool(directory, incarnation)
    for number in range(count):
        spool.append(line(number))
    return spool


@pytest.mark.parametrize("rest", [b'{"id": 3, "tex', b"\0" * 40 + b"\n", b'["id"]\n', b"{}\n"])
def test_a_reopened_spool_knows_its_ids_and_drops_what_is_no_record(tmp_path: Path, rest: bytes) -> None:
    filled(tmp_path, 3).close()
    with (tmp_path / "requests.jsonl").open("ab") as file:
        file.write(rest)
    spool = Spool(tmp_path, "pod 1/a")
    assert spool.ids == {0, 1, 2}
    assert spool.records == 3
    assert spool.size == len(line(0)) * 3
    spool.append(line(7))
    assert (tmp_path / "requests.jsonl").read_bytes() == line(0) + line(1) + line(2) + line(7)


@pytest.mark.parametrize("incarnation", [None, "another"])
def test_records_of_another_run_are_never_added_to(tmp_path: Path, incarnation: str | None) -> None:
    filled(tmp_path, 1).close()
    with pytest.raises(SpoolError, match="must name a directory without records"):
        Spool(tmp_path, incarnation)


def test_a_piece_of_a_spool_ends_with_a_line(tmp_path: Path) -> None:
    spool = filled(tmp_path, 10)
    assert spool.read(0, 2 * len(line(0)) + 5) == line(0) + line(1)
    assert spool.read(0, 5) == line(0)[:5]


async def test_the_start_is_waited_for_through_absence_and_silence(receiver: FakeReceiver) -> None:
    receiver.script = [503, 0, 404]
    reporter = reporter_to(receiver)
    waiting = asyncio.ensure_future(reporter.wait_for_start(2))
    while len(receiver.calls) < 6:
        await asyncio.sleep(0.002)
    assert not waiting.done()
    receiver.start = START
    assert (await waiting).start == START
    assert receiver.tokens == {"secret"}


async def test_every_byte_arrives_once_though_the_receiver_fails_in_between(
    receiver: FakeReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elastometer_loadgen.reporting.reporter.MAX_PIECE_BYTES", 300)
    receiver.start = START
    spool = filled(tmp_path, 40)
    reporter = reporter_to(receiver)
    await reporter.wait_for_start(1)
    following = asyncio.ensure_future(reporter.follow(spool))
    while len(receiver.stored.get("pod 1/a", b"")) < 600:
        await asyncio.sleep(0.002)
    receiver.script = [0, 500, 0]
    for number in range(40, 60):
        spool.append(line(number))
    reporter.stop_following()
    await following
    await reporter.finish(spool, b'{"worker": 0}')
    assert receiver.stored["pod 1/a"] == spool.path.read_bytes()
    assert receiver.summaries == [{"worker": 0}]


async def test_a_receiver_that_lost_its_tail_gets_it_again(receiver: FakeReceiver, tmp_path: Path) -> None:
    receiver.start = START
    spool = filled(tmp_path, 5)
    reporter = reporter_to(receiver)
    await reporter.wait_for_start(1)
    following = asyncio.ensure_future(reporter.follow(spool))
    while len(receiver.stored.get("pod 1/a", b"")) < spool.size:
        await asyncio.sleep(0.002)
    receiver.stored["pod 1/a"] = receiver.stored["pod 1/a"][:100]
    spool.append(line(5))
    reporter.stop_following()
    await following
    await reporter.finish(spool, b"{}")
    assert receiver.stored["pod 1/a"] == spool.path.read_bytes()


async def test_a_restarted_worker_goes_on_where_the_receiver_stands(
    receiver: FakeReceiver, tmp_path: Path
) -> None:
    receiver.start = START
    spool = filled(tmp_path, 5)
    await reporter_to(receiver).finish(spool, b"{}")
    spool.close()
    again = Spool(tmp_path, "pod 1/a")
    again.append(line(9))
    reporter = reporter_to(receiver)
    assert (await reporter.wait_for_start(1)).stored == 5 * len(line(0))
    receiver.calls.clear()
    await reporter.finish(again, b"{}")
    assert receiver.calls == ["records", "finish"]
    assert receiver.stored["pod 1/a"] == again.path.read_bytes()


async def test_patience_ends_and_the_spool_stays(receiver: FakeReceiver, tmp_path: Path) -> None:
    receiver.script = [503] * 1000
    spool = filled(tmp_path, 2)
    brief = Patience(first_retry_seconds=0.005, max_retry_seconds=0.01, give_up_seconds=0.05)
    with pytest.raises(GaveUp, match=r"could not be used for 0\.05 s: records was answered with status 503"):
        await reporter_to(receiver, brief).finish(spool, b"{}")
    assert spool.path.read_bytes() == line(0) + line(1)


async def test_fingerprint_lines_arrive_once_though_their_worker_was_restarted(
    receiver: FakeReceiver, tmp_path: Path
) -> None:
    receiver.start = START
    spool, lines = filled(tmp_path, 2), FingerprintFile(tmp_path)
    lines.add(0, "[REQ-7a2f-0] a")
    lines.flush()
    reporter = reporter_to(receiver)
    await reporter.wait_for_start(1)
    following = asyncio.ensure_future(reporter.follow(spool, lines))
    while not receiver.lines:
        await asyncio.sleep(0.002)
    reporter.stop_following()
    await following
    sent = len(receiver.calls)
    again = FingerprintFile(tmp_path)
    again.add(1, "[REQ-00ff-1] b")
    again.flush()
    restarted = reporter_to(receiver)
    await restarted.wait_for_start(1)
    await restarted.finish(spool, b"{}", again)
    assert receiver.lines == {"pod 1/a": (tmp_path / "fingerprints.jsonl").read_bytes()}
    assert receiver.stored == {"pod 1/a": line(0) + line(1)}
    later = [call.partition("?")[0] for call in receiver.calls[sent:]]
    assert later == ["hello", "fingerprints", "finish"]

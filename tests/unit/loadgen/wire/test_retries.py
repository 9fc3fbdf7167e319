"""A lost request is sent again only where the profile says so, and then both ends are on record."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.measures import time_to_first_token
from elastometer_loadgen.base.record import Outcome, RequestRecord, format_record, parse_instant, parse_record
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule, parse_profile
from elastometer_loadgen.results.totals import Group
from elastometer_loadgen.wire.client import Client, Limits, Route
from elastometer_loadgen.wire.exchange import Exchange

EVENT = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(EVENT), EVENT)
BUSY = b"HTTP/1.1 503 X\r\nx-inference-pod: pod-7\r\ncontent-length: 4\r\n\r\nbusy"
ABSENT = b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n"
HALF = GOOD[:-14]
THROTTLED = b"HTTP/1.1 429 X\r\nretry-after: %b\r\ncontent-length: 4\r\n\r\nslow"
PAUSE = 0.02


@dataclass
class Server:
    """Gives these answers one after the other; of None and of half an answer the connection is closed."""

    port: int = 0
    answers: list[bytes | None] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n{}"))
                answer = self.answers[min(len(self.heads), len(self.answers)) - 1]
                writer.write(answer or b"")
                if answer in (None, HALF):
                    writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr("elastometer_loadgen.base.retries.PAUSE_SECONDS", PAUSE)
    state = Server()
    running = await asyncio.start_server(state.handle, "127.0.0.1", 0)
    state.port = running.sockets[0].getsockname()[1]
    yield state
    running.close()


def client_for(
    server: Server, retries: int, ended: "asyncio.Queue[Exchange]", total_seconds: float = 5
) -> Client:
    target, rule = parse_target(f"http://127.0.0.1:{server.port}"), ConnectionRule(ConnectionPolicy.REUSE)
    return Client(Route(target, "/v1/x", rule, retries=retries), Limits(total_seconds, 5), ended.put_nowait)


def send(client: Client) -> None:
    now = monotonic()
    client.send(Exchange(Arrival(3, 0.0, "s"), Prompt("t", "00ff", b"{}"), now - 1, now))


async def record_of(server: Server, retries: int) -> RequestRecord:
    ended: asyncio.Queue[Exchange] = asyncio.Queue()
    client = client_for(server, retries, ended)
    send(client)
    async with asyncio.timeout(5):
        exchange = await ended.get()
    assert client.in_flight == 0
    assert ended.empty()
    client.close()
    record = exchange.record(Clock(), 0)
    assert parse_record(format_record(record)) == record
    return record


def test_nothing_is_sent_again_by_default() -> None:
    stage = {"name": "s", "type": "Rate", "durationSeconds": 1, "endRequestsPerSecond": "1"}
    assert parse_profile({"stages": [stage]}).retries == 0


async def test_without_retries_a_lost_request_is_sent_once(server: Server) -> None:
    server.answers = [BUSY, GOOD]
    record = await record_of(server, 0)
    assert (record.outcome, record.attempts, record.first_attempt) == (Outcome.SERVER_ERROR, 1, None)
    assert len(server.heads) == 1


async def test_a_request_that_succeeds_at_once_has_one_attempt(server: Server) -> None:
    server.answers = [GOOD]
    record = await record_of(server, 3)
    assert (record.outcome, record.attempts, record.first_attempt) == (Outcome.SUCCESS, 1, None)


async def test_the_first_attempt_and_the_outcome_are_both_on_record(server: Server) -> None:
    server.answers = [BUSY, None, GOOD]
    record = await record_of(server, 3)
    first = dict(record.first_attempt or {})
    assert (record.outcome, record.status, record.pod, record.error, record.attempts) == (
        Outcome.SUCCESS, 200, None, None, 3,
    )
    over = parse_instant(str(first.pop("endTime")))
    assert first == {
        "outcome": "ServerError", "status": 503, "error": "busy", "pod": "pod-7",
        "address": f"127.0.0.1:{server.port}",
    }
    assert record.intended + 990_000 < record.send <= over, "lateness is that of the first attempt"
    assert record.first_byte is not None
    assert over + 3 * PAUSE * 0.9e6 <= record.first_byte, "one pause, and then one twice as long"
    names = [head.partition(b"x-request-id: ")[2].split(b"\r\n")[0] for head in server.heads]
    assert names == [b"00ff-3-0", b"00ff-3-0-2", b"00ff-3-0-3"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(BUSY, Outcome.SERVER_ERROR), (None, Outcome.RESET_BEFORE_ANSWER), (HALF, Outcome.TRUNCATED)],
)
async def test_after_the_last_attempt_a_request_is_lost(
    server: Server, answer: bytes | None, outcome: Outcome
) -> None:
    server.answers = [answer]
    record = await record_of(server, 2)
    assert (record.outcome, record.attempts, len(server.heads)) == (outcome, 3, 3)
    assert (record.first_attempt or {})["outcome"] == outcome.value


async def test_a_throttled_request_is_sent_again_where_retries_are_on(server: Server) -> None:
    server.answers = [THROTTLED % b"0", GOOD]
    record = await record_of(server, 1)
    assert (record.outcome, record.status, record.attempts) == (Outcome.SUCCESS, 200, 2)
    first = dict(record.first_attempt or {})
    assert (first["outcome"], first["status"], first["error"]) == ("Throttled", 429, "slow")


async def test_without_retries_a_throttled_request_is_throttled(server: Server) -> None:
    server.answers = [THROTTLED % b"1", GOOD]
    record = await record_of(server, 0)
    assert (record.outcome, record.attempts, len(server.heads)) == (Outcome.THROTTLED, 1, 1)


@pytest.mark.parametrize("answer", [THROTTLED % b"0.2", BUSY.replace(b"x-inference-pod: pod-7", b"retry-after: 0.2")])
async def test_a_server_that_asks_for_a_pause_gets_it_and_latency_counts_it(server: Server, answer: bytes) -> None:
    server.answers = [answer, GOOD]
    record = await record_of(server, 1)
    over = parse_instant(str((record.first_attempt or {})["endTime"]))
    assert record.first_byte is not None
    assert record.first_byte - over >= 200_000
    waited = time_to_first_token(record)
    assert waited is not None
    assert waited >= 1_200_000, "from the intended time, a second before, over the first attempt and the pause"


async def test_a_pause_that_is_asked_for_is_no_longer_than_one_attempt_may_take(server: Server) -> None:
    server.answers = [THROTTLED % b"3600", GOOD]
    ended: asyncio.Queue[Exchange] = asyncio.Queue()
    client = client_for(server, 1, ended, total_seconds=0.1)
    send(client)
    async with asyncio.timeout(5):
        exchange = await ended.get()
    client.close()
    assert (exchange.outcome, exchange.attempt) == (Outcome.SUCCESS, 2)


@pytest.mark.parametrize(
    ("answer", "outcome"), [(ABSENT, Outcome.CLIENT_ERROR), (b"SSH-2.0\r\n", Outcome.MALFORMED)]
)
async def test_what_would_fail_again_is_not_sent_again(server: Server, answer: bytes, outcome: Outcome) -> None:
    server.answers = [answer, GOOD]
    assert (await record_of(server, 3)).outcome is outcome
    assert len(server.heads) == 1


async def test_a_request_between_two_attempts_is_in_flight_and_can_be_dropped(
    server: Server, monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Long enough for a busy machine to look at the request while it waits.
    pause = 0.3
    monkeypatch.setattr("elastometer_loadgen.base.retries.PAUSE_SECONDS", pause)
    server.answers = [BUSY, GOOD]
    ended: asyncio.Queue[Exchange] = asyncio.Queue()
    client = client_for(server, 1, ended)
    send(client)
    async with asyncio.timeout(5):
        while len(server.heads) < 1:
            await asyncio.sleep(0)
    await asyncio.sleep(pause / 20)
    assert client.in_flight == 1
    client.close()
    await asyncio.sleep(1.5 * pause)
    assert ended.empty()
    assert len(server.heads) == 1


async def test_first_attempts_are_counted_apart(server: Server) -> None:
    group, other = Group(), Group()
    server.answers = [GOOD, BUSY, GOOD]
    group.add(await record_of(server, 1))
    assert group.row()["firstAttempts"] is None
    other.add(await record_of(server, 1))
    group.merge(other)
    row = group.row()
    assert (row["requests"], row["outcomes"]) == (2, {"Success": 2})
    assert row["firstAttempts"] == {"Success": 1, "ServerError": 1}

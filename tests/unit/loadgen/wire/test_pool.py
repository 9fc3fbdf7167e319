"""Which connection carries the next request, and to which pod it leads."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.record import Outcome, RequestRecord
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule
from elastometer_loadgen.wire.client import Client, Limits, Route
from elastometer_loadgen.wire.connection import Connection
from elastometer_loadgen.wire.endpoints import POLL_SECONDS, Address, EndpointFile, parse_endpoints
from elastometer_loadgen.wire.exchange import Exchange
from elastometer_loadgen.wire.pool import IDLE_REUSE_SECONDS, Pool

SPREAD = ConnectionRule(ConnectionPolicy.SPREAD_OVER_PODS)
A, B, C = (Address("10.0.0.1", port) for port in (1, 2, 3))
EVENT = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
GOOD = b"HTTP/1.1 200 OK\r\nkeep-alive: timeout=5, max=9\r\ncontent-length: %d\r\n\r\n%b" % (len(EVENT), EVENT)


class Idle(Connection):
    """A connection without a socket."""

    def __init__(self, idle_since: float = 0.0, patience: int | None = None) -> None:
        self.idle_since = self.opened_at = idle_since
        self.server_idle_seconds = patience
        self.open = True

    @property
    def is_open(self) -> bool:
        return self.open

    def close(self) -> None:
        self.open = False


def chosen(pool: Pool, times: int) -> list[Address]:
    return [backend.address for _ in range(times) if (backend := pool.choose())]


def test_the_pod_with_the_least_in_flight_is_next_and_among_equals_the_one_that_waited_longest() -> None:
    pool = Pool(SPREAD, (A, B, C))
    assert chosen(pool, 6) == [A, B, C, A, B, C]
    first, second = pool.choose(), pool.choose()
    assert first is not None
    assert second is not None
    second.in_flight -= 2
    assert chosen(pool, 3) == [B, C, B]


def test_a_pod_that_comes_is_next_and_one_that_goes_is_never_again() -> None:
    pool = Pool(SPREAD, (A,))
    assert chosen(pool, 3) == [A, A, A]
    pool.follow((A, B))
    assert chosen(pool, 3) == [B, B, B]
    pool.follow((B,))
    assert set(chosen(pool, 9)) == {B}
    pool.follow(())
    assert pool.choose() is None


def test_connections_to_a_pod_that_went_are_closed_at_once_or_when_their_request_is_over() -> None:
    pool = Pool(SPREAD, (A, B))
    backend = pool.choose()
    assert backend is not None
    idle, busy = Idle(), Idle()
    for connection in (idle, busy):
        pool.add(connection, backend)
    pool.put(idle, 0.0)
    pool.follow((B,))
    assert not idle.open
    assert busy.open
    pool.follow((A, B))
    pool.put(busy, 0.0)
    assert not busy.open, "the address came back, but the pod behind it may be another"
    assert pool.open_sockets == 2
    pool.forget(idle)
    pool.forget(busy)
    assert pool.open_sockets == 0


@pytest.mark.parametrize(
    ("patience", "seconds", "taken"),
    [(None, 3.9, True), (None, 4.1, False), (5, 3.9, True), (2, 1.5, True), (2, 1.7, False), (60, 4.1, False)],
)
def test_a_connection_is_let_go_before_the_server_would_close_it(
    patience: int | None, seconds: float, taken: bool
) -> None:
    for sweep in (False, True):
        pool = Pool(ConnectionRule(ConnectionPolicy.REUSE), (A,))
        backend = pool.choose()
        assert backend is not None
        connection = Idle(0.0, patience)
        pool.add(connection, backend)
        pool.put(connection, 0.0)
        if sweep:
            pool.close_idle(seconds)
        assert (pool.take(backend, seconds) is connection) == taken
        assert connection.open == taken


def test_a_connection_that_is_closing_is_not_taken() -> None:
    pool = Pool(ConnectionRule(ConnectionPolicy.REUSE), (A,))
    backend = pool.choose()
    assert backend is not None
    closing, good = Idle(), Idle()
    for connection in (good, closing):
        pool.add(connection, backend)
        pool.put(connection, 0.0)
    closing.open = False
    assert pool.take(backend, 1.0) is good
    assert pool.take(backend, 1.0) is None


def test_a_connection_past_its_age_is_closed_when_its_request_is_over() -> None:
    pool = Pool(ConnectionRule(ConnectionPolicy.MAX_AGE, 10), (A,))
    backend = pool.choose()
    assert backend is not None
    young, old = Idle(), Idle()
    for connection, at in ((young, 9.0), (old, 10.0)):
        pool.add(connection, backend)
        pool.put(connection, at)
        connection.idle_since = at
    assert (young.open, old.open) == (True, False)
    assert pool.take(backend, 10.5) is None
    assert IDLE_REUSE_SECONDS > 1.5, "it was its age and not its silence"


def test_endpoints_are_addresses_line_by_line_each_once() -> None:
    text = "# pods\n10.0.0.7:8000\r\n\n[fd00::7]:8000 # new\n  10.0.0.7:8000\npod-1.svc:80"
    found = parse_endpoints(text)
    assert found == (Address("10.0.0.7", 8000), Address("fd00::7", 8000), Address("pod-1.svc", 80))
    assert str(found[1]) == "[fd00::7]:8000"
    assert parse_endpoints("") == ()


@pytest.mark.parametrize(
    "line", ["10.0.0.7", "10.0.0.7:0", "10.0.0.7:99999", "http://h:80", "u:p@h:80", "h:80/x", ":80", "h:80 i:80", "é:1"]
)
def test_a_line_that_is_no_address_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2 must be an address such as 10\.0\.0\.7:8000"):
        parse_endpoints(f"10.0.0.7:8000\n{line}\n")


def test_a_file_that_is_invalid_for_a_while_changes_nothing_and_is_reported_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "endpoints"
    with pytest.raises(ValueError, match="endpoints"):
        EndpointFile(path)
    path.write_text("h:1\n")
    file = EndpointFile(path)
    assert not file.poll()
    path.write_text("h:1\nh:")
    assert not file.poll()
    assert not file.poll()
    assert file.addresses == (Address("h", 1),)
    assert capsys.readouterr().err.count("the endpoints stay as they were") == 1
    path.write_text("h:2\n")
    assert file.poll()
    assert file.addresses == (Address("h", 2),)


class Pod:
    """A server that holds its answers back until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.port = 0
        self.heads: list[bytes] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n{}"))
                await self.go.wait()
                writer.write(GOOD)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def pods() -> AsyncIterator[list[Pod]]:
    async with AsyncExitStack() as stack:
        running = [Pod() for _ in range(3)]
        for pod in running:
            server = await asyncio.start_server(pod.handle, "127.0.0.1", 0)
            stack.callback(server.close)
            pod.port = server.sockets[0].getsockname()[1]
        yield running


def lines(pods: list[Pod]) -> str:
    return "".join(f"127.0.0.1:{pod.port}\n" for pod in pods)


async def test_requests_follow_the_pods_of_a_file_while_it_changes(pods: list[Pod], tmp_path: Path) -> None:
    path = tmp_path / "endpoints"
    path.write_text(lines(pods[:2]))
    records: asyncio.Queue[RequestRecord] = asyncio.Queue()
    target = parse_target("http://service.test:8000")
    route = Route(target, "/v1/x", SPREAD, endpoints=EndpointFile(path))
    client = Client(route, Limits(5, 5), lambda exchange: records.put_nowait(exchange.record(Clock(), 0)))

    async def ask(times: int) -> Counter[str | None]:
        for number in range(times):
            now = monotonic()
            client.send(Exchange(Arrival(number, 0.0, "s"), Prompt("t", "00ff", b"{}"), now, now))
        found = [await records.get() for _ in range(times)]
        assert {record.outcome for record in found} <= {Outcome.SUCCESS, Outcome.REFUSED}
        assert {record.error for record in found} <= {None, "no endpoint is known"}
        return Counter(record.address for record in found)

    names = [f"127.0.0.1:{pod.port}" for pod in pods]
    assert await ask(20) == {names[0]: 10, names[1]: 10}
    assert b"\r\nhost: service.test:8000\r\n" in pods[0].heads[0]
    path.write_text(lines(pods[1:]))
    await asyncio.sleep(3 * POLL_SECONDS)
    assert await ask(20) == {names[1]: 10, names[2]: 10}
    path.write_text("")
    await asyncio.sleep(3 * POLL_SECONDS)
    assert await ask(3) == {None: 3}
    client.close()


async def test_a_slow_pod_gets_no_more_than_its_share_in_flight(pods: list[Pod], tmp_path: Path) -> None:
    path = tmp_path / "endpoints"
    path.write_text(lines(pods[:2]))
    over: asyncio.Queue[Exchange] = asyncio.Queue()
    route = Route(parse_target("http://service.test"), "/v1/x", SPREAD, endpoints=EndpointFile(path))
    client = Client(route, Limits(5, 5), over.put_nowait)
    pods[0].go.clear()
    for number in range(40):
        now = monotonic()
        client.send(Exchange(Arrival(number, 0.0, "s"), Prompt("t", "00ff", b"{}"), now, now))
        if number:
            await over.get()
    assert len(pods[0].heads) == 1
    assert len(pods[1].heads) == 39
    pods[0].go.set()
    await over.get()
    client.close()

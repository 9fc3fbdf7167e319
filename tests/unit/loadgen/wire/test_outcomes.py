"""Each way in which a request can end has its own class, by what a server on loopback does."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule
from elastometer_loadgen.wire.client import Client, Limits, Route
from elastometer_loadgen.wire.exchange import Exchange
from support.scripted_server import (
    DONE,
    END,
    GOOD,
    HEAD,
    LONG,
    REUSE,
    SHORT,
    Script,
    Sender,
    Server,
    chunk,
    event,
    outcome_of,
    resets,
    says,
    scripted_server,
)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with scripted_server() as state:
        yield state


async def test_a_whole_stream_is_a_success_with_all_its_stamps_in_order(server: Server) -> None:
    record = await outcome_of(server, says(GOOD))
    assert record.outcome is Outcome.SUCCESS
    assert (record.chunks, record.prompt_tokens, record.completion_tokens) == (2, 4, 2)
    assert (record.status, record.finish_reason, record.pod, record.error) == (200, "stop", "pod-1", None)
    stamps = [
        record.send,
        record.connect,
        record.first_byte,
        record.first_token,
        record.last_token,
        record.end,
    ]
    assert None not in stamps
    assert stamps == sorted(stamps, key=lambda stamp: stamp or 0)
    assert record.address == f"127.0.0.1:{server.port}"


async def test_a_role_without_content_is_not_the_first_token(server: Server) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + event())
        await asyncio.sleep(0.03)
        writer.write(event("a") + event(finish="stop") + DONE + END)

    record = await outcome_of(server, script)
    assert record.first_byte is not None
    assert record.first_token is not None
    assert record.first_token - record.first_byte >= 20_000


async def test_a_closed_port_is_refused(server: Server) -> None:
    unused = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    port = unused.sockets[0].getsockname()[1]
    unused.close()
    await unused.wait_closed()
    record = await Sender(port).send()
    assert (record.outcome, record.status, record.connect) == (Outcome.REFUSED, None, None)
    assert record.error


async def test_a_name_that_does_not_resolve_is_refused() -> None:
    ended: asyncio.Queue[Exchange] = asyncio.Queue()
    client = Client(
        Route(parse_target("http://no-such-host.invalid:1"), "/v1", REUSE), LONG, ended.put_nowait
    )
    client.send(Exchange(Arrival(0, 0.0, "s"), Prompt("t", "00ff", b"{}"), monotonic(), monotonic()))
    exchange = await ended.get()
    assert exchange.outcome is Outcome.REFUSED
    assert not exchange.client_exhausted


@pytest.mark.parametrize("script", [resets(), says(close=True), says(b"HTTP/1.1 2", close=True)])
async def test_a_connection_that_breaks_before_the_status_is_a_reset(server: Server, script: Script) -> None:
    record = await outcome_of(server, script)
    assert (record.outcome, record.status) == (Outcome.RESET_BEFORE_ANSWER, None)


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (b"HTTP/1.1 503 X\r\ncontent-length: 8\r\n\r\nno room!", Outcome.SERVER_ERROR, "no room!"),
        (b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", Outcome.SERVER_ERROR, "status 500"),
        (b"HTTP/1.1 404 X\r\ncontent-length: 8\r\n\r\nno model", Outcome.CLIENT_ERROR, "no model"),
        (b"HTTP/1.1 429 X\r\ncontent-length: 0\r\n\r\n", Outcome.THROTTLED, "status 429"),
        (b"HTTP/1.1 302 X\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", Outcome.MALFORMED, "status 302"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Outcome.MALFORMED, "HTTP"),
        (HEAD + chunk(b"data: {broken\n\n") + END, Outcome.MALFORMED, "{broken"),
        (HEAD + chunk(b"data: 17\n\n") + END, Outcome.MALFORMED, "not a JSON object"),
        (HEAD + chunk(b"data: " + b"x" * 700_000) + chunk(b"x" * 700_000), Outcome.MALFORMED, "longer than"),
        (HEAD + DONE + END, Outcome.MALFORMED, "without any text"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
         Outcome.MALFORMED, "not a stream"),
        (HEAD + event("a") + END, Outcome.TRUNCATED, "after 1 chunks"),
        (HEAD + event("a") + event(finish="abort") + DONE + END, Outcome.ABORTED, "abort"),
        (HEAD + event("a") + chunk(b'data: {"error": {"message": "engine died"}}\n\n') + DONE + END,
         Outcome.SERVER_ERROR, "engine died"),
    ],
)
async def test_an_answer_is_classed_by_what_it_says(
    server: Server, answer: bytes, outcome: Outcome, words: str
) -> None:
    record = await outcome_of(server, says(answer))
    assert record.outcome is outcome
    assert words in (record.error or "")
    assert len(record.error or "") <= 200


async def test_a_stream_that_breaks_is_truncated_and_keeps_what_was_seen(server: Server) -> None:
    record = await outcome_of(server, says(HEAD + event("a") + event("b"), close=True))
    assert (record.outcome, record.chunks, record.completion_tokens) == (Outcome.TRUNCATED, 2, None)


async def test_a_stream_that_falls_silent_is_stalled(server: Server) -> None:
    record = await outcome_of(server, says(HEAD + event("a")), Limits(total_seconds=5.0, idle_seconds=0.05))
    assert record.outcome is Outcome.STALLED
    assert record.last_token is not None
    assert 0.045e6 <= record.end - record.last_token <= 0.5e6


async def test_waiting_in_the_queue_is_not_a_stall(server: Server) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await asyncio.sleep(0.08)
        writer.write(GOOD.removeprefix(HEAD))

    record = await outcome_of(server, script, Limits(total_seconds=5.0, idle_seconds=0.04))
    assert record.outcome is Outcome.SUCCESS


@pytest.mark.parametrize("pieces", [(), (HEAD,)])
async def test_no_answer_in_time_is_timed_out(server: Server, pieces: tuple[bytes, ...]) -> None:
    record = await outcome_of(server, says(*pieces), SHORT)
    assert record.outcome is Outcome.TIMED_OUT
    assert 0.075e6 <= record.end - record.send <= 0.5e6


async def test_a_stream_that_goes_on_for_too_long_is_timed_out(server: Server) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for _ in range(20):
            writer.write(event("a"))
            await asyncio.sleep(0.01)

    record = await outcome_of(server, script, SHORT)
    assert record.outcome is Outcome.TIMED_OUT
    assert record.chunks > 1


async def test_a_connection_is_used_again_and_then_has_no_connect_time(server: Server) -> None:
    server.script = says(GOOD)
    sender = Sender(server.port)
    first, second = await sender.send(), await sender.send()
    assert first.connect is not None
    assert second.connect is None
    assert second.outcome is Outcome.SUCCESS
    assert (server.requests, server.connections) == (2, 1)


async def test_a_connection_per_request_is_never_used_again(server: Server) -> None:
    server.script = says(GOOD)
    sender = Sender(server.port, rule=ConnectionRule(ConnectionPolicy.PER_REQUEST))
    await sender.send()
    await sender.send()
    assert server.connections == 2
    assert b"connection: close" in server.last_head


async def test_a_connection_silent_for_four_seconds_is_not_used_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script = says(GOOD)
    sender = Sender(server.port)
    await sender.send()
    monkeypatch.setattr("elastometer_loadgen.wire.pool.IDLE_REUSE_SECONDS", 0.0)
    await asyncio.sleep(0.002)
    await sender.send()
    assert server.connections == 2


async def test_the_answer_may_be_cut_between_any_two_bytes(server: Server) -> None:
    record = await outcome_of(server, says(*(GOOD[i : i + 1] for i in range(len(GOOD)))))
    assert (record.outcome, record.chunks, record.completion_tokens) == (Outcome.SUCCESS, 2, 2)

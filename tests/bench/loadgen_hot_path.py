"""What one streamed event and one request cost the load generator's client, beside aiohttp in the same run.

    python tests/bench/loadgen_hot_path.py [--streams 100] [--tokens 100] [--gap-ms 20] [--rounds 2]

A raw server in another process sends paced events as vLLM does; each client keeps a fixed number of streams open and
is charged with its own CPU time. Numbers depend on the machine: read the ratios. aiohttp is used at its best: uvloop,
no connection limit, `iter_any`, and it parses only the events that this client parses too.
"""

import argparse
import asyncio
import multiprocessing
import socket
import time
from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp
import orjson
import uvloop

from elastometer_loadgen.answer import Answer
from elastometer_loadgen.exchange import Exchange
from elastometer_loadgen.profile import ConnectionPolicy, ConnectionRule
from elastometer_loadgen.prompts import Prompt
from elastometer_loadgen.schedule import Arrival
from elastometer_loadgen.stream import Client, Limits, Route
from elastometer_loadgen.target import parse_target

BODY = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 200}], "stream": True})
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)
EVENT = (
    b'data: {"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":1790000000,'
    b'"model":"Qwen/Qwen2.5-0.5B-Instruct","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,'
    b'"finish_reason":null}]}\n\n'
)
LAST = EVENT.replace(b'"finish_reason":null', b'"finish_reason":"length"')


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class RawServer(asyncio.Protocol):
    """Answers each request with paced events; knows no more of HTTP than it needs."""

    def __init__(self, tokens: int, gap: float) -> None:
        self._tokens, self._gap = tokens, gap
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(BODY):
            self._received = b""
            self._transport.write(HEAD)
            self._tick(1)

    def _tick(self, number: int) -> None:
        if self._transport.is_closing():
            return
        if number == self._tokens:
            self._transport.write(chunk(LAST) + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            return
        self._transport.write(chunk(EVENT))
        asyncio.get_running_loop().call_later(self._gap, self._tick, number + 1)


def serve(sock: socket.socket, tokens: int, gap: float) -> None:
    """The server process."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: RawServer(tokens, gap), sock=sock)
        await server.serve_forever()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(forever())


async def own(url: str, streams: int, rounds: int, *, keeps_text: bool = False) -> int:
    """This project's client; the number of chunks with content."""
    ended: asyncio.Queue[Exchange] = asyncio.Queue()
    rule = ConnectionRule(ConnectionPolicy.REUSE)
    client = Client(Route(parse_target(url), "/v1/chat/completions", rule), Limits(600, 60), ended.put_nowait)
    prompt = Prompt("t", "0000", BODY, keeps_text=keeps_text)
    total, sent = streams * rounds, 0
    chunks = 0

    def send() -> None:
        now = time.monotonic()
        client.send(Exchange(Arrival(sent, 0.0, "s"), prompt, now, now))

    for sent in range(streams):  # noqa: B007
        send()
    sent = streams
    for _ in range(total):
        exchange = await ended.get()
        assert exchange.outcome == "Success", exchange.error
        chunks += exchange.answer.chunks
        if sent < total:
            send()
            sent += 1
    client.close()
    return chunks


async def with_aiohttp(url: str, streams: int, rounds: int) -> int:
    """aiohttp with the same reading of events on top."""
    chunks = 0

    async def stream(session: aiohttp.ClientSession) -> None:
        nonlocal chunks
        for _ in range(rounds):
            answer = Answer()
            async with session.post(f"{url}/v1/chat/completions", data=BODY) as response:
                async for data in response.content.iter_any():
                    answer.feed(data, time.monotonic())
            assert answer.done
            chunks += answer.chunks

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(600)) as session:
        await asyncio.gather(*(stream(session) for _ in range(streams)))
    return chunks


def measure(
    client: Callable[[str, int, int], Awaitable[int]], url: str, streams: int, rounds: int
) -> tuple[float, int]:
    """CPU microseconds per event of one client, and the events."""

    async def timed() -> tuple[float, int]:
        await client(url, streams, 1)
        began = time.process_time()
        chunks = await client(url, streams, rounds)
        return (time.process_time() - began) * 1e6 / chunks, chunks

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(timed())


def compare(name: str, streams: int, tokens: int, gap: float, rounds: int) -> None:
    """Runs both clients against one server and prints them side by side."""
    sock = socket.create_server(("127.0.0.1", 0), backlog=4096)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    server = multiprocessing.get_context("fork").Process(target=serve, args=(sock, tokens, gap), daemon=True)
    server.start()
    sock.close()
    try:
        costs = {}
        for label, client in (
            ("elastometer-load", own),
            ("  keeping text", partial(own, keeps_text=True)),
            ("aiohttp", with_aiohttp),
        ):
            cost, events = measure(client, url, streams, rounds)
            costs[label] = cost
            print(
                f"{name}: {label:<17} {cost:7.1f} us/event {cost * tokens:9.1f} us/request ({events} events)"
            )
        print(f"{name}: aiohttp costs {costs['aiohttp'] / costs['elastometer-load']:.2f} x as much")
    finally:
        server.terminate()
        server.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--gap-ms", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    compare("paced", options.streams, options.tokens, options.gap_ms / 1000, options.rounds)
    compare("short", 32, 1, 0.0, 100)


if __name__ == "__main__":
    main()

"""What the plain clients share: the request, when to send it, and how to report the result."""

import argparse
import asyncio
import gc
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import uvloop

PATH = "/v1/chat/completions"


@dataclass(slots=True)
class Seen:
    """What a client reports: seconds to the first token of each request, and the number of events with text."""

    ttft: list[float] = field(default_factory=list)
    events: int = 0


def body(tokens: int) -> bytes:
    """A chat of one message of 200 characters."""
    message = {"role": "user", "content": "x" * 200}
    more = {"max_tokens": tokens, "stream": True, "stream_options": {"include_usage": True}}
    return orjson.dumps({"model": "m", "messages": [message], **more})


@dataclass(frozen=True, slots=True)
class Order:
    """How many requests, to which server, and either their rate (open loop) or how many at a time (closed loop)."""

    host: str
    port: int
    requests: int
    rate: float
    concurrency: int
    body: bytes
    out: Path


def order(arguments: list[str] | None = None) -> Order:
    """The command line that every plain client takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--concurrency", type=int, default=0)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    url = urlsplit(given.url)
    return Order(
        host=str(url.hostname),
        port=int(url.port or 80),
        requests=given.requests,
        rate=given.rate,
        concurrency=given.concurrency,
        body=body(given.tokens),
        out=given.out,
    )


async def spread(given: Order, ask: Callable[[], Awaitable[None]]) -> None:
    """Call `ask` once per request: at its scheduled time, or as soon as one of the concurrent ones has ended."""
    if given.rate:
        await _at_a_rate(given, ask)
        return
    left = iter(range(given.requests))

    async def lane() -> None:
        for _ in left:
            await ask()

    await asyncio.gather(*(lane() for _ in range(given.concurrency)))


async def _at_a_rate(given: Order, ask: Callable[[], Awaitable[None]]) -> None:
    loop, begin = asyncio.get_running_loop(), time.monotonic()
    asked: list[asyncio.Future[None]] = []
    for number in range(given.requests):
        wait = begin + number / given.rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        asked.append(loop.create_task(ask()))  # type: ignore[arg-type]
    await asyncio.gather(*asked)


def carry_out(client: Callable[[Order, Seen], Awaitable[None]]) -> None:
    """The main program of a plain client."""
    given, seen = order(), Seen()
    gc.freeze()  # modules are never freed, so garbage collection need not visit them

    async def run() -> None:
        await client(given, seen)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    given.out.write_text(json.dumps({"ttft": seen.ttft, "events": seen.events}))

"""aiohttp at its best: uvloop, no connection limit, `iter_any`, orjson for each event, and nothing else recorded."""

import time

import aiohttp
import orjson
from asking import PATH, Order, Seen, carry_out, spread

HEADERS = {"content-type": "application/json"}
DONE = b"[DONE]"


async def client(given: Order, seen: Seen) -> None:
    """Carries out the order in one session."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(600)) as session:
        url = f"http://{given.host}:{given.port}{PATH}"

        async def ask() -> None:
            sent_at = time.monotonic()
            first_at: float | None = None
            async with session.post(url, data=given.body, headers=HEADERS) as response:
                rest = b""
                async for data in response.content.iter_any():
                    now = time.monotonic()
                    *events, rest = (rest + data).split(b"\n\n")
                    for event in events:
                        if not has_text(event[6:]):
                            continue
                        seen.events += 1
                        if first_at is None:
                            first_at = now
                            seen.ttft.append(now - sent_at)

        await spread(given, ask)


def has_text(payload: bytes) -> bool:
    """True for an event with a piece of the answer."""
    if payload == DONE:
        return False
    choices = orjson.loads(payload)["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


if __name__ == "__main__":
    carry_out(client)

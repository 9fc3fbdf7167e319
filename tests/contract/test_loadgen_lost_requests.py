"""Whatever way the stand-in loses requests, each of a hundred in flight at once lands in the class of that way."""

import asyncio
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import orjson
import pytest
import uvloop

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.record import Outcome, RequestRecord
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule
from elastometer_loadgen.wire.client import Client, Limits, Route
from elastometer_loadgen.wire.exchange import Exchange

StandIn = Callable[..., AbstractContextManager[str]]
REQUESTS = 100
LIMITS = Limits(total_seconds=4.0, idle_seconds=0.5)
LOST_AS = {
    "drop": Outcome.RESET_BEFORE_ANSWER,
    "reset-first": Outcome.RESET_BEFORE_ANSWER,
    "error": Outcome.SERVER_ERROR,
    "unavailable": Outcome.SERVER_ERROR,
    "truncate": Outcome.TRUNCATED,
    "reset": Outcome.TRUNCATED,
    "abort": Outcome.ABORTED,
    "broken-json": Outcome.MALFORMED,
    "stall": Outcome.STALLED,
    "mute": Outcome.TIMED_OUT,
}


def configure(url: str, **changes: object) -> None:
    urllib.request.urlopen(f"{url}/standin/config", orjson.dumps(changes), timeout=5).close()


async def wait_until_refused(url: str) -> None:
    """The stand-in closes its port a moment after the request to."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.02)


async def ask_all_at_once(url: str) -> list[RequestRecord]:
    """A hundred requests on as many connections, and their records."""
    records: list[RequestRecord] = []
    clock, all_over = Clock(), asyncio.Event()

    def ended(exchange: Exchange) -> None:
        records.append(exchange.record(clock, 0))
        if len(records) == REQUESTS:
            all_over.set()

    route = Route(parse_target(url), "/v1/chat/completions", ConnectionRule(ConnectionPolicy.REUSE))
    client = Client(route, LIMITS, ended)
    for number in range(REQUESTS):
        messages = [{"role": "user", "content": f"number {number}"}]
        body = orjson.dumps({"messages": messages, "max_tokens": 8, "ignore_eos": True, "stream": True})
        now = monotonic()
        client.send(Exchange(Arrival(number, 0.0, "s"), Prompt("t", "00ff", body), now, now))
    async with asyncio.timeout(20):
        await all_over.wait()
    assert client.in_flight == 0
    client.close()
    return records


async def lose_in_every_way(url: str) -> dict[str, list[RequestRecord]]:
    found = {"none": await ask_all_at_once(url)}
    for fault in LOST_AS:
        await asyncio.to_thread(configure, url, rates={**dict.fromkeys(LOST_AS, 0), fault: 1})
        found[fault] = await ask_all_at_once(url)
    await asyncio.to_thread(configure, url, refuse=True)
    await wait_until_refused(url)
    return found | {"refuse": await ask_all_at_once(url)}


@pytest.mark.timeout(60)
def test_each_of_a_hundred_lost_requests_lands_in_its_class_whatever_the_way(tmp_path: Path, standin: StandIn) -> None:
    with (
        standin(tmp_path / "log", "m") as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        found = runner.run(lose_in_every_way(url))
    classes = {way: Counter(record.outcome for record in records) for way, records in found.items()}
    expected = {"none": Outcome.SUCCESS, **LOST_AS, "refuse": Outcome.REFUSED}
    assert classes == {way: {outcome: REQUESTS} for way, outcome in expected.items()}
    assert {record.status for record in found["unavailable"]} == {503}
    assert {record.finish_reason for record in found["abort"]} == {"abort"}
    # A silent stream is known by its silence: long before the whole request would have been given up.
    for record in found["stall"]:
        assert record.chunks > 0
        assert record.last_token is not None
        assert 0.49e6 <= record.end - record.last_token < 2e6
    assert all(3.99e6 <= record.end - record.send < 8e6 for record in found["mute"])

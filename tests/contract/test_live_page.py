"""The live page as a person has it: served by the operator, opened in a real browser, with the run's token or without.

Needs Chromium (`apt-get install chromium`); without it the tests in the browser are skipped and say so.
"""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from elastometer.world.clock import SystemClock
from elastometer.world.live.page import live_headers, live_page
from elastometer.world.receiver import Receiver
from elastometer.world.run_store import RunStore
from support.browser import Page, chromium, opened

UID, TOKEN = "0a1b", "r/g+ht=&<"
IN_A_BROWSER = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium")
HOSTILE = "<img src=x onerror=alert(1)>"


def record(number: int, outcome: str = "Success", status: int | None = 200) -> bytes:
    end = f"2026-11-21T05:00:{number:02d}.500000Z"
    return orjson.dumps({"id": number, "intendedTime": f"2026-11-21T05:00:{number:02d}.000000Z", "endTime": end,
                         "firstTokenTime": end, "outcome": outcome, "status": status}) + b"\n"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[str, Receiver]]:
    """The URL of a run with 20 records, of which 3 are lost."""
    receiver, store = Receiver(SystemClock()), RunStore(tmp_path / "run")
    await receiver.register(UID, store, TOKEN, 1)
    receiver.ready = True
    async with TestClient(TestServer(receiver.app())) as client:
        lost = {3: ("ServerError", 503), 9: ("ServerError", 503), 17: (HOSTILE, None)}
        body = b"".join(record(number, *lost.get(number, ("Success", 200))) for number in range(20))
        answer = await client.post(f"/v1/runs/{UID}/workers/0/records", headers={"X-Elastometer-Token": TOKEN},
                                   params={"incarnation": "a", "offset": "0"}, data=body)
        assert answer.status == 200
        receiver.show_progress(UID, {"stage": HOSTILE, "users": 50, "load": "50 users", "replicas": "2/3",
                                    "remainingSeconds": 90, "remainingSecondsAreExact": False})
        yield str(client.make_url(f"/v1/runs/{UID}/live.html")), receiver


def test_the_page_is_one_file_that_may_ask_nothing_but_its_operator() -> None:
    page = live_page().decode()
    assert "@style@" not in page
    assert "@script@" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("HTTP", "")
    assert "src=" not in page
    policy = live_headers()["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src 'self';" in policy
    assert "unsafe" not in policy


async def test_the_page_needs_no_token_and_its_numbers_do(served: tuple[str, Receiver]) -> None:
    _, receiver = served
    async with TestClient(TestServer(receiver.app())) as client:
        assert (await client.get(f"/v1/runs/{UID}/live.html")).status == 200
        assert (await client.get("/v1/runs/nobody/live.html")).status == 200
        assert (await client.get(f"/v1/runs/{UID}/live")).status == 401


async def until(page: Page, expression: str) -> None:
    async with asyncio.timeout(20):
        while not await page.value(expression):
            await asyncio.sleep(0.05)


@IN_A_BROWSER
@pytest.mark.timeout(120)
async def test_a_browser_shows_users_rates_latencies_and_losses(address: str, served: tuple[str, Receiver]) -> None:
    url, _ = served
    async with opened(address, f"{url}#r%2Fg%2Bht%3D%26%3C") as page:
        await until(page, "!document.getElementById('view').hidden")
        rows = await page.value("[...document.querySelectorAll('#now tr')].map((row) => row.innerText)")
        shown = dict(row.split("\t") for row in rows)
        assert (shown["stage"], shown["users"], shown["offered"]) == (HOSTILE, "50", "50 users")
        assert shown["replicas, ready/desired"] == "2/3"
        assert (shown["requests"], shown["lost"], shown["time left"]) == ("20", "3", "at most 1 min 30 s")
        losses = await page.value("[...document.querySelectorAll('#losses tbody tr')].map((row) => row.innerText)")
        assert losses == ["ServerError\t503\t2", f"{HOSTILE}\tno answer\t1"]
        assert await page.value("document.querySelectorAll('#rates polyline').length") == 2
        assert await page.value("document.querySelectorAll('#latencies polyline').length") == 2
        assert await page.value("document.querySelectorAll('img').length") == 0
        assert await page.value("violations") == []
        assert set(page.problems) == {f"request: {url.removesuffix('.html')}"}


@IN_A_BROWSER
@pytest.mark.timeout(120)
async def test_without_the_token_the_page_asks_for_it(address: str, served: tuple[str, Receiver]) -> None:
    url, _ = served
    async with opened(address, url) as page:
        await until(page, "!document.getElementById('ask').hidden")
        assert page.problems == [], "nothing is asked without a token"
        await page.value(f"document.getElementById('token').value = {TOKEN!r}")
        await page.value("document.querySelector('#ask button').click()")
        await until(page, "!document.getElementById('view').hidden")
        assert await page.value("document.getElementById('ask').hidden") is True
        assert await page.value("violations") == []

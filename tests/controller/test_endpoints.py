"""Workers that spread requests over Pods hear of them from the operator's watch, at once and at no cost."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from elastometer.world.receiver import Receiver
from elastometer.world.run_store import RunStore
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.reporting.endpoint_feed import EndpointFeed
from elastometer_loadgen.reporting.receiver_client import ReceiverClient as Line
from elastometer_loadgen.reporting.receiver_client import ReceiverError
from elastometer_loadgen.reporting.reporter import GaveUp, Patience, Reporter
from elastometer_loadgen.wire.endpoints import Address

UID = "0a1b"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/team/endpointslices"


def line_to(port: int, token: str = "right") -> Line:
    return Line(parse_target(f"http://127.0.0.1:{port}/v1/runs/{UID}"), token, 0, "a")


class Desk:
    """The operator's receiver, as a worker reaches it; `asked` counts the calls."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver, self.asked = receiver, []

    @web.middleware
    async def count(self, request: web.Request, handler) -> web.StreamResponse:
        self.asked.append(request.path)
        return await handler(request)

    def publish(self, *addresses: str) -> None:
        self.receiver.publish_endpoints(UID, addresses)


@pytest.fixture
async def desk(tmp_path, clock):
    receiver = Receiver(clock)
    await receiver.register(UID, RunStore(tmp_path / "run"), "right", 1)
    receiver.ready = True
    found = Desk(receiver)
    app = receiver.app()
    app.middlewares.insert(0, found.count)
    async with TestServer(app) as server:
        found.line = line_to(server.port)
        yield found


async def test_a_worker_is_answered_as_soon_as_there_is_another_list_and_asks_nothing_between(desk):
    desk.publish("10.0.0.7:8000")
    feed, published = EndpointFeed(desk.line), asyncio.Queue()
    assert await feed.refresh()
    assert feed.addresses == (Address("10.0.0.7", 8000),)
    following = asyncio.create_task(feed.follow(published.put_nowait))
    while len(desk.asked) < 2:
        await asyncio.sleep(0)
    desk.publish("10.0.0.7:8000")
    for _ in range(100):
        await asyncio.sleep(0)
    assert (published.empty(), len(desk.asked)) == (True, 2)
    desk.publish("10.0.0.7:8000", "[fd00::8]:8000")
    async with asyncio.timeout(5):
        assert await published.get() == (Address("10.0.0.7", 8000), Address("fd00::8", 8000))
    assert len(desk.asked) == 2
    following.cancel()


async def test_the_same_list_is_not_sent_again_and_an_empty_one_is_a_list(desk):
    desk.publish("10.0.0.7:8000")
    first = await desk.line.endpoints(None, 0)
    assert (first.text, await desk.line.endpoints(first.tag, 0)) == ("10.0.0.7:8000\n", None)
    desk.publish()
    second = await desk.line.endpoints(first.tag, 0)
    assert (second.text, second.tag != first.tag) == ("", True)
    desk.publish("10.0.0.7:8000")
    assert (await desk.line.endpoints(second.tag, 0)).tag == first.tag


async def test_no_worker_registers_before_it_knows_where_to_send(desk):
    patience = Patience(poll_seconds=0.01, first_retry_seconds=0.01, give_up_seconds=0.2)
    feed = EndpointFeed(desk.line)
    with pytest.raises(GaveUp, match="the request for endpoints was answered with status 503"):
        await Reporter(desk.line, patience, str, feed).wait_for_start(1)
    assert desk.receiver.live(UID).workers_seen == 0
    desk.publish("10.0.0.7:8000")
    greeting = await Reporter(desk.line, patience, str, feed).wait_for_start(1)
    assert greeting.start is not None
    assert feed.addresses == (Address("10.0.0.7", 8000),)


async def test_without_the_runs_token_no_address_is_given_out(desk):
    desk.publish("10.0.0.7:8000")
    with pytest.raises(ReceiverError, match="status 401"):
        await line_to(desk.line._run.port, "wrong").endpoints(None, 0)


async def test_the_last_list_stays_while_the_receiver_is_away_or_sends_nonsense(capsys):
    answers = iter([("10.0.0.7:8000\n", 200), ("10.0.0.7\n", 200), ("10.0.0.7\n", 200), ("", 503), ("", 200)])

    async def answer(request: web.Request) -> web.Response:
        text, status = next(answers)
        return web.Response(text=text, status=status)

    app = web.Application()
    app.router.add_get("/v1/runs/0a1b/endpoints", answer)
    async with TestServer(app) as server:
        feed = EndpointFeed(line_to(server.port))
        await feed.refresh()
        for words in ("not a valid list: line 1 must be an address such as", "not a valid list", "status 503"):
            with pytest.raises(ReceiverError, match=words):
                await feed.refresh()
            assert feed.addresses == (Address("10.0.0.7", 8000),)
        assert await feed.refresh()
        assert feed.addresses == ()


async def test_the_recorders_watch_passes_on_every_change_of_the_ready_endpoints(world):
    def sliced(*addresses: str) -> dict:
        return {"metadata": {"name": "shop-server-x", "uid": "u"}, "ports": [{"port": 8000, "protocol": "TCP"}],
                "endpoints": [{"addresses": [one], "conditions": {"ready": True}} for one in addresses]}

    published: list[tuple[str, ...]] = []
    async with world.recording(publish_endpoints=published.append) as recorder:
        await recorder.synced(5)
        assert published == []
        for addresses in (("10.0.0.7",), ("10.0.0.7", "10.0.0.8"), ()):
            await world.api.put(SLICES, sliced(*addresses))
            await world.until(lambda wanted=addresses: published[-1:] == [tuple(f"{one}:8000" for one in wanted)])
        asked = [path for path, _ in world.api.asked if path == SLICES]
        assert len(asked) == 2  # one list and one watch, as without anybody who asks

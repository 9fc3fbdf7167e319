"""Fixtures of the controller's tests: a clock that only the test moves, and an API server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from support.clocks import SteppedClock
from support.fake_api import FakeApi
from support.recorded_world import World


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    api, clock = FakeApi(), SteppedClock()
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", api.serve)
    async with TestServer(app, shutdown_timeout=0) as server:
        address = str(server.make_url("")).rstrip("/")
        async with ApiClient(Configuration(host=address, connection_pool_maxsize=0)) as client:
            yield World(api, clock, client, tmp_path / "run")
        api.drop()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()

"""What the API server says to a dry run, as the flaws of a variant."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from elastometer.world.cluster import Cluster, Refused

MANIFEST: Mapping[str, Any] = {
    "apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest",
    "metadata": {"name": "scalers-queue-1", "namespace": "lab"},
}
CAUSES = [
    {"field": "spec.load.stages[0].durationSeconds", "message": "Invalid value: 0: must be at least 1"},
    {"field": "spec.load.stages[0].durationSeconds", "message": "Invalid value: 0: must be at least 1"},
    {"field": "<nil>", "message": "some validation rules were not checked"},
    {"field": "spec.autoscaler", "message": "Required value"},
]


async def refusal(status: int, answer: Any) -> tuple[Refused, dict[str, str]]:
    asked: dict[str, str] = {}

    async def answering(request: web.Request) -> web.Response:
        asked.update(request.query)
        if isinstance(answer, str):
            return web.Response(status=status, text=answer)
        return web.json_response(answer, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answering)
    async with TestServer(app) as server, ApiClient(Configuration(host=str(server.make_url("")).rstrip("/"))) as client:
        with pytest.raises(Refused) as raised:
            await Cluster(client).post(dict(MANIFEST), dry_run=True)
    return raised.value, asked


async def test_each_field_that_the_api_server_names_is_one_flaw_and_nothing_is_created() -> None:
    answer = {"kind": "Status", "message": "ElasticityTest is invalid", "details": {"causes": CAUSES}}
    found, asked = await refusal(422, answer)
    assert found.flaws == (
        "spec.load.stages[0].durationSeconds: Invalid value: 0: must be at least 1", "spec.autoscaler: Required value")
    assert (asked["dryRun"], asked["fieldValidation"]) == ("All", "Strict")


@pytest.mark.parametrize("answer", ["<html>", "[]", "{}", '{"details": 5}', '{"details": {"causes": [7, {}]}}'])
async def test_whatever_else_answers_names_no_field(answer: str) -> None:
    found, _ = await refusal(400, answer)
    assert found.flaws == ()

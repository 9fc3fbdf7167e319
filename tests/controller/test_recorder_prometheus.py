"""Three outcomes of a range query, on a Prometheus that answers, fails, comes back or is something else."""
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from elastometer.model.errors import WorldError
from elastometer.world.prometheus import ATTEMPTS, MAX_POINTS, Prometheus

START = datetime(2026, 11, 21, 5, tzinfo=UTC)


class FakePrometheus:
    """Answers each call with the next of `answers`, and the last indefinitely."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, object]] = [(200, [])]
        self.asked: list[dict[str, str]] = []

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        status, result = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(result, str):
            return web.Response(status=status, text=result)
        return web.json_response({"status": "success", "data": {"result": result}}, status=status)


@pytest.fixture
async def fake(monkeypatch):
    monkeypatch.setattr("elastometer.world.prometheus.MAX_WAIT_SECONDS", 0)
    server = FakePrometheus()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.serve)
    async with TestServer(app) as listening:
        server.url = str(listening.make_url("/"))
        yield server


async def asked(fake: FakePrometheus, seconds: int = 30) -> dict:
    return await Prometheus(fake.url).range_query("waiting", "sum(x)", START, START + timedelta(seconds=seconds), 15)


async def test_samples_are_kept_as_they_were_sent(fake):
    values = [[1795237200, "1.5"], [1795237215, "NaN"], [1795237230, "+Inf"]]
    fake.answers = [(200, [{"metric": {"pod": "a"}, "values": values}])]
    assert await asked(fake) == {
        "name": "waiting", "query": "sum(x)", "start": "2026-11-21T05:00:00.000000Z",
        "end": "2026-11-21T05:00:30.000000Z", "stepSeconds": 15, "outcome": "Samples",
        "series": [{"labels": {"pod": "a"}, "samples": values}]}


async def test_no_series_is_no_data_and_not_zero(fake):
    answer = await asked(fake)
    assert (answer["outcome"], answer["series"], "message" in answer) == ("NoData", [], False)


async def test_a_refused_query_fails_at_once_with_its_reason(fake):
    fake.answers = [(400, '{"error":"parse error: unclosed left parenthesis"}')]
    answer = await asked(fake)
    assert (answer["outcome"], len(fake.asked)) == ("QueryFailed", 1)
    assert "HTTP Status Code 400" in answer["message"]
    assert "unclosed left parenthesis" in answer["message"]


async def test_a_temporary_failure_is_asked_again(fake):
    fake.answers = [(503, "starting"), (503, "starting"), (200, [{"metric": {}, "values": [[1, "2"]]}])]
    assert (await asked(fake))["outcome"] == "Samples"
    assert len(fake.asked) == 3


async def test_a_lasting_failure_ends_after_a_few_attempts(fake):
    fake.answers = [(503, "starting")]
    assert (await asked(fake))["outcome"] == "QueryFailed"
    assert len(fake.asked) == 4


@pytest.mark.parametrize("text", ["<html>", "[]", '{"data": null}', '{"data": {"result": "x"}}'])
async def test_an_answer_that_is_not_prometheus_is_a_failed_query(fake, text):
    fake.answers = [(200, text)]
    assert (await asked(fake))["outcome"] == "QueryFailed"


async def test_a_range_beyond_the_limit_is_asked_in_pieces_and_joined(fake):
    fake.answers = [(200, [{"metric": {"pod": "a"}, "values": [[1, "1"]]}]),
                    (200, [{"metric": {"pod": "a"}, "values": [[2, "2"]]}, {"metric": {}, "values": [[2, "3"]]}])]
    answer = await asked(fake, seconds=15 * (MAX_POINTS + 10))
    assert answer["series"] == [{"labels": {"pod": "a"}, "samples": [[1, "1"], [2, "2"]]},
                                {"labels": {}, "samples": [[2, "3"]]}]
    first, second = fake.asked
    assert int(first["end"]) - int(first["start"]) == 15 * (MAX_POINTS - 1)
    assert int(second["start"]) - int(first["end"]) == 15


async def test_an_unreachable_server_is_reported_as_such(monkeypatch):
    monkeypatch.setattr("elastometer.world.prometheus.MAX_WAIT_SECONDS", 0)
    with pytest.raises(WorldError, match="must answer queries, but did not: ConnectionError"):
        await Prometheus("http://127.0.0.1:1").ping()


async def test_a_server_that_answers_can_be_pinged(fake):
    fake.answers = [(200, [{"metric": {}, "value": [1, "1"]}])]
    assert await Prometheus(fake.url).ping() is None


@pytest.mark.parametrize("url", ["", "prometheus:9090", "ftp://host", "http://", "http://host:port", "file:///etc/passwd"])
def test_an_address_that_cannot_be_one_is_refused(url):
    with pytest.raises(WorldError, match=r"must be http://HOST"):
        Prometheus(url)


def test_credentials_in_the_address_are_refused_without_repeating_them():
    with pytest.raises(WorldError, match="user name or password") as refused:
        Prometheus("http://me:hunter2@host")
    assert "hunter2" not in str(refused.value)


async def test_a_server_that_is_down_is_not_waited_for_again_with_each_query(fake):
    fake.answers = [(503, "")]
    prometheus = Prometheus(fake.url)
    end = START + timedelta(seconds=30)
    for _ in range(3):
        assert (await prometheus.range_query("waiting", "sum(x)", START, end, 15))["outcome"] == "QueryFailed"
    assert len(fake.asked) == ATTEMPTS + 1 + 1
    fake.answers = [(200, []), (503, ""), (503, ""), (200, [])]
    assert (await prometheus.range_query("waiting", "sum(x)", START, end, 15))["outcome"] == "NoData"
    assert (await prometheus.range_query("waiting", "sum(x)", START, end, 15))["outcome"] == "NoData", "it is back"

"""Prometheus' own parser reads from a worker's /metrics what the worker counted, while the load runs."""

import asyncio
import math
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.gauges.meters import FIRST_TOKEN_BOUNDS, Meters
from elastometer_loadgen.gauges.metrics_server import Address, ListenError, parse_address, serving_metrics
from elastometer_loadgen.wire.exchange import Exchange

HOSTILE = 'a"b\\c\nd'


def ended(stage: str, task: str, outcome: Outcome, first: float | None, end: float) -> Exchange:
    exchange = SimpleNamespace(
        arrival=SimpleNamespace(stage=stage), prompt=SimpleNamespace(task=task), outcome=outcome, intended_at=100.0,
        end_at=100.0 + end, answer=SimpleNamespace(first_token_at=None if first is None else 100.0 + first),
    )
    return cast(Exchange, exchange)


def read(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Values by name and labels."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def loaded() -> Meters:
    meters = Meters()
    for _ in range(3):
        meters.note_sent("ramp", HOSTILE)
    meters.note_ended(ended("ramp", HOSTILE, Outcome.SUCCESS, 0.25, 1.5))
    meters.note_ended(ended("ramp", HOSTILE, Outcome.STALLED, 500.0, 600.0))
    meters.note_ended(ended("ramp", HOSTILE, Outcome.REFUSED, None, 0.001))
    meters.offered, meters.in_flight, meters.late = (lambda: 5), (lambda: 2), (lambda: 1)
    return meters


def test_a_scrape_holds_every_count_under_its_labels() -> None:
    found = read(loaded().text())
    of = (("stage", "ramp"), ("task", HOSTILE))
    assert found["elastometer_load_offered_total"][()] == 5
    assert found["elastometer_load_in_flight"][()] == 2
    assert found["elastometer_load_late_total"][()] == 1
    assert found["elastometer_load_sent_total"][of] == 3
    outcomes = {dict(labels)["outcome"]: value for labels, value in found["elastometer_load_requests_total"].items()}
    assert outcomes == {"Success": 1, "Stalled": 1, "Refused": 1}
    assert found["elastometer_load_latency_seconds_count"][of] == 1
    assert found["elastometer_load_latency_seconds_sum"][of] == 1.5


def test_buckets_count_all_that_is_not_above_them_and_end_at_infinity() -> None:
    buckets = read(loaded().text())["elastometer_load_time_to_first_token_seconds_bucket"]
    below = {float(dict(labels)["le"]): value for labels, value in buckets.items()}
    assert set(below) == {*FIRST_TOKEN_BOUNDS, math.inf}
    assert (below[0.1], below[0.25], below[120.0], below[math.inf]) == (0, 1, 1, 2)


def test_before_the_load_there_are_no_counts_rather_than_wrong_ones() -> None:
    found = read(Meters().text())
    assert found["elastometer_load_offered_total"][()] == 0
    assert "elastometer_load_requests_total" not in found


async def asked(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    if not request:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK"),
        (b"GET /metrics?name=x HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK"),
        (b"GET /other HTTP/1.1\r\n\r\n", b"HTTP/1.1 404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 405"),
        (b"\x00\xff\r\n\r\n", b"HTTP/1.1 404"),
        (b"", b""),
        (b"GET /" + b"x" * 100_000, b""),
    ],
    ids=["get", "query", "elsewhere", "post", "noise", "nothing", "endless"],
)
async def test_any_request_gets_an_answer_or_a_closed_connection(request_bytes: bytes, status: bytes) -> None:
    async with serving_metrics(Address("127.0.0.1", 0), loaded().text) as port:
        assert port is not None
        try:
            answer = await asked(port, request_bytes)
        except ConnectionError:
            answer = b""
        assert answer.startswith(status)
        again = await asked(port, b"GET /metrics HTTP/1.1\r\n\r\n")
    assert read(again.partition(b"\r\n\r\n")[2].decode()) == read(loaded().text())


@pytest.mark.parametrize(
    ("text", "address"),
    [("9100", Address("127.0.0.1", 9100)), (":9100", Address(None, 9100)), ("[::1]:0", Address("::1", 0))],
)
def test_a_port_alone_is_for_this_machine_only(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "x", "localhost", ":-1", "1:65536", "http://a"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be PORT, :PORT or HOST:PORT"):
        parse_address(text)


async def test_a_port_that_is_taken_is_refused_before_anything_is_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address: Any = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ListenError, match="nothing was sent"):
            async with serving_metrics(address, str):
                raise AssertionError

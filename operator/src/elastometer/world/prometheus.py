"""Asks Prometheus for ranges. Three outcomes, never mixed up: samples, no data, and a query that failed.

The values stay the strings that Prometheus sent ("NaN" and "+Inf" are values). Times are Prometheus' own clock.
"""
from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random_exponential
from urllib3 import Retry

from elastometer.model.errors import WorldError
from elastometer.model.times import format_instant

TIMEOUT_SECONDS = 10
ATTEMPTS = 4
RETRY_SECONDS = 30  # no new attempt after this time
LONGEST_WAIT_SECONDS = 4
MAXIMUM_POINTS = 11_000  # of one series in one answer; Prometheus refuses more
MAXIMUM_MESSAGE = 300
STATUS = re.compile(r"HTTP Status Code (\d+)")
PASSING_STATUS = 500  # from here on it may pass; a 4xx is about the query

Json = dict[str, Any]


class _Passing(Exception):
    """A failure that may pass: asked again."""


class Prometheus:
    """One server that answers the Prometheus API. Raises WorldError for an address that cannot be one."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self._retrying = Retrying(
            retry=retry_if_exception_type(_Passing), reraise=True,
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(RETRY_SECONDS),
            wait=wait_random_exponential(multiplier=0.25, max=LONGEST_WAIT_SECONDS),
        )

    async def ping(self) -> None:
        """Raises WorldError when the server does not answer a trivial query."""
        try:
            await asyncio.to_thread(self._asked, lambda client: client.custom_query("vector(1)"))
        except (_Passing, ValueError) as error:
            raise WorldError(f"Prometheus at {self.url} must answer queries, did not: {error}") from error

    async def range_query(self, name: str, query: str, start: datetime, end: datetime, step_seconds: int) -> Json:
        """The series of a query from start to end, as docs/data.md has it; a failure is an outcome, no exception."""
        start, end = _floor(start), _floor(end)
        asked = {"name": name, "query": query, "start": format_instant(start), "end": format_instant(end),
                 "stepSeconds": step_seconds}
        try:
            series = await asyncio.to_thread(self._range, query, start, end, step_seconds)
        except (_Passing, ValueError) as error:
            return {**asked, "outcome": "QueryFailed", "message": str(error), "series": []}
        return {**asked, "outcome": "Samples" if series else "NoData", "series": series}

    def _range(self, query: str, start: datetime, end: datetime, step_seconds: int) -> list[Json]:
        merged: dict[tuple[tuple[str, str], ...], Json] = {}
        for first, last in _pieces(start, end, step_seconds):
            for found in self._asked(lambda client, first=first, last=last:
                                     client.custom_query_range(query, first, last, str(step_seconds))):
                key = tuple(sorted(found["metric"].items()))
                merged.setdefault(key, {"labels": found["metric"], "samples": []})["samples"].extend(found["values"])
        return list(merged.values())

    def _asked(self, ask: Any) -> list[Json]:
        """Asks until answered, in bounded time. Raises ValueError for a query that is refused, _Passing else."""
        answer: list[Json] = self._retrying(self._ask_once, ask)
        return answer

    def _ask_once(self, ask: Any) -> list[Json]:
        try:
            with PrometheusConnect(self.url, timeout=TIMEOUT_SECONDS, retry=Retry(0)) as client:
                answer = ask(client)
        except PrometheusApiClientException as error:
            status = STATUS.match(str(error))
            kind = _Passing if status is None or int(status[1]) >= PASSING_STATUS else ValueError
            raise kind(str(error)[:MAXIMUM_MESSAGE]) from error
        except requests.exceptions.JSONDecodeError as error:
            raise ValueError("the answer was no JSON; is this the address of a Prometheus?") from error
        except requests.RequestException as error:
            raise _Passing(f"{type(error).__name__}: {error}"[:MAXIMUM_MESSAGE]) from error
        except (KeyError, TypeError) as error:
            raise ValueError(f"the answer was not of the Prometheus API: {error!r}"[:MAXIMUM_MESSAGE]) from error
        if not isinstance(answer, list):
            raise ValueError("the answer must be a list of series; the query gives a scalar or a string")
        return answer


def _checked(url: str) -> str:
    """The address without a trailing slash. It must carry no credentials, since it appears in messages and reports."""
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
        has_user = "@" in parts.netloc
        _ = parts.port
    except ValueError:
        well_formed = has_user = False
    if has_user:
        raise WorldError("the URL of Prometheus must not carry a user name or password")
    if not well_formed:
        raise WorldError(f"the URL of Prometheus must be http://HOST[:PORT][/PATH], is {url[:MAXIMUM_MESSAGE]!r}")
    return url.rstrip("/")


def _floor(instant: datetime) -> datetime:
    """Down to a second: the client library asks in whole seconds."""
    return instant.astimezone(UTC).replace(microsecond=0)


def _pieces(start: datetime, end: datetime, step_seconds: int) -> Iterator[tuple[datetime, datetime]]:
    """The range in pieces of at most MAXIMUM_POINTS points, on one grid of steps."""
    step = timedelta(seconds=step_seconds)
    while start <= end:
        last = min(end, start + (MAXIMUM_POINTS - 1) * step)
        yield start, last
        start += MAXIMUM_POINTS * step

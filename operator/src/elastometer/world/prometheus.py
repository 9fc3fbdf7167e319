"""Range queries to Prometheus. Three outcomes are kept apart: samples, no data, and a query that failed.

Values stay the strings that Prometheus sent ("NaN" and "+Inf" are values). Times are those of Prometheus' own clock.
Range queries repeat the last sample of a series for up to five minutes after it was scraped, unless a failed scrape
marked it as stale: https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness
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
RETRY_SECONDS = 30  # no further attempt after this time
MAX_WAIT_SECONDS = 4
MAX_POINTS = 11_000  # of one series in one answer; Prometheus refuses more
MAX_MESSAGE_CHARACTERS = 300
STATUS = re.compile(r"HTTP Status Code (\d+)")
TRANSIENT_STATUS = 500  # from here on a status may pass; a 4xx is about the query

Json = dict[str, Any]


class _Transient(Exception):
    """A failure that may pass: the query is repeated."""


class Prometheus:
    """One server with the Prometheus API. Raises WorldError for a URL that cannot be one."""

    def __init__(self, url: str) -> None:
        self.url = _valid_url(url)
        # Once every attempt of one query failed, the next ones are tried once each: a run has dozens of them.
        self._is_down = False

    async def ping(self) -> None:
        """Raises WorldError when the server does not answer a trivial query."""
        try:
            await asyncio.to_thread(self._query, lambda client: client.custom_query("vector(1)"))
        except (_Transient, ValueError) as error:
            raise WorldError(f"Prometheus at {self.url} must answer queries, but did not: {error}") from error

    async def range_query(self, name: str, query: str, start: datetime, end: datetime, step_seconds: int) -> Json:
        """The series of a query from start to end, as in docs/data.md. A failure is an outcome, not an exception."""
        start, end = _floor(start), _floor(end)
        try:
            series = await asyncio.to_thread(self._range, query, start, end, step_seconds)
        except (_Transient, ValueError) as error:
            return failed_query(name, query, start, end, step_seconds, str(error))
        asked = _asked(name, query, start, end, step_seconds)
        return {**asked, "outcome": "Samples" if series else "NoData", "series": series}

    def _range(self, query: str, start: datetime, end: datetime, step_seconds: int) -> list[Json]:
        merged: dict[tuple[tuple[str, str], ...], Json] = {}
        for first, last in _pieces(start, end, step_seconds):
            for found in self._query(lambda client, first=first, last=last:
                                     client.custom_query_range(query, first, last, str(step_seconds))):
                key = tuple(sorted(found["metric"].items()))
                merged.setdefault(key, {"labels": found["metric"], "samples": []})["samples"].extend(found["values"])
        return list(merged.values())

    def _query(self, ask: Any) -> list[Json]:
        """Queries until answered, in bounded time. Raises ValueError when the query is refused, else _Transient."""
        retrying = Retrying(
            retry=retry_if_exception_type(_Transient), reraise=True,
            stop=stop_after_attempt(1 if self._is_down else ATTEMPTS) | stop_after_delay(RETRY_SECONDS),
            wait=wait_random_exponential(multiplier=0.25, max=MAX_WAIT_SECONDS),
        )
        try:
            answer: list[Json] = retrying(self._query_once, ask)
        except _Transient:
            self._is_down = True
            raise
        self._is_down = False
        return answer

    def _query_once(self, ask: Any) -> list[Json]:
        try:
            with PrometheusConnect(self.url, timeout=TIMEOUT_SECONDS, retry=Retry(0)) as client:
                answer = ask(client)
        except PrometheusApiClientException as error:
            status = STATUS.match(str(error))
            kind = _Transient if status is None or int(status[1]) >= TRANSIENT_STATUS else ValueError
            raise kind(str(error)[:MAX_MESSAGE_CHARACTERS]) from error
        except requests.exceptions.JSONDecodeError as error:
            raise ValueError("the answer was not JSON; is this the URL of a Prometheus?") from error
        except requests.RequestException as error:
            raise _Transient(f"{type(error).__name__}: {error}"[:MAX_MESSAGE_CHARACTERS]) from error
        except (KeyError, TypeError) as error:
            said = f"the answer was not one of the Prometheus API: {error!r}"
            raise ValueError(said[:MAX_MESSAGE_CHARACTERS]) from error
        if not isinstance(answer, list):
            raise ValueError("the answer must be a list of series; the query gives a scalar or a string")
        return answer


def failed_query(
    name: str, query: str, start: datetime, end: datetime, step_seconds: int, message: str,
) -> Json:
    """The answer to a query that failed, or that could not be made."""
    asked = _asked(name, query, _floor(start), _floor(end), step_seconds)
    return {**asked, "outcome": "QueryFailed", "message": message, "series": []}


def _asked(name: str, query: str, start: datetime, end: datetime, step_seconds: int) -> Json:
    return {"name": name, "query": query, "start": format_instant(start), "end": format_instant(end),
            "stepSeconds": step_seconds}


def _valid_url(url: str) -> str:
    """The URL without a trailing slash. It must not carry credentials: it appears in messages and reports."""
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
        raise WorldError(f"the URL of Prometheus must be http://HOST[:PORT][/PATH], is "
                         f"{url[:MAX_MESSAGE_CHARACTERS]!r}")
    return url.rstrip("/")


def _floor(instant: datetime) -> datetime:
    """Down to a second: the client library asks in whole seconds."""
    return instant.astimezone(UTC).replace(microsecond=0)


def _pieces(start: datetime, end: datetime, step_seconds: int) -> Iterator[tuple[datetime, datetime]]:
    """The range in pieces of at most MAX_POINTS points, on one grid of steps."""
    step = timedelta(seconds=step_seconds)
    while start <= end:
        last = min(end, start + (MAX_POINTS - 1) * step)
        yield start, last
        start += MAX_POINTS * step

"""Sends traces to an OTLP endpoint over HTTP, as JSON (OTLP specification, OTLP/HTTP)."""
from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

TIMEOUT_SECONDS, ATTEMPTS = 10.0, 4
# The answers that the specification calls retryable.
_RETRYABLE = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE,
              HTTPStatus.GATEWAY_TIMEOUT}
_PATH = "/v1/traces"


class TraceEndpointError(Exception):
    """The endpoint did not take the traces; the message says why."""


class _TryAgainError(TraceEndpointError):
    """The endpoint may take them later."""


def traces_url(endpoint: str) -> str:
    """The URL for traces: as given if it has a path, else with the default path. Raises ValueError."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"must be a URL that begins with http:// or https://, is {endpoint!r}")
    return endpoint if parts.path.strip("/") else endpoint.rstrip("/") + _PATH


def send_traces(endpoint: str, request: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Posts one request. Raises TraceEndpointError when the endpoint refuses it, rejects spans, or cannot be reached
    in several attempts."""
    body = json.dumps(request).encode()
    posted = urllib.request.Request(
        traces_url(endpoint), data=body, method="POST", headers={"Content-Type": "application/json", **headers})
    again = retry(stop=stop_after_attempt(ATTEMPTS), wait=wait_random_exponential(multiplier=0.2, max=5),
                  retry=retry_if_exception_type(_TryAgainError), reraise=True)
    _check_answer(again(_post)(posted))


def _post(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        kind = _TryAgainError if error.code in _RETRYABLE else TraceEndpointError
        raise kind(f"{request.full_url} answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise _TryAgainError(f"{request.full_url} cannot be reached: {getattr(error, 'reason', error)}") from error


def _check_answer(content: bytes) -> None:
    """An endpoint may accept a request and still reject spans of it (`partialSuccess`)."""
    try:
        answer = json.loads(content or b"{}")
    except ValueError:
        return
    partial = answer.get("partialSuccess") if isinstance(answer, dict) else None
    if isinstance(partial, dict) and int(partial.get("rejectedSpans") or 0) > 0:
        raise TraceEndpointError(
            f"the endpoint rejected {partial['rejectedSpans']} spans: {partial.get('errorMessage') or 'no reason'}")

"""What the receiver checks of a request, and how it answers what it refuses or cannot store."""
from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from elastometer.model.errors import WorldError
from elastometer.world import meters
from elastometer.world.run_store import INCARNATION

RETRY_SECONDS = "1"

log = logging.getLogger(__name__)


def header_bytes(header: str) -> bytes:
    """The header as it was sent: compare_digest refuses text that is not ASCII, and must not fail on a header."""
    return header.encode(errors="surrogateescape")


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; anything else is answered with 400."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise refusal(400, f"the body must be JSON: {error}") from error
    if not isinstance(document, dict):
        raise refusal(400, "the body must be a JSON object")
    return document


def incarnation_of(text: Any) -> str:
    """A worker's incarnation, which becomes part of a file name; anything else is answered with 400."""
    if not isinstance(text, str) or not INCARNATION.fullmatch(text):
        raise refusal(400, f"`incarnation` must match {INCARNATION.pattern}, is {text!r}"[:300])
    return text


def offset_of(text: Any) -> int:
    """Where in a file the bytes of a body begin; anything else is answered with 400."""
    if not isinstance(text, str) or not (text.isascii() and text.isdigit() and len(text) < 19):
        raise refusal(400, f"`offset` must be a number of bytes, is {text!r}"[:300])
    return int(text)


def refusal(status: int, message: str) -> web.HTTPException:
    """The exception that answers with the status and says why."""
    kinds: dict[int, type[web.HTTPException]] = {400: web.HTTPBadRequest, 401: web.HTTPUnauthorized,
                                                 404: web.HTTPNotFound, 503: web.HTTPServiceUnavailable}
    return kinds[status](text=orjson.dumps({"error": message}).decode(), content_type="application/json")


@web.middleware
async def answer_errors(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) \
        -> web.StreamResponse:
    """A full disk is a problem of the operator, not of the worker: with 503 it keeps its spool and tries again."""
    try:
        return await handler(request)
    except WorldError as error:
        run, worker = (request.match_info.get(name) for name in ("uid", "index"))
        log.error("records could not be stored", extra={"run": run, "worker": worker, "reason": str(error)})
        meters.POSTS_REFUSED.labels("503").inc()
        answer = {"error": "the records cannot be stored now"}
        return web.json_response(answer, status=503, headers={"Retry-After": RETRY_SECONDS})
    except web.HTTPException as refused:
        meters.POSTS_REFUSED.labels(str(refused.status)).inc()
        raise

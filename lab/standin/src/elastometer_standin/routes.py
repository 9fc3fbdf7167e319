"""HTTP routes: which path and method lead where, and replies in vLLM's form.

`Routes` and `Server` need each other, so the import of `Server` is for type checking only.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from elastometer_standin import VLLM_VERSION, log
from elastometer_standin.api import ApiError, parse_call, parse_json
from elastometer_standin.http import Connection
from elastometer_standin.reply import JSON_TYPE
from elastometer_standin.wire import Request

if TYPE_CHECKING:
    from elastometer_standin.server import Server

METRICS_TYPE = ("content-type", "text/plain; version=0.0.4; charset=utf-8")
UNCOUNTED = frozenset({"/health", "/ping", "/metrics", "/load", "/version", "/standin/config"})
"""Paths that vLLM leaves out of its http_* metrics, and the stand-in's own."""

Headers = list[tuple[str, str]]
Reply = tuple[int, bytes, Headers]
Route = Callable[[Request], Reply]


class Routes:
    """Dispatches requests. A route returns a whole reply; those to completions come from the engine."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._request_count = 0
        self._table: dict[tuple[str, str], Route] = {
            ("GET", "/health"): self._health,
            ("GET", "/ping"): self._health,  # vLLM has it for SageMaker, in both methods
            ("POST", "/ping"): self._health,
            ("GET", "/version"): lambda _: _json(200, {"version": VLLM_VERSION}),
            ("GET", "/load"): self._load,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/v1/models"): self._models,
            ("GET", "/standin/config"): lambda _: _json(200, server.config_view()),
            ("POST", "/standin/config"): self._configure,
        }
        self._paths = {path for _, path in self._table} | {"/v1/chat/completions", "/v1/completions"}

    def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request, or hand it to the engine; every reply carries the Pod's name and a request id."""
        self._request_count += 1
        request_id = request.headers.get("x-request-id") or f"{self._server.settings.pod_name}-{self._request_count}"
        headers: Headers = [
            ("x-elastometer-pod", self._server.settings.pod_name),
            ("x-request-id", request_id),
        ]
        try:
            reply = self._answer(connection, request, headers)
        except ApiError as error:
            reply = (error.status, error.body(), [JSON_TYPE])
        # The engine's replies are counted when they begin, with 200: their head is sent before their outcome is known.
        self._record(request, reply if isinstance(reply, int) else reply[0])
        if not isinstance(reply, int):
            connection.respond(reply[0], reply[1], [*reply[2], *headers])

    def _answer(self, connection: Connection, request: Request, headers: Headers) -> Reply | int:
        """The whole reply, or the status of one that the engine sends later (under a fault perhaps never)."""
        path = request.path
        method = "GET" if request.method == "HEAD" else request.method  # the connection leaves the body out
        # As in vLLM the key guards /v1 only: probes and Prometheus need none.
        if path.startswith("/v1/") and not self._authorized(request):
            return _json(401, {"error": "Unauthorized"})
        if path in ("/v1/chat/completions", "/v1/completions") and method == "POST":
            data = parse_json(request.body, request.headers.get("content-type", ""))
            call = parse_call(data, self._server.settings, chat=path == "/v1/chat/completions")
            return self._server.admission.admit(connection, call, headers)
        route = self._table.get((method, path))
        if route is not None:
            return route(request)
        if path in self._paths:
            return _json(405, {"detail": "Method Not Allowed"})
        return _json(404, {"detail": "Not Found"})

    def _authorized(self, request: Request) -> bool:
        keys = self._server.settings.api_keys
        return not keys or request.headers.get("authorization") in [f"Bearer {key}" for key in keys]

    def _record(self, request: Request, status: int) -> None:
        path = request.path
        if path not in UNCOUNTED:
            handler = path if path in self._paths else "none"  # one label value, however many paths a scanner tries
            self._server.catalog.on_http(handler, request.method, status)
        if self._server.settings.access_log:
            target = request.target.encode("unicode_escape").decode()
            log.raw(f'INFO:     - "{request.method} {target} HTTP/1.1" {status}')

    def _health(self, _: Request) -> Reply:
        return (503 if self._server.unhealthy else 200), b"", []

    def _load(self, _: Request) -> Reply:
        tracked = self._server.settings.track_load
        return _json(200, {"server_load": self._server.engine.unfinished if tracked else 0})

    def _metrics(self, _: Request) -> Reply:
        return 200, self._server.metrics_page(), [METRICS_TYPE]

    def _models(self, _: Request) -> Reply:
        settings = self._server.settings
        models: list[dict[str, Any]] = [
            {
                "id": name,
                "object": "model",
                "created": int(time.time()),
                "owned_by": "vllm",
                "root": settings.model,
                "parent": None,
                "max_model_len": settings.limits.max_model_len,
                "permission": [],
            }
            for name in settings.names
        ]
        return _json(200, {"object": "list", "data": models})

    def _configure(self, request: Request) -> Reply:
        data = parse_json(request.body, content_type="")  # any content type: `curl -d` says it is a form
        try:
            self._server.configure(data)
        except ValueError as error:
            raise ApiError(400, str(error)) from None
        return _json(200, self._server.config_view())


def _json(status: int, data: dict[str, Any]) -> Reply:
    return status, orjson.dumps(data), [JSON_TYPE]

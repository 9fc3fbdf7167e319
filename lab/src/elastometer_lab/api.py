"""A small client of the lab's API server: enough to apply manifests and to read objects.

It connects from within the lab's network namespace, so it does not depend on the loopback forwarder. The product uses
the real Kubernetes client, but the lab must run before that is installed.
"""
from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from elastometer_lab import settings
from elastometer_lab.namespaces import inside_network

APPLY = "application/apply-patch+yaml"
JSON = "application/json"
MANAGER = "elastometer-lab"


class ApiError(Exception):
    """The API server answered with an error; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class InsideConnection(http.client.HTTPSConnection):
    """HTTPS to the API server on the loopback interface of the lab's network namespace."""

    def connect(self) -> None:
        """Open the socket inside the namespace: it belongs to the namespace in which it was made."""
        with inside_network():
            raw = socket.create_connection((self.host, self.port), self.timeout)
        # http.client sends head and body separately: without this the second waits 40 ms for the peer's delayed ACK.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)

    def __init__(self, tls: ssl.SSLContext, timeout: float) -> None:
        super().__init__("127.0.0.1", settings.API_PORT, timeout=timeout, context=tls)
        self._tls = tls


@dataclass(slots=True)
class Api:
    """Calls as the administrator; one connection per call, since calls are few."""

    tls: ssl.SSLContext
    timeout_seconds: float = 10.0
    resources: dict[str, dict[str, tuple[str, bool]]] = field(default_factory=dict)
    """apiVersion -> kind -> (plural, namespaced), as the server's discovery listed them."""

    @classmethod
    def connect(cls, pki: Path, user: str = "admin") -> Api:
        """A client with this user's certificate; it does not connect yet."""
        tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        tls.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")
        return cls(tls)

    def call(self, method: str, path: str, body: bytes | None = None, content_type: str = JSON) -> Any:
        """The parsed JSON of the response, or its text where it is not JSON. Raises ApiError or OSError."""
        connection = InsideConnection(self.tls, self.timeout_seconds)
        try:
            connection.request(method, path, body, {"Content-Type": content_type, "Accept": JSON})
            response = connection.getresponse()
            content = response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"the API server broke off the connection: {error!r}") from error
        finally:
            connection.close()
        return parse_response(response.status, content)

    def get(self, path: str) -> Any:
        """The parsed response to a GET. Raises ApiError or OSError."""
        return self.call("GET", path)

    def apply(self, manifest: dict[str, Any]) -> None:
        """Apply an object on the server side; take over fields of other managers, since the lab owns its stack.

        The body is JSON, which is also YAML: the audit log drops events whose request it cannot write as JSON.
        https://kubernetes.io/docs/reference/using-api/server-side-apply/
        """
        path = f"{self.collection(manifest)}/{manifest['metadata']['name']}"
        self.call("PATCH", f"{path}?fieldManager={MANAGER}&force=true", orjson.dumps(manifest), APPLY)

    def collection(self, manifest: dict[str, Any]) -> str:
        """The path of the collection that a manifest belongs to; the server is asked for the plural of its kind."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        if kind not in self.resources.get(version, {}):
            self.resources[version] = self.discover(version)
        if kind not in self.resources[version]:
            # 404 like an unknown path: for a definition applied a moment ago the caller tries again.
            raise ApiError(404, f"the server does not know kind {kind} in {version} (yet)")
        plural, namespaced = self.resources[version][kind]
        where = f"/namespaces/{manifest['metadata'].get('namespace', 'default')}" if namespaced else ""
        return f"{root(version)}{where}/{plural}"

    def discover(self, version: str) -> dict[str, tuple[str, bool]]:
        """The kinds of one API version; entries with a slash are subresources."""
        listed = self.get(root(version))["resources"]
        return {r["kind"]: (r["name"], r["namespaced"]) for r in listed if "/" not in r["name"]}


def root(version: str) -> str:
    """The path of a group and version; the core group has a different prefix."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def parse_response(status: int, content: bytes) -> Any:
    """JSON or text of a successful response; any other becomes an ApiError with the server's message."""
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError:
        data = content.decode(errors="replace")
    if status >= 300:
        message = data.get("message", "") if isinstance(data, dict) else data.strip()
        raise ApiError(status, message[:2000])
    return data


def read_manifests(path: Path) -> Iterator[dict[str, Any]]:
    """Every object in a YAML file; a List yields its items."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for document in yaml.load_all(path.read_text(), Loader=loader):
        if not document:
            continue
        yield from document["items"] if document.get("kind") == "List" else (document,)

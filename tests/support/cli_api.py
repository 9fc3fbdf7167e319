"""An API server on loopback for the command line: objects whose versions a test plays, ConfigMaps, Secrets, and the
receiver behind the service proxy. The commands under test talk real HTTP to it."""
from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Json = dict[str, Any]
NAMESPACE = "staging"
CUSTOM = f"/apis/elastometer.dev/v1alpha1/namespaces/{NAMESPACE}"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
PROXY = "/api/v1/namespaces/elastometer/services/http:operator:8080/proxy"


@dataclass
class Served:
    """What the server has. `versions` are the statuses that an object of this path takes one after the other, each when
    it is looked at; `unknown` are the plurals of kinds that are not installed."""

    objects: dict[str, Json] = field(default_factory=dict)
    versions: dict[str, list[Json]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=dict)
    linger: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    created: list[Json] = field(default_factory=list)

    def put(self, plural: str, name: str, status: Json | None = None, **metadata: Any) -> None:
        """An object of one of the two kinds, as served."""
        meta = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{plural}-{name}", "resourceVersion": "1", **metadata}
        self.objects[f"{CUSTOM}/{plural}/{name}"] = {
            "kind": {"elasticitytests": "ElasticityTest", "elasticitystudies": "ElasticityStudy"}[plural],
            "metadata": meta, **({} if status is None else {"status": status})}

    def play(self, plural: str, name: str, *statuses: Json) -> None:
        """The statuses that the object takes."""
        self.versions[f"{CUSTOM}/{plural}/{name}"] = list(statuses)

    def put_map(self, name: str, data: dict[str, str]) -> None:
        """A ConfigMap."""
        self.objects[f"{CORE}/configmaps/{name}"] = {"metadata": {"name": name}, "data": data}

    def put_bundle(self, test: str, archive: bytes) -> Json:
        """The bundle of a run behind the proxy, with its Secret; returns the status's `bundleRef`."""
        self.objects[f"{CORE}/secrets/{test}-load"] = {
            "metadata": {"name": f"{test}-load"}, "data": {"token": base64.b64encode(b"t").decode()}}
        self.files[f"{PROXY}/v1/runs/{test}/bundle.tar.zst"] = archive
        return {"namespace": "elastometer", "service": "operator", "port": 8080, "path": f"/v1/runs/{test}"}

    def look_status(self, plural: str, name: str) -> Json:
        """The status that an object has."""
        return dict(self.objects[f"{CUSTOM}/{plural}/{name}"].get("status") or {})

    def has(self, plural: str, name: str) -> bool:
        """Whether there is such an object."""
        return f"{CUSTOM}/{plural}/{name}" in self.objects

    def drop(self, plural: str, name: str) -> None:
        """Deletes an object behind the command's back."""
        del self.objects[f"{CUSTOM}/{plural}/{name}"]

    def stays(self, plural: str, name: str) -> None:
        """An object that does not go when its owner does."""
        self.linger[f"{CUSTOM}/{plural}/{name}"] = 1_000_000

    def look(self, path: str) -> Json | None:
        """The object, which takes its next status if it has one."""
        found = self.objects.get(path)
        if found is not None and self.versions.get(path):
            found["status"] = self.versions[path].pop(0)
            found["metadata"]["resourceVersion"] = str(int(found["metadata"]["resourceVersion"]) + 1)
        return found


@contextmanager
def cli_api(directory: Path) -> Iterator[tuple[Served, list[str]]]:
    """The server's state, and the arguments by which a command finds it."""
    served = Served()

    class Handler(_Handler):
        state = served

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {}}],
        "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": NAMESPACE}}]}))
    try:
        yield served, ["--kubeconfig", str(path)]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Served

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test's output is the command's."""

    def do_GET(self) -> None:
        path, query = self._asked()
        if path in self.state.files:
            self._answer(200, self.state.files[path])
        elif path.rpartition("/")[2] in self.state.unknown or path.split("/")[-2] in self.state.unknown:
            self._answer(404, b"404 page not found")
        elif "watch" in query:
            name = query["fieldSelector"][0].partition("=")[2]
            found = self.state.look(f"{path}/{name}")
            event = {"type": "MODIFIED", "object": found} if found else {"type": "DELETED", "object": {}}
            self._answer(200, json.dumps(event).encode() + b"\n")
        elif path.endswith(("/elasticitytests", "/elasticitystudies")):
            self._json(200, {"items": self._labelled(path, query.get("labelSelector", [""])[0])})
        else:
            found = self.state.look(path)
            self._json(404, _missing(path)) if found is None else self._json(200, found)

    def do_POST(self) -> None:
        path, _ = self._asked()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = body["metadata"]["name"]
        if f"{path}/{name}" in self.state.objects:
            self._json(409, {"message": "exists"})
            return
        self.state.created.append(body)
        meta = {"namespace": NAMESPACE, "uid": f"new-{name}", "resourceVersion": "1"}
        self.state.objects[f"{path}/{name}"] = {**body, "metadata": {**body["metadata"], **meta}}
        self._json(201, self.state.objects[f"{path}/{name}"])

    def do_DELETE(self) -> None:
        path, _ = self._asked()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        gone = self.state.objects.pop(path, None)
        uid = (gone or {}).get("metadata", {}).get("uid")
        for other, item in self.state.objects.items():
            if any(owner.get("uid") == uid for owner in item["metadata"].get("ownerReferences", ())):
                self.state.linger.setdefault(other, 2)
        self._json(404, _missing(path)) if gone is None else self._json(200, {})

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        self.state.asked.append(f"{self.command} {parts.path}")
        return parts.path, parse_qs(parts.query)

    def _labelled(self, path: str, selector: str) -> list[Json]:
        """Those with the label; an object that lingers goes after it was listed so often."""
        key, _, value = selector.partition("=")
        found = [(place, item) for place, item in self.state.objects.items() if place.startswith(f"{path}/")
                 and item["metadata"].get("labels", {}).get(key) == value]
        for place, _ in found:
            if place in self.state.linger:
                self.state.linger[place] -= 1
                if self.state.linger[place] <= 0:
                    del self.state.objects[place]
        return [item for _, item in found]

    def _json(self, status: int, document: Json) -> None:
        self._answer(status, json.dumps(document).encode())

    def _answer(self, status: int, content: bytes) -> None:
        status = next((code for place, code in self.state.refused.items() if place in self.path), status)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _missing(path: str) -> Json:
    return {"message": "not found", "reason": "NotFound", "details": {"name": path.rpartition("/")[2]}}

"""Keeps the fake GPUs in the node's status: a restarted kubelet sets to zero what no device plugin has registered.

It watches the node and patches its status as soon as the number is wrong. It runs inside the lab's network for as long
as the lab does.
"""
from __future__ import annotations

import argparse
import http.client
import json
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elastometer_lab.settings import GPU_RESOURCE

RETRY_SECONDS = 0.5
WATCH_SECONDS = 300
"""The API server ends a watch after this time; the next one begins with the node's present state."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Which node must have how many GPUs, and how to reach its API server."""

    node: str
    gpus: int
    port: int
    tls: ssl.SSLContext

    def connection(self, timeout: float) -> http.client.HTTPSConnection:
        """A new connection to the API server, which opens with its first request."""
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls)

    def watch(self) -> Iterator[dict[str, Any]]:
        """The node's states, the present one first, until the watch ends."""
        connection = self.connection(WATCH_SECONDS + 10)  # longer than the server keeps a quiet watch open
        connection.request("GET", f"/api/v1/nodes?watch=1&timeoutSeconds={WATCH_SECONDS}"
                                  f"&fieldSelector=metadata.name={self.node}")
        response = connection.getresponse()
        if response.status != 200:
            raise ConnectionError(f"the watch was answered with {response.status}")
        for line in response:
            event = json.loads(line)
            if event["type"] in ("ADDED", "MODIFIED"):
                yield event["object"]

    def patch(self) -> None:
        """Write the number into capacity and allocatable."""
        key = GPU_RESOURCE.replace("/", "~1")  # RFC 6901: a slash within one step of a JSON pointer
        body = json.dumps([{"op": "add", "path": f"/status/{part}/{key}", "value": str(self.gpus)}
                           for part in ("capacity", "allocatable")])
        connection = self.connection(10)
        connection.request("PATCH", f"/api/v1/nodes/{self.node}/status", body,
                           {"Content-Type": "application/json-patch+json"})
        response = connection.getresponse()
        response.read()
        connection.close()
        if response.status != 200:
            raise ConnectionError(f"the patch was answered with {response.status}")


def has_wrong_number(node: dict[str, Any], gpus: int) -> bool:
    """Whether the node's status has another number of GPUs; a node without a status yet is left alone."""
    status = node.get("status", {})
    if not status.get("capacity") or not status.get("allocatable"):
        return False
    return any(status[part].get(GPU_RESOURCE) != str(gpus) for part in ("capacity", "allocatable"))


def keep(keeper: Keeper) -> None:
    """Watch and patch forever: the API server may be away for a while. The same error is logged once in a row."""
    last_error = ""
    while True:
        try:
            for node in keeper.watch():
                if has_wrong_number(node, keeper.gpus):
                    keeper.patch()
                    log(f"set {keeper.gpus} GPUs on {keeper.node}")
                last_error = ""
        except (OSError, http.client.HTTPException, ValueError) as error:
            if repr(error) != last_error:
                last_error = repr(error)
                log(last_error)
        time.sleep(RETRY_SECONDS)


def log(text: str) -> None:
    """Write one line with the present time; the lab keeps standard output as the component's log."""
    print(f"{time.strftime('%FT%TZ', time.gmtime())} {text}", flush=True)


def main() -> int:
    """Run until ended. The certificate is read once: a lab with new certificates starts a new keeper."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", required=True, help="name of the node")
    parser.add_argument("--gpus", type=int, required=True, help="number of GPUs that it must have")
    parser.add_argument("--port", type=int, required=True, help="port of the API server on loopback")
    parser.add_argument("--pki", type=Path, required=True, help="directory with the lab's certificates")
    options = parser.parse_args()
    tls = ssl.create_default_context(cafile=str(options.pki / "ca.crt"))
    tls.load_cert_chain(options.pki / "keeper.crt", options.pki / "keeper.key")
    keep(Keeper(options.node, options.gpus, options.port, tls))
    return 0


if __name__ == "__main__":
    sys.exit(main())

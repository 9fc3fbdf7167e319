"""Keeps the node's fake GPUs in its status: the kubelet zeroes what no device plugin vouches for when it restarts.

Watches the node and patches the moment the count is wrong; runs inside the lab's network for as long as the lab.
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


@dataclass(frozen=True, slots=True)
class Keeper:
    """Which node is to have how many GPUs, and how to reach its API server."""

    node: str
    gpus: int
    port: int
    tls: ssl.SSLContext

    def connection(self, timeout: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls)

    def watch(self) -> Iterator[dict[str, Any]]:
        """States of the node, the present one first; ends with the watch."""
        connection = self.connection(WATCH_SECONDS + 10)
        connection.request("GET", f"/api/v1/nodes?watch=1&timeoutSeconds={WATCH_SECONDS}"
                                  f"&fieldSelector=metadata.name={self.node}")
        answer = connection.getresponse()
        if answer.status != 200:
            raise ConnectionError(f"watch answers {answer.status}")
        for line in answer:
            event = json.loads(line)
            if event["type"] in ("ADDED", "MODIFIED"):
                yield event["object"]

    def patch(self) -> None:
        """Writes the count into capacity and allocatable."""
        key = GPU_RESOURCE.replace("/", "~1")  # a JSON pointer escapes it
        body = json.dumps([{"op": "add", "path": f"/status/{part}/{key}", "value": str(self.gpus)}
                           for part in ("capacity", "allocatable")])
        connection = self.connection(10)
        connection.request("PATCH", f"/api/v1/nodes/{self.node}/status", body,
                           {"Content-Type": "application/json-patch+json"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise ConnectionError(f"patch answers {answer.status}")


def lacks(node: dict[str, Any], gpus: int) -> bool:
    """Whether the node's status tells another number of GPUs; a node without a status yet is left alone."""
    status = node.get("status", {})
    if not status.get("capacity") or not status.get("allocatable"):
        return False
    return any(status[part].get(GPU_RESOURCE) != str(gpus) for part in ("capacity", "allocatable"))


def keep(keeper: Keeper) -> None:
    """For ever: the API server may be away for a while, and comes back. The same complaint is told once."""
    told = ""
    while True:
        try:
            for node in keeper.watch():
                if lacks(node, keeper.gpus):
                    keeper.patch()
                    tell(f"set {keeper.gpus} GPUs on {keeper.node}")
                told = ""
        except (OSError, http.client.HTTPException, ValueError) as error:
            if repr(error) != told:
                told = repr(error)
                tell(told)
        time.sleep(RETRY_SECONDS)


def tell(text: str) -> None:
    print(f"{time.strftime('%FT%TZ', time.gmtime())} {text}", flush=True)


def main() -> int:
    """Reads its certificate once; a lab with new certificates starts a new keeper."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", required=True)
    parser.add_argument("--gpus", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pki", type=Path, required=True)
    options = parser.parse_args()
    tls = ssl.create_default_context(cafile=str(options.pki / "ca.crt"))
    tls.load_cert_chain(options.pki / "keeper.crt", options.pki / "keeper.key")
    keep(Keeper(options.node, options.gpus, options.port, tls))
    return 0


if __name__ == "__main__":
    sys.exit(main())

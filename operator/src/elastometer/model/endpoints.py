"""Where the Ready Pods of a Service are reached, out of its EndpointSlices as served. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from elastometer.model.document import at, documents_at, text_at, whole_at


def ready_addresses(slices: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """`host:port` of every endpoint that is Ready, each once, in order; no condition at all means Ready."""
    return tuple(sorted({address for one in slices for address in _addresses(one)}))


def _addresses(one: Mapping[str, Any]) -> Iterator[str]:
    tcp = (item for item in documents_at(one, "ports") if text_at(item, "protocol") in ("TCP", None))
    port = next((port for item in tcp if (port := whole_at(item, "port")) is not None), None)
    for endpoint in documents_at(one, "endpoints") if port is not None else ():
        hosts = endpoint.get("addresses")
        if isinstance(hosts, list) and hosts and at(endpoint, "conditions", "ready") is not False:
            host = str(hosts[0])
            yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

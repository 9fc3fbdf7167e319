"""The addresses of the Ready Pods of a Service, from its EndpointSlices as served. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from elastometer.model.document import at, documents_at, text_at, whole_at


def ready_addresses(slices: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """`host:port` of every Ready endpoint, sorted and without duplicates."""
    # An endpoint may be in two slices while the controller moves it between them.
    return tuple(sorted({address for endpoint_slice in slices for address in _addresses(endpoint_slice)}))


def _addresses(endpoint_slice: Mapping[str, Any]) -> Iterator[str]:
    tcp = (item for item in documents_at(endpoint_slice, "ports") if text_at(item, "protocol") in ("TCP", None))
    port = next((port for item in tcp if (port := whole_at(item, "port")) is not None), None)
    for endpoint in documents_at(endpoint_slice, "endpoints") if port is not None else ():
        hosts = endpoint.get("addresses")
        # The API defines an absent `ready` as unknown, to be treated as true; all `addresses` are the same Pod.
        if isinstance(hosts, list) and hosts and at(endpoint, "conditions", "ready") is not False:
            host = str(hosts[0])
            yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

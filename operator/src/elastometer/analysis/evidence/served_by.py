"""Which Pod served each request, where the server does not say it: vLLM names no Pod in its answers.

Under the policy SpreadOverPods a worker connects to the Pods themselves, so that the address of a connection is that of
a Pod. Under any other it is the Service's, which no Pod has.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from elastometer.model import request_measures
from elastometer.model.document import documents_at, text_at
from elastometer.model.observation import ObjectSeen
from elastometer.model.units import Instant

_PORT = r":\d+$"


def with_pods(table: pl.DataFrame, sightings: Iterable[ObjectSeen]) -> pl.DataFrame:
    """The requests with the Pod that had their address when they were sent. What the server itself said stands."""
    of_address = table.filter(pl.col("pod").is_null() & pl.col("address").is_not_null())["address"].unique()
    if of_address.is_empty():
        return table
    owners = _owners(sightings)
    if not owners:
        return table
    # The brackets are those of an IPv6 address with a port.
    host = pl.col("address").cast(pl.String).str.replace(_PORT, "").str.strip_chars("[]")
    first = {address: min(pods, key=lambda pod: pods[pod]) for address, pods in owners.items()}
    found = host.replace_strict(first, default=None, return_dtype=pl.String)
    # An address may be given to another Pod later; the first owner has it from the start.
    for address, pods in owners.items():
        for pod, since in sorted(pods.items(), key=lambda pair: pair[1])[1:]:
            found = pl.when((host == address) & (pl.col("send") >= since)).then(pl.lit(pod)).otherwise(found)
    named = pl.coalesce(pl.col("pod").cast(pl.String), found)
    return table.with_columns(named.cast(table.schema["pod"]).alias("pod"))


def first_ends(table: pl.DataFrame) -> dict[str, Instant]:
    """By Pod, the end of the first request that it is known to have served."""
    served = table.lazy().filter(request_measures.served()).drop_nulls(["pod", "end"])
    return dict(served.group_by("pod").agg(pl.col("end").min()).collect().iter_rows())


def _owners(sightings: Iterable[ObjectSeen]) -> Mapping[str, Mapping[str, Instant]]:
    """Address -> Pod -> when the Pod was first seen with it."""
    found: dict[str, dict[str, Instant]] = {}
    for seen in sightings:
        stated = {text_at(seen.object, "status", "podIP"),
                  *(text_at(one, "ip") for one in documents_at(seen.object, "status", "podIPs"))}
        for address in stated - {None}:
            first = found.setdefault(address or "", {})
            first[seen.name] = min(seen.received, first.get(seen.name, seen.received))
    return found

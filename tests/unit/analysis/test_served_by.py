"""Which Pod served a request of a server that names none: by the address of its connection, at that instant.

    seconds   0      10     20      30
    10.0.0.1  a      a      gone    c (from 25 on)
    10.0.0.2         b      b       b
"""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from elastometer.analysis.evidence.served_by import with_pods
from elastometer.analysis.run import derive_run
from elastometer.analysis.verdict.quality import quality
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.request_table import COLUMNS, RequestRows, table_of
from elastometer.model.units import SECOND
from elastometer.render.sections.quality import quality_rows
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run


def pod(name: str, address: str | None, at: int) -> ObjectSeen:
    status = {} if address is None else {"podIP": address, "podIPs": [{"ip": address}]}
    return ObjectSeen(at * SECOND, ObjectKind.POD, Sighting.MODIFIED, {"metadata": {"name": name}, "status": status})


PODS = [pod("a", None, 0), pod("a", "10.0.0.1", 1), pod("b", "10.0.0.2", 9), pod("c", "10.0.0.1", 25),
        pod("c", "10.0.0.1", 28), pod("v6", "fd00::7", 2)]


def of(address: str | None, send: int, named: str | None = None) -> str | None:
    row = {name: None for name in COLUMNS} | {"id": 1, "address": address, "send": send * SECOND, "pod": named}
    table = pl.DataFrame({name: [value] for name, value in row.items()}, schema=COLUMNS)
    found = with_pods(table, PODS)
    assert found.schema == table.schema
    return found["pod"].item()


@pytest.mark.parametrize(("address", "send", "expected"), [
    ("10.0.0.1:8000", 5, "a"), ("10.0.0.1:8000", 24, "a"), ("10.0.0.1:8000", 25, "c"), ("10.0.0.2:8000", 12, "b"),
    ("[fd00::7]:8000", 5, "v6"),
    ("10.96.0.40:8000", 12, None),  # the Service's
    (None, 12, None),
])
def test_the_pod_is_the_one_that_had_the_address_when_the_request_was_sent(
    address: str | None, send: int, expected: str | None,
):
    assert of(address, send) == expected


def test_what_the_server_said_stands():
    assert of("10.0.0.1:8000", 5, named="elsewhere") == "elsewhere"


def test_requests_that_no_pod_is_known_of_are_counted_with_what_to_change(tmp_path: Path):
    bundle = load_bundle(write_run(tmp_path))
    nobody = table_of(bundle.requests).with_columns(pl.lit(None, COLUMNS["pod"]).alias("pod"))
    found = quality(derive_run(replace(bundle, requests=RequestRows(nobody))))
    assert found.served_requests == found.served_without_pod
    assert found.served_requests
    assert "SpreadOverPods" in dict(quality_rows(found))["Served requests whose Pod is not known"]
    whole = quality(derive_run(bundle))
    assert (whole.served_without_pod, whole.served_requests) == (0, found.served_requests)
    assert dict(quality_rows(whole))["Served requests whose Pod is not known"] == "none"

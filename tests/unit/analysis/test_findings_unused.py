"""Ready replicas that got no requests: only those that none was sent to, whatever became of the requests."""
from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.run import derive_run
from elastometer.model.bundle import Bundle
from elastometer.model.findings import FindingName
from elastometer.model.request import RecordedRequest
from elastometer.world.bundle_reader import load_bundle
from elastometer_loadgen.base.record import Outcome

RUN = Path(__file__).parents[2] / "golden/runs/cpu1"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(RUN)


def unused(bundle: Bundle, requests: list[RecordedRequest]) -> list[str]:
    found = judge_run(derive_run(replace(bundle, requests=tuple(requests)))).findings
    return [one.evidence for one in found if one.name is FindingName.UNUSED_REPLICAS]


def test_replicas_whose_requests_all_failed_were_used(bundle: Bundle):
    assert unused(bundle, [replace(one, outcome=Outcome.SERVER_ERROR, status=500, first_token=None)
                           for one in bundle.requests]) == []


def test_a_replica_that_no_request_was_sent_to_is_unused(bundle: Bundle):
    pods = Counter(one.pod for one in bundle.requests)
    most, least = max(pods, key=pods.__getitem__), min(pods, key=pods.__getitem__)
    (evidence,) = unused(bundle, [replace(one, pod=most) if one.pod == least else one for one in bundle.requests])
    assert evidence.startswith(f"{least} was Ready ")

"""What a record shows does not depend on the order of its lines, nor the server's Pods on the spec that names them."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from elastometer.analysis.evidence.about_pods import server_pods
from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.evidence.replicas import replica_curves
from elastometer.model.bundle import Bundle
from elastometer.model.names import COMPONENT_LABEL, SERVER, TEST_LABEL
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.terms import terms_from
from elastometer.world.bundle_reader import load_bundle

RUN = Path(__file__).parents[2] / "golden/runs/honest-pods-a"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(RUN)


def without_spec(bundle: Bundle, **changes: object) -> Bundle:
    return replace(bundle, spec={}, terms=terms_from({}, {}), **changes)


def seen(name: str, test: str | None = "demo", version: object = None) -> ObjectSeen:
    labels = {} if test is None else {TEST_LABEL: test, COMPONENT_LABEL: SERVER}
    return ObjectSeen(0, ObjectKind.POD, Sighting.ADDED, {
        "metadata": {"name": name, "labels": labels, "resourceVersion": version}})


def test_lines_of_one_instant_are_put_in_the_order_of_their_versions(bundle: Bundle):
    lines = list(bundle.observations)
    Random(3).shuffle(lines)
    assert gather(replace(bundle, observations=tuple(lines))).pods == gather(bundle).pods


@pytest.mark.parametrize(("version", "found"), [
    ("13272", 13272), (None, 0), ("", 0), ("x1", 0), (7, 0), ("9" * 21, 0), ("-1", 0), ("²", 0)])
def test_a_version_is_a_number_or_unknown(version: object, found: int):
    assert seen("demo-server-1", version=version).version == found


def test_the_only_test_of_a_record_without_a_spec_is_known_by_its_pods(bundle: Bundle):
    found, known = (replica_curves(gather(one)) for one in (without_spec(bundle), bundle))
    assert found.ready == known.ready
    assert found.ready.points


def test_of_several_tests_none_is_taken_for_the_one_whose_spec_is_missing():
    pods = [seen("demo-server-1"), seen("other-server-1", "other")]
    assert server_pods(pods, "") == []
    assert server_pods(pods, "demo") == pods[:1]


def test_pods_of_records_without_labels_are_known_by_the_name_of_the_test():
    pods = [seen("demo-server-1", None), seen("demo-load-1", None)]
    assert server_pods(pods, "demo") == pods[:1]
    assert server_pods(pods, "") == []


def test_how_many_replicas_were_ready_is_not_known_where_nothing_says_which_pods_are_the_servers(bundle: Bundle):
    """No curve, rather than one of 0 replicas."""
    lines = tuple(line for line in bundle.observations
                  if not isinstance(line, ObjectSeen) or line.kind is not ObjectKind.POD)
    assert not replica_curves(gather(without_spec(bundle, observations=lines))).ready.points
    assert replica_curves(gather(replace(bundle, observations=lines))).ready.points

"""Under test: what the recorded runs say of the server, and what they do not say, with the reason."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.analysis.scaling.under_test import under_test
from elastometer.model.bundle import Bundle
from elastometer.model.observation import LogSeen, ObjectKind, ObjectSeen
from elastometer.model.terms import Terms
from elastometer.model.under_test import GPU_PRODUCT, NodeUnderTest
from elastometer.world.bundle_reader import load_bundle

RUN = Path(__file__).parents[2] / "golden/runs/cpu1"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(RUN)


def test_model_engine_args_limits_replicas_and_nodes_are_as_they_were_served(bundle: Bundle):
    found = under_test(derive_run(bundle))
    assert (found.model, found.engine, found.engine_version) == ("Qwen/Qwen2.5-0.5B-Instruct", "vLLM", "0.33.0")
    assert found.image == "elastometer/standin:0.1.0"
    assert found.digests == ("sha256:d509788a53cc64d39c734177557651337598f3f5734c5ad689b5e391609a5963",)
    assert found.args[:3] == ("Qwen/Qwen2.5-0.5B-Instruct", "--port=8000", "--max-num-seqs=4")
    assert found.limits == {"memory": "512Mi", "nvidia.com/gpu": "1"}
    assert (found.minimum_replicas, found.maximum_replicas, found.most_ready) == (1, 4, 4)
    assert found.nodes == (NodeUnderTest("node", "2", "24632892Ki", None, "8", "v1.35.4"),)
    assert found.missing == (("gpu", "no node has a label with the product of its GPU"),)


def changed(bundle: Bundle, labels: dict[str, str]) -> DerivedRun:
    def one(line: object) -> object:
        if not isinstance(line, ObjectSeen) or line.kind is not ObjectKind.NODE:
            return line
        metadata = {**line.object["metadata"], "labels": labels}  # type: ignore[dict-item]
        return replace(line, object={**line.object, "metadata": metadata})
    return derive_run(replace(bundle, observations=tuple(map(one, bundle.observations))))  # type: ignore[arg-type]


def test_the_product_of_a_gpu_is_the_nodes_own_label(bundle: Bundle):
    found = under_test(changed(bundle, {GPU_PRODUCT: "Tesla-T4"}))
    assert [node.gpu for node in found.nodes] == ["Tesla-T4"]
    assert found.missing == ()


def test_a_server_whose_log_states_no_version_has_a_reason_instead(bundle: Bundle):
    silent = tuple(line for line in bundle.observations if not isinstance(line, LogSeen))
    found = under_test(derive_run(replace(bundle, observations=silent)))
    assert (found.engine, found.engine_version) == (None, None)
    assert dict(found.missing)["engine"] == "no server log was recorded"


def test_the_comma_behind_a_version_is_not_part_of_it(bundle: Bundle):
    def one(line: object) -> object:
        return replace(line, line=line.line.replace("version 0.33.0", "version 0.33.0, serving model")) \
            if isinstance(line, LogSeen) else line
    run = derive_run(replace(bundle, observations=tuple(map(one, bundle.observations))))  # type: ignore[arg-type]
    assert under_test(run).engine_version == "0.33.0"


def test_an_empty_bundle_shows_nothing_and_says_why():
    found = under_test(derive_run(Bundle(terms=Terms(image="asked:1"))))
    assert (found.image, found.digests, found.nodes, found.most_ready) == ("asked:1", (), (), None)
    assert [name for name, _ in found.missing] == ["engine", "engineVersion", "image", "nodes"]

"""The shapes in the package are those of KEDA's CRD and of the API server, as two other sources have them."""
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes.client
import pytest

from elastometer.model.shapes import HPA_SPEC, SCALED_OBJECT_SPEC, shape_of

SCHEMAS = json.loads(Path(__file__).with_name("autoscaler_schemas.json").read_text())
TYPES = {"str": ("string", "quantity", "integer or string"), "int": ("integer",), "bool": ("boolean",),
         "datetime": ("string",), "object": ("object", "integer or string", "quantity")}
ONE_OF = {("number", "string"): "quantity", ("integer", "string"): "integer or string"}
# The client is of Kubernetes 1.37: what came and went since 1.35.
CAME = {
    ("ClusterTrustBundleProjection", "user"), ("ConfigMapVolumeSource", "defaultUser"),
    ("DownwardAPIVolumeFile", "user"), ("DownwardAPIVolumeSource", "defaultUser"), ("EmptyDirVolumeSource", "mode"),
    ("GRPCAction", "mode"), ("HTTPGetAction", "protocol"), ("KeyToPath", "user"), ("PodCertificateProjection", "user"),
    ("PodSpec", "evictionResponders"), ("PodSpec", "schedulingGroup"), ("ProjectedVolumeSource", "defaultUser"),
    ("SecretVolumeSource", "defaultUser"), ("ServiceAccountTokenProjection", "user"),
    ("VolumeMount", "bindMountOptions"),
}
WENT = {("PodSpec", "workloadRef")}


def places(node: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Every path of a schema with its type."""
    either = node.get("oneOf") or node.get("anyOf")
    kind = ONE_OF[tuple(sorted(one["type"] for one in either))] if either else node["type"]
    yield path, kind
    for name, child in node.get("properties", {}).items():
        yield from places(child, f"{path}.{name}")
    for word, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(word), dict):
            yield from places(node[word], path + mark)


@pytest.mark.parametrize(("kind", "shape"), [
    ("HorizontalPodAutoscaler", HPA_SPEC), ("ScaledObject", SCALED_OBJECT_SPEC)])
def test_an_autoscaler_has_the_fields_and_types_of_its_schema(kind: str, shape: str) -> None:
    theirs = dict(places(SCHEMAS[kind]["properties"]["spec"], ""))
    assert len(theirs) > 30
    assert dict(places(shape_of(shape), "")) == theirs


def differences(model: str, shape: dict[str, Any], seen: set[str]) -> Iterator[tuple[str, str]]:
    """(definition, field) that only one of the two has, or of which the types differ."""
    if model in seen:
        return
    seen.add(model)
    found: Any = getattr(kubernetes.client, model)
    theirs = {found.attribute_map[name]: kind for name, kind in found.openapi_types.items()}
    ours = shape.get("properties", {})
    name = re.sub(r"^V\d", "", model)
    yield from ((name, field) for field in theirs.keys() ^ ours.keys())
    for field in theirs.keys() & ours.keys():
        yield from within(theirs[field], ours[field], (name, field), seen)


def within(kind: str, shape: dict[str, Any], place: tuple[str, str], seen: set[str]) -> Iterator[tuple[str, str]]:
    entries = re.fullmatch(r"[lL]ist\[(.*)\]|[dD]ict[(\[]str, (.*)[)\]]", kind)
    if entries is not None:
        yield from within(entries[1] or entries[2], shape.get("items") or shape["additionalProperties"], place, seen)
    elif kind not in TYPES:
        yield from differences(kind, shape, seen)
    elif shape["type"] not in TYPES[kind]:
        yield place


def test_a_pod_template_and_an_hpa_have_the_fields_and_types_of_the_kubernetes_client() -> None:
    seen: set[str] = set()
    found = set(differences("V1PodTemplateSpec", shape_of("PodTemplateSpec"), seen))
    assert set(differences("V2HorizontalPodAutoscalerSpec", shape_of(HPA_SPEC), seen)) == set()
    assert len(seen) > 100
    assert found <= CAME | WENT
    assert found >= WENT

"""Writes the shapes of what a test passes on to an API server: `python operator/shapes.py swagger.json`.

swagger.json is api/openapi-spec/swagger.json of the Kubernetes release that the HPA's model follows; `make oracle` has
it in Go's module cache. KEDA publishes no such file: its shape is kept with the tests, as in its CRD.
"""
from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "operator/src/elastometer/model/shapes.json"
KEDA = ROOT / "tests/contract/autoscaler_schemas.json"
OF_KUBERNETES = ("io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec", "io.k8s.api.core.v1.PodTemplateSpec")
# In JSON a quantity is a text or a number. Go's decoder reads a time as a text, and what it tracks itself unread.
SPECIAL: dict[str, Json] = {
    "Quantity": {"type": "quantity"}, "IntOrString": {"type": "integer or string"}, "Time": {"type": "string"},
    "FieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}
KEPT = ("type", "required", "enum", "minimum", "minLength", "minItems")


def short(reference: str) -> str:
    """`#/definitions/io.k8s.api.core.v1.Container` -> `Container`."""
    return reference.rpartition("/")[2].rpartition(".")[2]


def shape(node: Json) -> Json:
    """A node of a schema with what a check needs, and no more."""
    if "$ref" in node:
        return SPECIAL.get(short(node["$ref"])) or {"$ref": short(node["$ref"])}
    either = node.get("oneOf") or node.get("anyOf")
    if either:
        is_number = any(one["type"] == "number" for one in either)
        return SPECIAL["Quantity" if is_number else "IntOrString"]
    made = {key: node[key] for key in KEPT if key in node}
    if "properties" in node:
        made["properties"] = {name: shape(child) for name, child in sorted(node["properties"].items())}
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            made[key] = shape(node[key])
    return made


def references(node: Any) -> Iterator[str]:
    """The names of all definitions that a node of the source refers to."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def reachable(source: Json) -> Iterator[str]:
    """OF_KUBERNETES and everything below."""
    waiting, seen = list(OF_KUBERNETES), set(OF_KUBERNETES)
    while waiting:
        yield (name := waiting.pop())
        below = {reference.rpartition("/")[2] for reference in references(source[name])} - seen
        waiting += below
        seen |= below


def definitions(source: Json, keda: Json) -> Json:
    """Every shape by its short name."""
    names = [name for name in reachable(source) if short(name) not in SPECIAL]
    if len({short(name) for name in names}) != len(names):
        raise ValueError("two definitions have the same short name")
    made = {short(name): shape(source[name]) for name in names}
    made["ScaledObjectSpec"] = shape(keda["properties"]["spec"])
    for name in ("HorizontalPodAutoscalerSpec", "ScaledObjectSpec"):
        # The operator fills it in.
        made[name]["required"] = [field for field in made[name]["required"] if field != "scaleTargetRef"]
    return dict(sorted(made.items()))


def main(path: str) -> None:
    """Writes one definition a line."""
    found = definitions(json.loads(Path(path).read_text())["definitions"], json.loads(KEDA.read_text())["ScaledObject"])
    lines = [f"{json.dumps(name)}: {json.dumps(body)}" for name, body in found.items()]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1])

"""The shapes of what a test passes on to an API server: HPA, ScaledObject and Pod template, closed to unknown fields.

They are data of the package, written by operator/shapes.py from the OpenAPI of Kubernetes 1.35 and KEDA 2.21's CRD.
What is read without an API server is checked against them; where there is one, it decides, since it may be newer.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

from elastometer.model.document import at
from elastometer.model.schema import Json, Reading, below, flaws, shown, unknown_fields

HPA_SPEC, SCALED_OBJECT_SPEC = "HorizontalPodAutoscalerSpec", "ScaledObjectSpec"


class Part(StrEnum):
    """The parts of a test's spec that the CRD passes on unread, by their paths."""

    HPA = "spec.autoscaler.horizontalPodAutoscaler"
    SCALED_OBJECT = "spec.autoscaler.scaledObject"
    POD_TEMPLATE = "spec.target.server.podTemplate"


_TARGET = "scaleTargetRef"
OF_HPA = "autoscaling/v2 in Kubernetes 1.35"
_READ: Mapping[Part, tuple[str, Reading]] = {
    Part.HPA: (HPA_SPEC, Reading(OF_HPA)),
    Part.SCALED_OBJECT: (SCALED_OBJECT_SPEC, Reading("a ScaledObject in KEDA 2.21")),
    # What the overlay leaves out is in the template that the operator builds.
    Part.POD_TEMPLATE: ("PodTemplateSpec", Reading("a Pod template in Kubernetes 1.35", partial=True)),
}


def part_flaws(test: Mapping[str, Any]) -> Iterator[str]:
    """Every flaw of the parts that a test passes on."""
    for part, (name, reading) in _READ.items():
        found = at(test, *part.split("."))
        if isinstance(found, Mapping) and part is not Part.POD_TEMPLATE:
            yield from target_flaws(found, part)
            found = {field: value for field, value in found.items() if field != _TARGET}
        if found is not None:
            yield from flaws(found, shape_of(name), part, reading)


def target_flaws(scaler: Mapping[str, object], part: Part) -> Iterator[str]:
    """The target of an autoscaler, which a test leaves to the operator."""
    if (given := scaler.get(_TARGET)) is not None:
        yield f"{part}.{_TARGET}: must be absent, since the operator fills it in, is {shown(given)}"


def unknown_of(part: Part, test: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a part of a test that have no place in its shape."""
    yield from unknown_in(part, (), at(test, *part.split(".")), part)


def unknown_in(part: Part, steps: Sequence[str | int], value: object, path: str) -> Iterator[str]:
    """The fields of a value that have no place at these steps below a part; `path` is what the user calls the place."""
    name, reading = _READ[part]
    yield from unknown_fields(value, below(shape_of(name), steps), path, reading)


def shape_of(name: str) -> Json:
    """A definition, with those that it refers to inside it."""
    shape: Json = _definitions()[name]
    return shape


@lru_cache(maxsize=1)
def _definitions() -> Json:
    found: Json = orjson.loads(files("elastometer.model").joinpath("shapes.json").read_bytes())
    for name, shape in found.items():
        found[name] = _linked(shape, found)
    return found


def _linked(node: Any, definitions: Json) -> Any:
    """The node with definitions instead of references. They are changed in place, so that each exists once."""
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return definitions[node["$ref"]]
    for key, child in node.items():
        node[key] = _linked(child, definitions)
    return node

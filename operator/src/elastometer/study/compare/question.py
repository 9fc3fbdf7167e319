"""What a run was asked: the parts of its spec that must be equal of runs that are compared.

The load, the objectives and the model decide about every measure, the price about money alone, and a demand that was
given about what is measured against it. What may differ is what a study compares: the autoscaler, the server and its
flags.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import islice

from elastometer.model.document import EMPTY, Document, at, document_at, documents_at, spec_of, text_at
from elastometer.model.measure import MeasureGroup
from elastometer.model.measures import MEASURES, MONEY
from elastometer.model.run_figures import Question, QuestionPart
from elastometer.model.schema import shown

# How the load is sent, not what is asked: workers share one schedule, and a key says who asks.
_NOT_ASKED = ("workers", "apiKeyFrom", "resources", "filesFrom")
SHOWN = 5
_AGAINST_DEMAND = (
    *(one.name for one in MEASURES if one.group is MeasureGroup.ELASTICITY),
    "usefulGpuSeconds", "keptGpuSeconds", "idleGpuSeconds", "overshootReplicas",
)
LOAD, OBJECTIVES, MODEL, FILES, PRICE, DEMAND = "load", "objectives", "model", "load files", "price", "demand"


def question_of(test: Document, provenance: Document = EMPTY) -> Question:
    """The question of a recorded ElasticityTest (spec.json), given whole or as its `spec` alone. `provenance` is what
    provenance.json says: it has the digests of the files that the load reads."""
    spec = spec_of(test)
    load = {key: value for key, value in document_at(spec, "load").items() if key not in _NOT_ASKED} or None
    parts = (
        (LOAD, load, ()), (OBJECTIVES, _by_name(spec), ()), (MODEL, at(spec, "target", "model"), ()),
        (FILES, {text_at(one, "name") or "": text_at(one, "sha256") for one in documents_at(provenance, "loadFiles")}
         if "loadFiles" in provenance else None, ()),
        (PRICE, spec.get("price") or {}, (MONEY,)), (DEMAND, spec.get("demand") or {}, _AGAINST_DEMAND),
    )
    return _question(parts) if spec else Question()


def _question(parts: tuple[tuple[str, object, tuple[str, ...]], ...]) -> Question:
    known = tuple(QuestionPart(name, dict(_leaves(value, f"spec.{_PATHS.get(name, name)}")), measures)
                  for name, value, measures in parts if value is not None)
    return Question(known)


_PATHS = {MODEL: "target.model", FILES: "load.files"}


def _by_name(spec: Document) -> object:
    """Objectives by their names, so that their order is no difference."""
    found = spec.get("objectives")
    if not isinstance(found, list):
        return {}
    return {text_at(one, "name") or str(index): one for index, one in enumerate(found)}


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every scalar by its path; null is the same as absent, as for the API server."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    elif value is not None:
        yield path, json.dumps(value, ensure_ascii=False)


def differences_of_question(first: Question, second: Question, measure: str | None = None) -> tuple[str, ...]:
    """What the two were asked differently, each as `path: first, second`; only what decides about one measure, if that
    is given. A part that one of the two records does not hold is not known to differ."""
    found: list[str] = []
    for part in first.parts:
        other = second.part(part.name)
        if other is None or (measure is not None and part.measures and measure not in part.measures):
            continue
        unequal = [path for path in sorted({*part.leaves, *other.leaves})
                   if part.leaves.get(path) != other.leaves.get(path)]
        found += [f"{path}: {_shown(part, path)} and {_shown(other, path)}" for path in islice(unequal, SHOWN)]
        if len(unequal) > SHOWN:
            found.append(f"spec.{_PATHS.get(part.name, part.name)}: {len(unequal) - SHOWN} more differences")
    return tuple(found)


def _shown(part: QuestionPart, path: str) -> str:
    value = part.leaves.get(path)
    return "absent" if value is None else shown(json.loads(value))


def in_words(question: Question | None) -> Mapping[str, str]:
    """Each part: its one or two values, or how many there are, with a digest that tells equal ones."""
    return {} if question is None else {part.name: _part_words(part) for part in question.parts}


def _part_words(part: QuestionPart) -> str:
    if len(part.leaves) <= 2:
        return ", ".join(str(json.loads(value)) for value in part.leaves.values()) or "none"
    return f"{len(part.leaves)} values, digest {_digest(part.leaves)}"


def _digest(leaves: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(leaves.items())).encode()).hexdigest()[:12]

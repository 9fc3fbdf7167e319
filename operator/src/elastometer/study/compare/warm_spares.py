"""Warm spares as a study measured them: variants that differ in nothing but the minimum of replicas."""
from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from elastometer.model.document import document_at, text_at, whole_at
from elastometer.model.spares import MeasuredSpares
from elastometer.model.spec import ScalerType
from elastometer.model.study import StudySpec
from elastometer.study.variants.presets import SCALER_FIELDS
from elastometer.study.variants.variant_spec import variant_spec

Json = dict[str, Any]
_MINIMUM: Mapping[str, str] = {ScalerType.HPA: "minReplicas", ScalerType.KEDA: "minReplicaCount"}
# What an autoscaler keeps whose minimum is not given.
_DEFAULT = 1


def warm_spares(study: StudySpec) -> tuple[MeasuredSpares, ...]:
    """The compared variants that are like the baseline but for their minimum, by that; none where all have one."""
    rows = sorted(_alike(study), key=lambda row: row.minimum)
    return tuple(rows) if len({row.minimum for row in rows}) > 1 else ()


def _alike(study: StudySpec) -> Iterator[MeasuredSpares]:
    """A preset fixes the replicas, or bears another load, so that it is never one of them."""
    baseline = study.variant(study.baseline)
    if baseline.preset is not None:
        return
    base, _ = _apart(variant_spec(study, baseline))
    for variant in study.variants:
        if variant.preset is None and variant.compared:
            rest, minimum = _apart(variant_spec(study, variant))
            if minimum is not None and rest == base:
                yield MeasuredSpares(variant.name, minimum)


def _apart(spec: Json) -> tuple[Json, int | None]:
    """(the spec without the minimum of its autoscaler, that minimum); None where nothing scales."""
    kind = text_at(spec, "autoscaler", "type") or ""
    if kind not in _MINIMUM:
        return spec, None
    body, name = SCALER_FIELDS[kind], _MINIMUM[kind]
    given, rest = whole_at(spec, "autoscaler", body, name), copy.deepcopy(spec)
    if document_at(rest, "autoscaler", body):
        rest["autoscaler"][body].pop(name, None)
    return rest, _DEFAULT if given is None else given

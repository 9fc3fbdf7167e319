"""What a preset stands for: a merge patch that follows from the template. Pure."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elastometer.model.calibration_plan import Search, calibration_test
from elastometer.model.document import document_at, text_at, whole_at
from elastometer.model.errors import SpecError
from elastometer.model.merge_patch import patch_between
from elastometer.model.names import API_VERSION, KIND
from elastometer.model.schema import shown
from elastometer.model.spec import ScalerType
from elastometer.model.study import Preset

Json = dict[str, Any]
# What `spec.autoscaler` has for each type of autoscaler.
SCALER_FIELDS: Mapping[str, str] = {
    ScalerType.HPA: "horizontalPodAutoscaler", ScalerType.KEDA: "scaledObject", ScalerType.NONE: "replicas"}
_LIMITS: Mapping[tuple[str, Preset], str] = {
    (ScalerType.HPA, Preset.STATIC_MINIMUM): "minReplicas", (ScalerType.HPA, Preset.STATIC_MAXIMUM): "maxReplicas",
    (ScalerType.KEDA, Preset.STATIC_MINIMUM): "minReplicaCount",
    (ScalerType.KEDA, Preset.STATIC_MAXIMUM): "maxReplicaCount",
}
_DEFAULT_MINIMUM = 1


def preset_patch(template: Json, preset: Preset) -> Json:
    """The patch. Raises SpecError where the template does not say what the preset needs."""
    return _calibration(template) if preset is Preset.CALIBRATION else _static(template, preset)


def _static(template: Json, preset: Preset) -> Json:
    given = document_at(template, "autoscaler")
    bodies = {field: None for of, field in SCALER_FIELDS.items() if of != ScalerType.NONE and field in given}
    return {"autoscaler": {"type": ScalerType.NONE.value, "replicas": _replicas(template, preset), **bodies}}


def _replicas(template: Json, preset: Preset) -> int:
    kind = text_at(template, "autoscaler", "type") or ""
    if (kind, preset) not in _LIMITS:
        return whole_at(template, "autoscaler", "replicas") or _DEFAULT_MINIMUM
    path = ("autoscaler", SCALER_FIELDS[kind], _LIMITS[kind, preset])
    given = whole_at(template, *path)
    found = _DEFAULT_MINIMUM if given is None and preset is Preset.STATIC_MINIMUM else given
    if found is None or found < 1:
        raise SpecError(f"spec.template.{'.'.join(path)}: must be at least 1 for {preset.value}, since a target that "
                        f"nothing scales needs a replica, is {shown(found)}")
    return found


def _calibration(template: Json) -> Json:
    """As `elastometer calibrate` makes it. What judges the run or needs its result is left out."""
    test = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": KIND.lower()}, "spec": template}
    spec = calibration_test(test, Search())["spec"]
    kept = {key: value for key, value in template.items() if key not in ("objectives", "demand", *spec)}
    return patch_between(template, {**kept, **spec})

"""Which fields of an autoscaler may be set, and how short names resolve. The HPA's parser validates the values."""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elastometer.hpa.parse import DEFAULT_SCALE_DOWN, DEFAULT_SCALE_UP
from elastometer.hpa.settings import ScalingRules
from elastometer.model.errors import SpecError
from elastometer.model.shapes import Part, unknown_in
from elastometer.model.spec import ScalerType
from elastometer.model.triggers import misspelt_keys
from elastometer.twin.search.vary.paths import Json, Steps, near, steps_of, value_at, written

_RULES = ("stabilizationWindowSeconds", "selectPolicy", "tolerance", "policies",
          "policies[].type", "policies[].value", "policies[].periodSeconds")
_BEHAVIOR = ("behavior", *(f"behavior.{way}{rest}" for way in ("scaleUp", "scaleDown")
                           for rest in ("", *(f".{rule}" for rule in _RULES))))
SOURCES = ("resource", "containerResource", "pods", "object", "external")
_TARGETS = ("target", "target.type", "target.value", "target.averageValue", "target.averageUtilization")
_ADVANCED = "advanced.horizontalPodAutoscalerConfig."
FORMULA_TARGET = "advanced.scalingModifiers.target"
_VALUE_FIELDS = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}
_INDEX = re.compile(r"\[\d+\]")
_PARTS = {ScalerType.HPA: Part.HPA, ScalerType.KEDA: Part.SCALED_OBJECT}
MINIMUM: Mapping[ScalerType, str] = {ScalerType.HPA: "minReplicas", ScalerType.KEDA: "minReplicaCount"}
MAXIMUM: Mapping[ScalerType, str] = {ScalerType.HPA: "maxReplicas", ScalerType.KEDA: "maxReplicaCount"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One variation: a path as the user wrote it, and the value as YAML reads it."""

    path: str
    value: Any

    def __str__(self) -> str:
        return f"{self.path}={_plain(self.value)}"


def _plain(value: object) -> str:
    """The value in YAML's flow style, so that it can be used on a command line again."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return str(value)


FIELDS: Mapping[ScalerType, tuple[str, ...]] = {
    ScalerType.HPA: (
        "minReplicas", "maxReplicas", "target", "metrics", "metrics[]", *(f"metrics[].{rest}" for rest in _TARGETS),
        *(f"metrics[].{source}.{rest}" for source in SOURCES for rest in _TARGETS), *_BEHAVIOR),
    ScalerType.KEDA: (
        "minReplicaCount", "maxReplicaCount", "idleReplicaCount", "pollingInterval", "cooldownPeriod", "target",
        "triggers", "triggers[].metadata.threshold", "triggers[].metadata.activationThreshold",
        "triggers[].metadata.value", "triggers[].metadata.query", "triggers[].metricType", "initialCooldownPeriod",
        FORMULA_TARGET, "advanced.scalingModifiers.formula", "advanced.scalingModifiers.activationTarget",
        *_BEHAVIOR, *(_ADVANCED + field for field in _BEHAVIOR)),
}


def _as_served(rules: ScalingRules) -> Json:
    """Rules as the API server serves them. An absent window stays absent, since the controller's flag applies then."""
    window = {} if rules.stabilization_seconds is None else {"stabilizationWindowSeconds": rules.stabilization_seconds}
    return {**window, "selectPolicy": rules.select.value, "policies": [
        {"type": policy.type.value, "value": policy.value, "periodSeconds": policy.period_seconds}
        for policy in rules.policies]}


DEFAULT_RULES: Mapping[str, Json] = {
    "scaleUp": _as_served(DEFAULT_SCALE_UP), "scaleDown": _as_served(DEFAULT_SCALE_DOWN)}


def is_field(kind: ScalerType, path: str) -> bool:
    """Whether the path names a field that may be set on this kind of autoscaler."""
    return _INDEX.sub("[]", path.removeprefix("spec.")) in FIELDS[kind]


def unknown(setting: Setting, kind: ScalerType, others: tuple[str, ...]) -> SpecError:
    """The error for an unknown path, with similar known ones; where there are none, with what a path may begin with."""
    known = [field.replace("[]", "[0]") for field in FIELDS[kind]] + list(others)
    close = near(setting.path, known)
    first = dict.fromkeys(re.split(r"[.\[]", path)[0] for path in known)
    hint = f"; similar: {', '.join(close)}" if close else f"; paths begin with {', '.join(first)}"
    return SpecError(f"{setting.path}: must be a field of the {kind.value}'s spec or a setting of the simulator, "
                     f"is unknown (value {_plain(setting.value)}){hint}")


def with_setting(spec: Json, setting: Setting, kind: ScalerType) -> Json:
    """The spec with the field set. Short names are resolved, and the API server's defaults are filled in on the way."""
    steps = resolved(spec, setting, kind)
    # The API server's defaults are written out first, so that a path such as policies[1].value has an entry to change.
    at = steps.index("behavior") if "behavior" in steps else None
    if at is not None and len(steps) > at + 2:
        rules = steps[:at + 2]
        if value_at(spec, rules) is None:
            spec = written(spec, rules, DEFAULT_RULES.get(str(rules[-1]), {}))
        elif "policies" in steps and value_at(spec, (*rules, "policies")) is None:
            spec = written(spec, (*rules, "policies"), DEFAULT_RULES[str(rules[-1])]["policies"])
    made = written(spec, steps, _typed(setting.value, steps))
    flaws = list(unknown_in(_PARTS[kind], steps, setting.value, setting.path))
    if steps[0] == "triggers":
        flaws += misspelt_keys(made)
    if flaws:
        raise SpecError(*flaws)
    return made


def resolved(spec: Json, setting: Setting, kind: ScalerType) -> Steps:
    """The full path of the setting: `target` is the target of the only metric, `metrics[0].target` its value."""
    steps = steps_of(setting.path)
    if kind is ScalerType.KEDA:
        return _resolved_keda(spec, setting, steps)
    if steps == ("target",):
        steps = ("metrics", _only(spec, "metrics", "metrics[0].target", setting), "target")
    if steps[0] != "metrics" or len(steps) < 3:
        return steps
    metric = value_at(spec, steps[:2])
    if not isinstance(metric, Mapping):
        return steps
    source = next((word for word in SOURCES if word in metric), "")
    if steps[2] == "target":
        steps = (*steps[:2], source, *steps[2:])
    if steps[2] != source:
        raise SpecError(f"{setting.path}: must be below metrics[{steps[1]}].{source}, the source of this metric, "
                        f"is below '{steps[2]}'")
    if len(steps) == 4 and not isinstance(setting.value, Mapping):
        return (*steps, _VALUE_FIELDS.get(str(value_at(spec, (*steps, "type"))), "averageValue"))
    return steps


def _resolved_keda(spec: Json, setting: Setting, steps: Steps) -> Steps:
    if steps[0] == "behavior":
        return (*steps_of(_ADVANCED.removesuffix(".")), *steps)
    if steps == ("target",):
        only = _only(spec, "triggers", "triggers[0].metadata.threshold", setting)
        metadata = value_at(spec, ("triggers", only, "metadata"))
        field = "value" if isinstance(metadata, Mapping) and "threshold" not in metadata else "threshold"
        return ("triggers", only, "metadata", field)
    return steps


def _only(spec: Json, name: str, longer: str, setting: Setting) -> int:
    entries = spec.get(name)
    count = len(entries) if isinstance(entries, list) else 0
    if count != 1:
        raise SpecError(f"{setting.path}: must name one of the {count} {name}, as in {longer}, is '{setting.path}'")
    return 0


def _typed(value: Any, steps: Steps) -> Any:
    """Quantities and KEDA's metadata are text in a manifest, even if people write a plain number."""
    is_quantity = steps[-1] in ("averageValue", "value", "tolerance") and "policies" not in steps
    is_text = is_quantity or "metadata" in steps or "scalingModifiers" in steps
    return str(value) if is_text and isinstance(value, int | float) and not isinstance(value, bool) else value


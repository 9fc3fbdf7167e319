"""A change of settings as people read it and as they apply it: before and after, and a merge patch."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.model.merge_patch import patch_between
from elastometer.model.spec import ScalerType
from elastometer.model.story import Change
from elastometer.twin.search.vary.candidates import Baseline, vary
from elastometer.twin.search.vary.fields import Setting, resolved
from elastometer.twin.search.vary.paths import Json, text_of, value_at
from elastometer_loadgen.base.document import write_document

# What the controller takes where the manifest has nothing.
_DEFAULTS: Mapping[str, str] = {"scaleUp.stabilizationWindowSeconds": "0", "tolerance": "0.1",
                                "scaleDown.stabilizationWindowSeconds": "300", "pollingInterval": "30"}
_RESOURCES = {ScalerType.HPA: "hpa", ScalerType.KEDA: "scaledobject"}
_FIELDS = {ScalerType.HPA: "horizontalPodAutoscaler", ScalerType.KEDA: "scaledObject"}


def changes(base: Baseline, settings: tuple[Setting, ...]) -> tuple[Change, ...]:
    """Each setting with its full path, its recorded value and the new one."""
    spec = base.manifest["spec"]
    return tuple(_change(spec, setting, base.kind) for setting in settings)


def _change(spec: Json, setting: Setting, kind: ScalerType) -> Change:
    steps = resolved(spec, setting, kind)
    path, before = text_of(steps), value_at(spec, steps)
    default = next((value for end, value in _DEFAULTS.items() if path.endswith(end)), "the default")
    return Change(path, default if before is None else _text(before), _text(setting.value))


def _text(value: object) -> str:
    """Policies as `Pods 1 in 15 s`; anything else as it is."""
    if isinstance(value, list):
        rows = [item for item in value if isinstance(item, Mapping)]
        return ", ".join(f"{item.get('type')} {item.get('value')} in {item.get('periodSeconds')} s" for item in rows)
    return str(value)


def merge_patch(base: Baseline, settings: tuple[Setting, ...]) -> str | None:
    """The changed fields alone, as YAML for `kubectl patch`; None if no manifest can hold the settings."""
    spec = vary(base, settings).spec
    if spec is None:
        return None
    metadata = base.manifest.get("metadata") or {}
    name, namespace = metadata.get("name", "NAME"), metadata.get("namespace", "default")
    lines = (
        f"# kubectl -n {namespace} patch {_RESOURCES[base.kind]} {name} --type merge --patch-file patch.yaml",
        f"# In the ElasticityTest, what is under `spec` here belongs under spec.autoscaler.{_FIELDS[base.kind]}.",
    )
    return "\n".join([*lines, write_document({"spec": patch_between(base.manifest["spec"], spec)})])

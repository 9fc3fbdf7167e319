"""A user's strategic-merge overlay on a Pod template that we built. Pure.

The merge keys are those of the Pod API (`patchMergeKey` in its OpenAPI schema); lists without one are replaced, as
kubectl does: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from typing import Any

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}


def overlaid(base: Any, patch: Any, key: str = "") -> Any:
    """`base` with `patch` merged into it; null removes a field. Neither argument is changed."""
    if isinstance(base, dict) and isinstance(patch, dict):
        merged = dict(base)
        for name, value in patch.items():
            if value is None:
                merged.pop(name, None)
            else:
                merged[name] = overlaid(merged.get(name), value, name)
        return merged
    if isinstance(base, list) and isinstance(patch, list) and key in MERGE_KEYS:
        return _merged_list(base, patch, MERGE_KEYS[key])
    return patch


def _merged_list(base: list[Any], patch: list[Any], merge_key: str) -> list[Any]:
    merged = list(base)
    for item in patch:
        identity = item.get(merge_key) if isinstance(item, dict) else None
        place = next(
            (
                index
                for index, old in enumerate(merged)
                if isinstance(old, dict) and identity is not None and old.get(merge_key) == identity
            ),
            None,
        )
        if place is None:
            merged.append(item)
        else:
            merged[place] = overlaid(merged[place], item)
    return merged

"""The chosen settings as a manifest for `kubectl apply`.

The fragment carries the whole spec, not the changed fields alone: metrics and policies are atomic lists, which any way
of applying replaces as a whole, and a manifest without the required fields could not make the object where it is gone.
What the server owns (status, uid, resourceVersion, managedFields) stays out, so that it applies at any later time.
"""
from __future__ import annotations

from collections.abc import Sequence

import yaml

from elastometer.model.spec import ScalerType
from elastometer.twin.search.vary.paths import Json

API_VERSIONS = {ScalerType.HPA: "autoscaling/v2", ScalerType.KEDA: "keda.sh/v1alpha1"}


class _Plain(yaml.SafeDumper):
    """Without anchors: a value that occurs twice is written twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def manifest(served: Json, spec: Json) -> Json:
    """The object as it should become."""
    metadata = served.get("metadata") or {}
    kind = ScalerType(served["kind"])
    names = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    return {"apiVersion": API_VERSIONS[kind], "kind": kind.value, "metadata": names, "spec": spec}


def patch(served: Json, spec: Json, remarks: Sequence[str]) -> str:
    """YAML, with the remarks as comments before it; comments cannot be left by a line break in a remark."""
    lines = [f"# {' '.join(remark.split())}" for remark in remarks]
    body = yaml.dump(manifest(served, spec), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    return "\n".join([*lines, body])


def how_to_apply(name: str) -> list[str]:
    """The two ways, and what each needs."""
    return [
        f"kubectl apply -f {name}",
        f"or, to own these fields from now on: kubectl apply --server-side --force-conflicts -f {name}",
    ]

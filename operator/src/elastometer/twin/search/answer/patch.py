"""The chosen settings as a manifest for `kubectl apply`.

It contains the whole spec and not only the changed fields: metrics and policies are atomic lists, which every way of
applying replaces as a whole, and without the required fields the manifest could not create the object if it is gone.
Fields that the server owns (status, uid, resourceVersion, managedFields) are left out, so that it can be applied at any
later time.
"""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.model.spec import ScalerType
from elastometer.twin.scenario import BALANCING_OF, Balancing
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.paths import Json
from elastometer_loadgen.base.document import write_document

API_VERSIONS = {ScalerType.HPA: "autoscaling/v2", ScalerType.KEDA: "keda.sh/v1alpha1"}


def manifest(served: Json, spec: Json) -> Json:
    """The object with the new spec."""
    metadata = served.get("metadata") or {}
    kind = ScalerType(served["kind"])
    names = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    return {"apiVersion": API_VERSIONS[kind], "kind": kind.value, "metadata": names, "spec": spec}


def patch(served: Json, spec: Json, remarks: Sequence[str]) -> str:
    """YAML, with the remarks as comments above it."""
    # Whitespace is folded: a line break in a remark must not end the comment.
    lines = [f"# {' '.join(remark.split())}" for remark in remarks]
    return "\n".join([*lines, write_document(manifest(served, spec), width=110)])


def how_to_apply(name: str) -> list[str]:
    """The two ways to apply the file."""
    return [
        f"kubectl apply -f {name}",
        f"or, to own these fields from now on: kubectl apply --server-side --force-conflicts -f {name}",
    ]


def balancing_remark(setting: Setting) -> str:
    """How to get this balancing, which no autoscaler sets."""
    policies = [str(policy) for policy, balancing in BALANCING_OF.items() if balancing == setting.value]
    gateway = "; for other clients: a gateway that sends each request to the replica with the fewest in flight" \
        if setting.value == Balancing.LEAST_IN_FLIGHT else ""
    return f"{setting}: in a test, `load.connection.policy: {' or '.join(policies)}`{gateway}."

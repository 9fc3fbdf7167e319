"""The metadata of KEDA's triggers: a map that the API server does not look into, and of which KEDA ignores what it does
not know. A misspelt key would mean KEDA's default, so a key that resembles one that KEDA reads is refused.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.shapes import Part, target_flaws
from elastometer_loadgen.base.fields import nearest

PROMETHEUS, CPU, MEMORY = "prometheus", "cpu", "memory"
# Their values come from running Pods, so they are empty at zero replicas.
RESOURCE_TRIGGERS = (CPU, MEMORY)
# KEDA's own default, which the CRD repeats so that a ScaledObject behaves in a test as it does without one:
# https://keda.sh/docs/latest/reference/scaledobject-spec/#pollinginterval
POLLING_SECONDS = 30
_RESOURCE = ("type", "value", "containerName")
# By type of trigger, what pkg/scalers of KEDA 2.21 reads; and the last two, which it no longer does, since manifests of
# earlier releases have them.
KEYS: Mapping[str, tuple[str, ...]] = {
    PROMETHEUS: (
        "serverAddress", "query", "queryParameters", "threshold", "activationThreshold", "namespace", "customHeaders",
        "ignoreNullValues", "unsafeSsl", "awsRegion", "timeout", "identityOwner", "authModes", "metricName",
        "cortexOrgID"),
    **dict.fromkeys(RESOURCE_TRIGGERS, _RESOURCE),
}
# More than for a field: what resembles less may be meant for another program, and KEDA passes it over as well.
SIMILAR = 0.75


def scaled_object_flaws(scaled_object: Document) -> Iterator[str]:
    """What a test's ScaledObject has that would be replaced, or passed over."""
    yield from target_flaws(scaled_object, Part.SCALED_OBJECT)
    yield from misspelt_keys(scaled_object, f"{Part.SCALED_OBJECT}.")


def misspelt_keys(scaled_object: Document, prefix: str = "") -> Iterator[str]:
    """Keys of the triggers' metadata that resemble one that KEDA reads. Paths begin with the prefix."""
    for index, trigger in enumerate(documents_at(scaled_object, "triggers")):
        known = KEYS.get(text_at(trigger, "type") or "", ())
        for key in document_at(trigger, "metadata"):
            near = None if key in known else nearest(key, known, SIMILAR)
            if near is not None:
                yield (f"{prefix}triggers[{index}].metadata.{key}: is not read by KEDA, which would take "
                       f"its default; did you mean {near}?")

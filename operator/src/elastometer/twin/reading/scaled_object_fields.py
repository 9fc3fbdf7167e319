"""What the simulator makes of each field of a ScaledObject (KEDA 2.21): models it, needs no model, or refuses it."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from elastometer.model.document import Document
from elastometer.model.triggers import CPU, PROMETHEUS


class Treatment(StrEnum):
    """How a field takes part in a simulation. `RECORDED`: only a run shows what it does, so that a recorded one is
    needed."""

    MODELLED = "modelled"
    IRRELEVANT = "irrelevant"
    RECORDED = "recorded"
    REFUSED = "refused"


_MODELLED, _IRRELEVANT = (Treatment.MODELLED, ""), Treatment.IRRELEVANT
_ADVANCED = "advanced.horizontalPodAutoscalerConfig"
_AUTHENTICATION = Treatment.RECORDED, "how KEDA authenticates at Prometheus is not modelled"
_ANSWER = Treatment.RECORDED, "what it does to the answer of Prometheus is not modelled"
# Path -> (treatment, why). A path stands for all below it. Lists have no index; metadata is by the trigger's type.
FIELDS: Mapping[str, tuple[Treatment, str]] = {
    "scaleTargetRef": (_IRRELEVANT, "the Deployment of the test"),
    "pollingInterval": _MODELLED,
    "initialCooldownPeriod": _MODELLED,
    "cooldownPeriod": _MODELLED,
    "idleReplicaCount": _MODELLED,
    "minReplicaCount": _MODELLED,
    "maxReplicaCount": _MODELLED,
    f"{_ADVANCED}.behavior": _MODELLED,
    f"{_ADVANCED}.name": (_IRRELEVANT, "only a name"),
    "advanced.restoreToOriginalReplicaCount": (_IRRELEVANT, "takes effect when the ScaledObject is deleted"),
    "advanced.scalingModifiers": _MODELLED,
    "triggers.type": _MODELLED,
    "triggers.name": _MODELLED,
    "triggers.metadata": _MODELLED,
    "triggers.metricType": _MODELLED,
    "triggers.useCachedMetrics": _MODELLED,
    "triggers.authenticationRef": _AUTHENTICATION,
    "fallback": (Treatment.MODELLED, "as long as no trigger can fail"),
}
# Type of a trigger -> the keys of its metadata, which are those of `model.triggers`. KEDA ignores any other.
METADATA: Mapping[str, Mapping[str, tuple[Treatment, str]]] = {
    PROMETHEUS: {
        "serverAddress": (_IRRELEVANT, "the Prometheus that scrapes the test"),
        "query": _MODELLED, "threshold": _MODELLED, "activationThreshold": _MODELLED, "ignoreNullValues": _MODELLED,
        **dict.fromkeys(("namespace", "queryParameters", "customHeaders", "cortexOrgID"), _ANSWER),
        **dict.fromkeys(("authModes", "awsRegion", "identityOwner"), _AUTHENTICATION),
        "unsafeSsl": (_IRRELEVANT, "concerns the connection only"),
        "timeout": (_IRRELEVANT, "Prometheus answers at once"),
        "metricName": (_IRRELEVANT, "KEDA has not read it since 2.10"),
    },
    CPU: {
        "value": _MODELLED, "containerName": _MODELLED,
        "type": (Treatment.REFUSED, "KEDA refuses it since 2.18; `metricType` of the trigger is read instead"),
    },
}


def refused_fields(spec: Document, *, is_recorded: bool) -> Iterator[str]:
    """Every field of the spec that is refused, or that is not in the table."""
    return _walk(spec, "", "", is_recorded)


def treatment_of(path: str) -> tuple[Treatment, str] | None:
    """By the longest known path above the field; None for an unknown one, or one that only leads to others."""
    words = path.split(".")
    found = (FIELDS.get(".".join(words[:length])) for length in range(len(words), 0, -1))
    return next((one for one in found if one is not None), None)


def flaw(path: str, value: object, treatment: tuple[Treatment, str] | None, *, is_recorded: bool) -> str | None:
    """What is wrong with a given field."""
    if treatment is None:
        return f"{path}: must be absent, since KEDA does not read it; is {value!r}"
    kind, why = treatment
    if kind is Treatment.REFUSED or (kind is Treatment.RECORDED and not is_recorded):
        return f"{path}: must be absent to be simulated ({why}), is {value!r}"
    return None


def _walk(node: object, path: str, known: str, is_recorded: bool) -> Iterator[str]:
    treatment = treatment_of(known) if known else None
    if treatment is None and isinstance(node, Mapping):
        for key, value in node.items():
            yield from _walk(value, f"{path}.{key}".lstrip("."), f"{known}.{key}".lstrip("."), is_recorded)
    elif treatment is None and isinstance(node, list):
        for index, value in enumerate(node):
            yield from _walk(value, f"{path}[{index}]", known, is_recorded)
    elif (found := flaw(path, node, treatment, is_recorded=is_recorded)) is not None:
        yield found

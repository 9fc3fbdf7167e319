"""What can wake a target at zero replicas: the Prometheus triggers of a ScaledObject, or a formula of their values."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.model.document import document_at, documents_at, text_at
from elastometer.model.triggers import PROMETHEUS

SERIES_PREFIX = "trigger_"  # + the index of the trigger: the series of its query in a bundle


@dataclass(frozen=True, slots=True)
class PrometheusTrigger:
    """One trigger of type prometheus. It is active while its query is above `activation`. `is_private` if KEDA
    authenticates to the server."""

    index: int
    server: str
    query: str
    activation: float
    is_private: bool

    @property
    def series(self) -> str:
        """The name of its query in the bundle."""
        return f"{SERIES_PREFIX}{self.index}"


def prometheus_triggers(scaled_object: object) -> Iterator[PrometheusTrigger]:
    """Those of the ScaledObject's spec that have a query."""
    for index, trigger in enumerate(documents_at(scaled_object, "triggers")):
        metadata = document_at(trigger, "metadata")
        query = text_at(metadata, "query")
        if text_at(trigger, "type") == PROMETHEUS and query:
            secrets = (trigger.get("authenticationRef"), metadata.get("authModes"), metadata.get("customHeaders"))
            activation = _number(text_at(metadata, "activationThreshold"))
            yield PrometheusTrigger(index, text_at(metadata, "serverAddress") or "", query, activation, any(secrets))


def formula(scaled_object: object) -> str | None:
    """What KEDA makes of the triggers' values; with one, no trigger activates the ScaledObject by itself."""
    return text_at(scaled_object, "advanced", "scalingModifiers", "formula") or None


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0

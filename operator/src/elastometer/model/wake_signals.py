"""What the triggers of a ScaledObject read, as far as it matters at zero replicas: what can wake the target.

A model server exports nothing while it has no replica. A trigger that reads only its metrics finds no series then, and
KEDA takes that for an idle service.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.model.document import document_at, documents_at, text_at

PROMETHEUS = "prometheus"
_OF_RUNNING_PODS = ("cpu", "memory")
SERIES_PREFIX = "trigger_"  # + the index of the trigger: the series of its query in a bundle
# Of the series that only a running vLLM exports.
_SERVER_METRIC = re.compile(r"vllm:\w+")
_LABELS = re.compile(r"\{[^{}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
_NAME = re.compile(r"(?<![\w:])[A-Za-z_:][\w:]*(?!\s*\()(?![\w:])")
_WORDS = frozenset({"offset", "bool", "and", "inf", "nan"})
# With these a query has a value even where a series is missing.
_FILLING = re.compile(r"\b(?:or|unless|absent|absent_over_time|vector|scalar|time)\b")


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


def reads_only_servers(scaled_object: object) -> bool:
    """Whether every trigger reads nothing but metrics of vLLM, so that none can be active at zero replicas. False where
    that is not certain: a formula may make something of nothing, and KEDA may have replicas for triggers that fail.

    Besides another trigger, one on CPU or memory never activates a ScaledObject; alone, it always does.
    """
    triggers = [one for one in documents_at(scaled_object, "triggers") if text_at(one, "type") not in _OF_RUNNING_PODS]
    read = list(prometheus_triggers(scaled_object))
    if not triggers or len(read) < len(triggers) or document_at(scaled_object, "fallback") or formula(scaled_object):
        return False
    return all(_reads_only_servers(trigger.query) for trigger in read)


def formula(scaled_object: object) -> str | None:
    """What KEDA makes of the triggers' values; with one, no trigger activates the ScaledObject by itself."""
    return text_at(scaled_object, "advanced", "scalingModifiers", "formula") or None


def _reads_only_servers(query: str) -> bool:
    # Texts first: a label's value may hold a brace or a word of the language.
    bare = _LABELS.sub(" ", _TEXT.sub('""', query))
    names = [name for name in _NAME.findall(bare) if name.lower() not in _WORDS]
    return bool(names) and not _FILLING.search(bare) and all(_SERVER_METRIC.fullmatch(name) for name in names)


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0

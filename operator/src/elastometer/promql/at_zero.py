"""Whether the triggers of a ScaledObject can have a value while no server runs, since only that can wake the target.

A model server exports nothing while it has no replica. A trigger that reads only its metrics finds no series then, and
KEDA takes that for an idle service.
"""
from __future__ import annotations

import promql_parser as promql

from elastometer.model.document import document_at, documents_at, text_at
from elastometer.model.server_metrics import PREFIX
from elastometer.model.triggers import RESOURCE_TRIGGERS
from elastometer.model.wake_signals import formula, prometheus_triggers
from elastometer.promql.parse import parts

# With these a query has a value even where a series is missing.
_FILLING_CALLS = frozenset({"absent", "absent_over_time", "vector", "scalar", "time"})
_FILLING_OPERATORS = frozenset({"or", "unless"})


def reads_only_servers(scaled_object: object) -> bool:
    """Whether every trigger reads nothing but metrics of vLLM, so that none can be active at zero replicas. False where
    that is not certain: a formula may make something of nothing, and KEDA may have replicas for triggers that fail.

    Besides another trigger, one on CPU or memory never activates a ScaledObject; alone, it always does.
    """
    triggers = [one for one in documents_at(scaled_object, "triggers") if text_at(one, "type") not in RESOURCE_TRIGGERS]
    read = list(prometheus_triggers(scaled_object))
    if not triggers or len(read) < len(triggers) or document_at(scaled_object, "fallback") or formula(scaled_object):
        return False
    return all(_reads_only_servers(trigger.query) for trigger in read)


def _reads_only_servers(query: str) -> bool:
    try:
        found = parts(query)
    except ValueError:
        return False
    names = [part.name or "" for part in found if isinstance(part, promql.VectorSelector)]
    return bool(names) and all(name.startswith(PREFIX) for name in names) and not any(map(_fills, found))


def _fills(part: promql.Expr) -> bool:
    if isinstance(part, promql.Call):
        return part.func.name in _FILLING_CALLS
    return isinstance(part, promql.BinaryExpr) and str(part.op) in _FILLING_OPERATORS

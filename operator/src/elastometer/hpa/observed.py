"""Reads what, according to a trace, the real controller left behind after one sync."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.hpa.arithmetic import INT64_MAX, INT64_MIN
from elastometer.hpa.decision import Condition
from elastometer.hpa.reading import Node
from elastometer.hpa.recording import Observed, ObservedAccount
from elastometer.hpa.settings import HpaSpec, TargetType


def observed_from(node: Node, spec: HpaSpec) -> Observed:
    """Flaws are noted in the node."""
    node.only("desiredReplicas", "rescaled", "conditions", "events", "account")
    account = node.at("account")
    return Observed(
        node.at("desiredReplicas").whole(0), node.at("rescaled").flag(), _conditions(node.at("conditions")),
        tuple(sorted(item.text() for item in node.at("events").items())),
        None if account.absent else _account(account, spec))


def _conditions(node: Node) -> Mapping[str, Condition]:
    if node.absent:
        node.refuse("must be given")
    found: dict[str, Condition] = {}
    for name, pair in node.fields():
        words = [item.text() for item in pair.items()]
        if len(words) == 2:
            found[name] = Condition(*words)
        elif not isinstance(pair.value, list) or words:
            pair.refuse("must be a list of status and reason")
    return found


def _account(node: Node, spec: HpaSpec) -> ObservedAccount:
    """A trace may contain more fields than are read here."""
    current = list(node.at("currentMetrics").items())
    values = tuple(_value(item, metric.target_type) for item, metric in zip(current, spec.metrics, strict=False))
    proposed, status = node.at("proposedReplicas"), node.at("statusDesiredReplicas")
    return ObservedAccount(
        None if proposed.absent else proposed.whole(), None if status.absent else status.whole(),
        values if any(value is not None for value in values) else ())


def _value(node: Node, target: TargetType) -> int | None:
    """Percent, or milli-units as a number, because the largest quantities do not survive a round trip as text."""
    value = node.at("averageUtilization" if target is TargetType.UTILIZATION else "milliUnits")
    return None if value.absent else value.whole(INT64_MIN, INT64_MAX)

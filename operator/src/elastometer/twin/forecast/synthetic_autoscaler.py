"""The HorizontalPodAutoscaler after each of its syncs, and the events of its rescales, worded as by the controller."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.hpa.decision import Account, Constraint, Decision, Proposal
from elastometer.hpa.quantity import quantity
from elastometer.hpa.settings import TargetType
from elastometer.model.autoscalers import keda_autoscaler_name
from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.names import server_name
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.spec import ScalerType
from elastometer.twin.forecast.predicted_run import PredictedRun, instant
from elastometer.twin.prediction import Sync

_RESCALED = "SuccessfulRescale"
# What the controller calls a metric in its reasons, by type of the source.
_KINDS = {"Pods": "pods metric ", "Object": "object metric ", "External": "external metric ",
          "Resource": "", "ContainerResource": ""}


def autoscaler_sightings(run: PredictedRun) -> Iterator[ObjectSeen]:
    """One line per sync of the HPA and one per rescale; nothing if no HPA decides."""
    if run.autoscaler is None:
        return
    scaler, test, spec = run.plan.spec.scaler, run.plan.names.test, run.autoscaler
    is_keda = scaler.type is ScalerType.KEDA
    name = keda_autoscaler_name(test, scaler.body) if is_keda else server_name(test)
    first: Document = {"metadata": {"name": name}, "spec": spec, "status": {}}
    yield ObjectSeen(instant(run.scenario.start_seconds), ObjectKind.AUTOSCALER, Sighting.LISTED, first)
    for sync in run.prediction.syncs:
        if sync.decision is not None:
            yield _status(name, spec, sync, sync.decision)
            if sync.decision.rescaled:
                yield _rescale(name, spec, sync, sync.decision)


def _status(name: str, spec: Document, sync: Sync, decision: Decision) -> ObjectSeen:
    sources = documents_at(spec, "metrics")
    status = {
        "currentReplicas": sync.before, "desiredReplicas": decision.status_desired,
        "currentMetrics": [current for proposal in decision.account.proposals
                           if (current := _current(sources, proposal)) is not None],
        "conditions": [{"type": kind, "status": condition.status, "reason": condition.reason}
                       for kind, condition in sorted(decision.conditions.items())],
    }
    return ObjectSeen(instant(sync.at), ObjectKind.AUTOSCALER, Sighting.MODIFIED,
                      {"metadata": {"name": name}, "spec": spec, "status": status})


def _body(source: Document) -> tuple[str, Document]:
    kind = text_at(source, "type") or ""
    key = kind[:1].lower() + kind[1:]
    return key, document_at(source, key)


def _current(sources: Sequence[Document], proposal: Proposal) -> Document | None:
    """One entry of `status.currentMetrics`; None for a metric that could not be evaluated."""
    if proposal.value is None or proposal.metric >= len(sources):
        return None
    source = sources[proposal.metric]
    key, body = _body(source)
    kept = {name: value for name, value in body.items() if name != "target"}
    return {"type": source["type"], key: {**kept, "current": _value(body, proposal.value)}}


def _value(body: Document, value: int) -> Document:
    kind = text_at(body, "target", "type")
    if kind == TargetType.UTILIZATION:
        return {"averageUtilization": value}
    return {"value" if kind == TargetType.VALUE else "averageValue": quantity(value)}


def _rescale(name: str, spec: Document, sync: Sync, decision: Decision) -> ObjectSeen:
    message = f"New size: {decision.desired}; reason: {_reason(spec, sync, decision.account)}"
    return ObjectSeen(instant(sync.at), ObjectKind.EVENT, Sighting.ADDED, {
        "reason": _RESCALED, "message": message, "involvedObject": {"kind": "HorizontalPodAutoscaler", "name": name}})


def _reason(spec: Document, sync: Sync, account: Account) -> str:
    if not account.proposals:
        bound = "above Spec.MaxReplicas" if account.binding is Constraint.MAXIMUM else "below Spec.MinReplicas"
        return f"Current number of replicas {bound}"
    sources = documents_at(spec, "metrics")
    if sync.after < sync.before or account.metric is None or account.metric >= len(sources):
        return "All metrics below target"
    source = sources[account.metric]
    _, body = _body(source)
    if text_at(body, "metric", "name") is not None:
        return f"{_KINDS[str(source['type'])]}{text_at(body, 'metric', 'name')} above target"
    share = " utilization (percentage of request)" if text_at(body, "target", "type") == TargetType.UTILIZATION else ""
    return f"{text_at(body, 'name')} resource{share} above target"

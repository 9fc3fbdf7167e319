"""The autoscaler of a test as the twin runs it: what the API server and KEDA would make of its spec."""
from __future__ import annotations

from dataclasses import dataclass, replace

from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.settings import HpaSpec, Metric, MetricType, TargetType
from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.plan import TestPlan
from elastometer.resources.scaler import scaler
from elastometer.twin.fit.autoscaler import fit_keda
from elastometer.twin.randomness import stream
from elastometer.twin.scenario import Controller, HpaController, KedaController, Signal
from elastometer.twin.search.vary.controllers import refuse_scaled_object
from elastometer.twin.search.vary.metrics import keda_hpa
from elastometer.twin.signals import signals_of

_PATHS = {ScalerType.HPA: "spec.autoscaler.horizontalPodAutoscaler", ScalerType.KEDA: "spec.autoscaler.scaledObject"}
_RESOURCES = ("cpu", "memory")
# A metric that never asks for a change: without an autoscaler, the replicas stay as they are.
_NOTHING = Metric(MetricType.PODS, "none", TargetType.AVERAGE_VALUE, 10**9)


@dataclass(frozen=True, slots=True)
class PlannedAutoscaler:
    """`document` is the spec of the HPA that decides; None if the test has no autoscaler. `words` describe it."""

    controller: Controller
    document: Document | None
    words: str


def planned_autoscaler(plan: TestPlan) -> PlannedAutoscaler:
    """The autoscaler of the test. Raises SpecError with every flaw, by its path in the test."""
    kind = plan.spec.scaler.type
    manifest = scaler(plan)
    if manifest is None:
        fixed = HpaSpec(plan.minimum_replicas, plan.minimum_replicas, (_NOTHING,))
        return PlannedAutoscaler(HpaController(fixed, (Signal.IN_FLIGHT,)), None, "none: the replicas stay as they are")
    try:
        return _plan_hpa(manifest["spec"]) if kind is ScalerType.HPA else _plan_keda(plan, manifest["spec"])
    except SpecError as error:
        raise SpecError(*(_with_path(flaw, _PATHS[kind]) for flaw in error.flaws)) from error


def _with_path(flaw: str, path: str) -> str:
    return f"{path}.{flaw.removeprefix('spec.')}"


def _plan_hpa(document: Document) -> PlannedAutoscaler:
    hpa = parse_hpa(document)
    return PlannedAutoscaler(HpaController(hpa, signals_of(hpa.metrics, ())), document,
                             "HorizontalPodAutoscaler of the test, by the rules of Kubernetes 1.35")


def _plan_keda(plan: TestPlan, spec: dict[str, object]) -> PlannedAutoscaler:
    scaled = {**spec, "minReplicaCount": plan.spec.scaler.minimum}
    refuse_scaled_object(scaled)
    document = keda_hpa(scaled, {"scaleTargetRef": spec["scaleTargetRef"], "metrics": _keda_metrics(scaled)})
    hpa = parse_hpa(document)
    signals = signals_of(hpa.metrics, documents_at(scaled, "triggers"))
    keda, _ = fit_keda(HpaController(hpa, signals), {"spec": scaled})
    return PlannedAutoscaler(keda, document, "ScaledObject of the test: KEDA's loop and the HPA that it would create")


def _keda_metrics(scaled: Document) -> list[dict[str, object]]:
    """One metric per trigger, named as by KEDA; `keda_hpa` then fills in the targets."""
    triggers = documents_at(scaled, "triggers")
    if not triggers:
        raise SpecError("triggers: must hold at least one trigger, is empty")
    found: list[dict[str, object]] = []
    for index, trigger in enumerate(triggers):
        kind = text_at(trigger, "type") or ""
        if kind in _RESOURCES:
            found.append({"type": "Resource", "resource": {"name": kind}})
        else:
            found.append({"type": "External", "external": {"metric": {"name": f"s{index}-{kind}"}}})
    return found


def started(controller: Controller, start_seconds: float, seed: int, sync_seconds: float | None) -> Controller:
    """The controller with the phase of its syncs. If `sync_seconds` is given, one sync is at that instant; otherwise
    the phase is drawn at random, since no setting determines it."""
    rng = stream(seed, "phase")
    if isinstance(controller, KedaController):
        return replace(controller, hpa=_with_phase(controller.hpa, start_seconds, rng.random(), sync_seconds),
                       phase_seconds=start_seconds + rng.random() * controller.polling_seconds)
    if isinstance(controller, HpaController):
        return _with_phase(controller, start_seconds, rng.random(), sync_seconds)
    return controller


def _with_phase(hpa: HpaController, start_seconds: float, share: float, sync_seconds: float | None) -> HpaController:
    period = hpa.spec.controller.sync_period_seconds
    late = share * period if sync_seconds is None else (sync_seconds - start_seconds) % period
    return replace(hpa, phase_seconds=start_seconds + late)

"""The autoscaler of a test as the twin runs it: what the API server and KEDA would make of its spec."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import floor

from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.pod_requests import container_requests_of
from elastometer.hpa.settings import HpaSpec, Metric, MetricType, TargetType
from elastometer.model.document import Document, document_at
from elastometer.model.errors import SpecError
from elastometer.model.shapes import Part
from elastometer.model.spec import ScalerType
from elastometer.plan import TestPlan
from elastometer.promql.series import NAMESPACE, TestSeries
from elastometer.resources.scaler import scaler
from elastometer.resources.target import deployment
from elastometer.twin.randomness import stream
from elastometer.twin.reading.hpa_metrics import Containers, hpa_sources
from elastometer.twin.reading.renamed import renamed
from elastometer.twin.reading.scaled_object import keda_loop, read_scaled_object
from elastometer.twin.reading.server_labels import has_one_engine, served_model, unexported
from elastometer.twin.scenario import Controller, HpaController, KedaController
from elastometer.twin.sources import Signal

_PATHS = {ScalerType.HPA: Part.HPA, ScalerType.KEDA: Part.SCALED_OBJECT}
# A metric that never asks for a change: without an autoscaler, the replicas stay as they are.
_NOTHING = Metric(MetricType.PODS, "none", TargetType.AVERAGE_VALUE, 10**9)


@dataclass(frozen=True, slots=True)
class PlannedAutoscaler:
    """`document` is the spec of the HPA that decides; None if the test has no autoscaler. `words` describe it, `notes`
    say what of it differs from what one may expect."""

    controller: Controller
    document: Document | None
    words: str
    notes: tuple[str, ...] = ()


def planned_autoscaler(plan: TestPlan, assumed_namespace: str | None = None) -> PlannedAutoscaler:
    """The autoscaler of the test, in the assumed namespace if the test states none. Raises SpecError with every flaw,
    by its path in the test."""
    kind = plan.spec.scaler.type
    manifest = scaler(plan)
    if manifest is None:
        fixed = HpaSpec(plan.initial_replicas, plan.initial_replicas, (_NOTHING,))
        return PlannedAutoscaler(HpaController(fixed, (Signal.IN_FLIGHT,)), None, "none: the replicas stay as they are")
    series, containers = _series(plan, assumed_namespace), _containers(plan)
    read = _plan_hpa if kind is ScalerType.HPA else _plan_keda
    with_path = _with_path(_PATHS[kind])
    # The test's own default of the minimum is not KEDA's.
    minimum = {"minReplicaCount": plan.spec.scaler.minimum} if kind is ScalerType.KEDA else {}
    try:
        found = read({**manifest["spec"], **minimum}, series, containers)
    except SpecError as error:
        raise SpecError(*map(with_path, error.flaws)) from error
    return replace(found, controller=_with_formula_path(found.controller, with_path),
                   notes=(*map(with_path, found.notes), *_namespace_notes(plan, assumed_namespace)))


def _with_formula_path(controller: Controller, with_path: Callable[[str], str]) -> Controller:
    if not isinstance(controller, KedaController) or controller.formula is None:
        return controller
    return replace(controller, formula=replace(controller.formula, path=with_path(controller.formula.path)))


def _namespace_notes(plan: TestPlan, assumed: str | None) -> Iterator[str]:
    if assumed is not None and NAMESPACE in repr(plan.spec.scaler.body):
        yield f"metadata.namespace: is absent, so the test is assumed to run in the namespace {assumed!r}"


def _with_path(path: str) -> Callable[[str], str]:
    return lambda text: f"{path}.{text.removeprefix('spec.')}"


def _series(plan: TestPlan, namespace: str | None) -> TestSeries:
    flags = plan.spec.server.flags
    return TestSeries(namespace or plan.names.namespace, plan.names.test, served_model(flags),
                      has_one_engine=has_one_engine(flags), unexported=unexported(flags))


def _containers(plan: TestPlan) -> Containers:
    return container_requests_of(document_at(deployment(plan), "spec", "template", "spec"))


def _plan_hpa(document: Document, series: TestSeries, containers: Containers) -> PlannedAutoscaler:
    hpa = parse_hpa(document)
    read = hpa_sources(document, hpa.metrics, series, containers)
    return PlannedAutoscaler(HpaController(hpa, read.sources), document,
                             "HorizontalPodAutoscaler of the test, by the rules of Kubernetes 1.35", read.notes)


def _plan_keda(document: Document, series: TestSeries, containers: Containers) -> PlannedAutoscaler:
    series, about_names = renamed(document, series)
    read = read_scaled_object(document, series)
    try:
        hpa = parse_hpa(read.hpa)
        sources = hpa_sources(read.hpa, hpa.metrics, series, containers, has_triggers=True)
    except SpecError as error:
        raise SpecError(*map(read.in_own_words, error.flaws)) from error
    flaws = [flaw for metric, place in zip(hpa.metrics, read.places, strict=True)
             for flaw in _webhook_flaws(place, metric, containers)]
    if flaws:
        raise SpecError(*flaws)
    keda = keda_loop(HpaController(hpa, sources.sources), document, read)
    return PlannedAutoscaler(
        keda, read.hpa, "ScaledObject of the test: KEDA's loop and the HPA that it would create",
        (*about_names, *read.notes, *map(read.in_own_words, sources.notes)))


def _webhook_flaws(place: int, metric: Metric, containers: Containers) -> Iterator[str]:
    """KEDA's webhook refuses a trigger on a resource that a container does not request."""
    if metric.type is MetricType.EXTERNAL:
        return
    for name, requests in containers.items():
        if metric.container in (None, name) and not requests.get(metric.name):
            yield (f"triggers[{place}]: must be on a resource that each of its containers requests, is on "
                   f"{metric.name}, which {name} does not request")


def started(controller: Controller, start_seconds: float, seed: int, sync_seconds: float | None) -> Controller:
    """The controller with the phase of its syncs. If `sync_seconds` is given, one sync is at that instant; otherwise
    the phase is drawn at random, since no setting determines it."""
    rng = stream(seed, "phase")
    if isinstance(controller, KedaController):
        hpa = _with_phase(controller.hpa, start_seconds, rng.random(), sync_seconds)
        polls = start_seconds + rng.random() * controller.polling_seconds
        # KEDA polls at once when the ScaledObject is new, and keeps the instant of its creation in whole seconds.
        return replace(controller, hpa=hpa, phase_seconds=polls, created_seconds=float(floor(polls)))
    if isinstance(controller, HpaController):
        return _with_phase(controller, start_seconds, rng.random(), sync_seconds)
    return controller


def _with_phase(hpa: HpaController, start_seconds: float, share: float, sync_seconds: float | None) -> HpaController:
    period = hpa.spec.controller.sync_period_seconds
    late = share * period if sync_seconds is None else (sync_seconds - start_seconds) % period
    return replace(hpa, phase_seconds=start_seconds + late)

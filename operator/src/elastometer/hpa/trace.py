"""Reads one recorded or drawn world (a line of a trace file) into a Recording: syncs and their observed outcomes."""
from __future__ import annotations

from elastometer.hpa.observed import observed_from
from elastometer.hpa.parse import controller_from, hpa_from
from elastometer.hpa.reading import Node
from elastometer.hpa.recording import Observed, RecordedSync, Recording
from elastometer.hpa.settings import HpaSpec, Metric, MetricType
from elastometer.hpa.sync import MetricInput, PodInput, Sample, SyncInput
from elastometer.model.document import Document
from elastometer.model.errors import SpecError
from elastometer.model.schema import Reading
from elastometer.model.shapes import HPA_SPEC, OF_HPA, shape_of

_SYNC = ("atSeconds", "specReplicas", "statusReplicas", "pods", "metrics", "scaleError", "scaleUpdateError",
         "controllerRestarted")
_POD = ("name", "phase", "ready", "readyTransitionSeconds", "startSeconds", "deleting", "requests", "containerRequests")
_SAMPLE = ("pod", "value", "timestampSeconds", "windowSeconds")
_PHASES = ("Failed", "Pending", "Running", "Succeeded", "Unknown")
_Known = list[tuple[object, PodInput]]  # the JSON of each Pod at the sync before, and what was read from it
_TOTALS = (MetricType.OBJECT, MetricType.EXTERNAL)


def recording_from(document: Document) -> Recording:
    """Reads up to the first sync that has a flaw. Raises SpecError with its flaws: path, rule and value."""
    flaws: list[str] = []
    root = Node(document, "", flaws)
    root.only("name", "controller", "hpa", "syncs", "expected")
    name = root.at("name").text()
    hpa = root.at("hpa")
    if hpa.absent:
        hpa.refuse("must be given")
        raise SpecError(*flaws)
    # A field that this release does not have may change what the controller decides.
    hpa.only_in(shape_of(HPA_SPEC), Reading(OF_HPA))
    spec = hpa_from(hpa, controller_from(root.at("controller")))
    _stop_at(flaws)
    syncs = _syncs(root, spec, flaws)
    return Recording(name, spec, tuple(syncs))


def _stop_at(flaws: list[str]) -> None:
    if flaws:
        raise SpecError(*flaws)


def _syncs(root: Node, spec: HpaSpec, flaws: list[str]) -> list[RecordedSync]:
    nodes, expected = root.at("syncs"), root.at("expected")
    observed = list(expected.items())
    recorded: list[RecordedSync] = []
    before = float("-inf")
    known: _Known = []
    for index, node in enumerate(nodes.items()):
        sync = _sync_input(node, spec, known)
        if sync.at < before:
            node.at("atSeconds").refuse(f"must not be earlier than that of the sync before it ({before:g})")
        before = sync.at
        seen = observed_from(observed[index], spec) if index < len(observed) else Observed()
        recorded.append(RecordedSync(sync, seen, restarted=node.at("controllerRestarted").flag_or_false()))
        _stop_at(flaws)
    if not recorded:
        nodes.refuse("must hold at least one sync")
    elif observed and len(observed) != len(recorded):
        expected.refuse(f"must hold one entry for each of the {len(recorded)} syncs")
    _stop_at(flaws)
    return recorded


def _sync_input(node: Node, spec: HpaSpec, known: _Known) -> SyncInput:
    node.only(*_SYNC)
    answers = node.at("metrics")
    metrics = tuple(_answer(item, metric) for item, metric in zip(answers.items(), spec.metrics, strict=False))
    if len(metrics) != len(spec.metrics) or (isinstance(answers.value, list) and len(answers.value) != len(metrics)):
        answers.refuse(f"must hold one answer for each of the {len(spec.metrics)} metrics of the spec")
    pods, replicas = _pods(node.at("pods"), known), node.at("statusReplicas").whole(0)
    if replicas and node.at("pods").absent:
        node.at("pods").refuse("must be given where statusReplicas is above 0")
    if len({pod.name for pod in pods}) != len(pods):
        node.at("pods").refuse("must hold each Pod once")
    return SyncInput(
        node.at("atSeconds").number(), node.at("specReplicas").whole(0), replicas, pods, metrics,
        node.at("scaleError").text_or_none(), node.at("scaleUpdateError").text_or_none())


def _pods(node: Node, known: _Known) -> tuple[PodInput, ...]:
    """Most Pods have not changed since the sync before and are not read again: this halves the time of a long trace."""
    read = [known[index] if index < len(known) and known[index][0] == item.value else (item.value, _pod(item))
            for index, item in enumerate(node.items())]
    known[:] = read
    return tuple(pod for _, pod in read)


def _pod(node: Node) -> PodInput:
    node.only(*_POD)
    phase, ready, containers = node.at("phase"), node.at("ready"), node.at("containerRequests")
    if phase.value not in _PHASES:
        phase.refuse(f"must be one of {', '.join(_PHASES)}")
    # Without a transition, the kubelet has not reported yet: there is no Ready condition, whatever `ready` says.
    transition = node.at("readyTransitionSeconds").number_or_none()
    return PodInput(
        node.at("name").text(), str(phase.value), ready.flag() if transition is not None else None,
        transition, node.at("startSeconds").number_or_none(),
        node.at("deleting").flag(), _requests(node.at("requests")),
        None if containers.absent else {name: _requests(item) for name, item in containers.fields()})


def _requests(node: Node) -> dict[str, int]:
    return {name: request.quantity() for name, request in node.fields()}


def _answer(node: Node, metric: Metric) -> MetricInput:
    node.only("error", "samples", "values")
    error, samples, values = node.at("error"), node.at("samples"), node.at("values")
    if not error.absent:
        return MetricInput(error=error.text())
    wrong, right = (samples, "values") if metric.type in _TOTALS else (values, "samples")
    if not wrong.absent:
        wrong.refuse(f"must be absent for a metric of type {metric.type}, which has {right}")
    return MetricInput(
        tuple(_sample(item) for item in samples.items()), tuple(item.quantity() for item in values.items()))


def _sample(node: Node) -> Sample:
    node.only(*_SAMPLE)
    return Sample(
        node.at("pod").text(), node.at("value").quantity(), node.at("timestampSeconds").number(),
        node.at("windowSeconds").number())

"""Turns a recorded run into the scenario of that run. Every parameter is measured; none is tuned until curves agree.

A parameter that the record does not show is refused by name, with what to do about it. An assumption becomes a note.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from elastometer.analysis.autoscaler.pods import pods_at
from elastometer.analysis.capacity.fit import fit_capacity
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.hpa.settings import ControllerSettings
from elastometer.model.capacity import Capacity, Fitted
from elastometer.model.document import document_at, spec_of, whole_at
from elastometer.model.errors import SpecError
from elastometer.model.measurements import Origin
from elastometer.model.milestones import Milestone
from elastometer.promql.series import TestSeries
from elastometer.twin.fit.autoscaler import blind_syncs, fit_hpa, fit_keda, recorded_containers
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.fit.closed_load import closed_part
from elastometer.twin.fit.kv_cache import fit_cache
from elastometer.twin.fit.metrics_path import fit_cpu, fit_path, fit_resource_path
from elastometer.twin.fit.node_capacity import room_notes
from elastometer.twin.fit.recorded_arrivals import recorded_arrivals
from elastometer.twin.fit.recorded_series import recorded_series
from elastometer.twin.fit.scrape_phase import scrape_phases
from elastometer.twin.fit.starts import fit_replica_timings
from elastometer.twin.measured import measured_by, source_words
from elastometer.twin.reading.scaled_object import read_scaled_object
from elastometer.twin.scenario import (
    BALANCING_OF,
    Balancing,
    Controller,
    HpaController,
    MetricsPath,
    RecordedRandomness,
    Scenario,
)
from elastometer.twin.sources import Signal
from elastometer_loadgen.profile.profile import DEFAULT_TIMEOUT_SECONDS, ConnectionPolicy

# How many times as long as in the record a load may last that ends with its last answer.
LONGER = 3.0


@dataclass(slots=True)
class _Found:
    """What the parts of a calibration collect on the way."""

    fitted: list[Fitted]
    notes: list[str]


def calibrate(run: DerivedRun, flags: ControllerSettings | None = None) -> Calibration:
    """The scenario of the recorded run. `flags` are those of the controller, which no API serves. Raises SpecError
    naming what is missing."""
    bundle, evidence, found = run.bundle, run.evidence, _Found([], [])
    arrivals, notes = recorded_arrivals(evidence)
    found.notes += notes
    capacity, about = fit_capacity(run)
    found.fitted += about
    timings, about, notes = fit_replica_timings(run)
    found.fitted += about
    found.notes += [*notes, *room_notes(bundle)]
    series = recorded_series(run)
    controller, hpa = _controller(run, series, flags or ControllerSettings(), found)
    path, about = fit_path(evidence, timings.serves)
    found.fitted += about
    resource_path, measured = None, measured_by(controller)
    if Signal.CPU in measured:
        capacity, resource_path = _with_cpu(evidence, capacity, timings.process, found)
    capacity = _with_cache(evidence, Signal.KV_CACHE in measured, capacity, found)
    start, initial = _beginning(run, hpa)
    load = document_at(spec_of(bundle.spec), "load")
    scenario = _with_users(Scenario(
        arrivals=arrivals, capacity=capacity, cold_starts=timings.cold_starts, path=path, controller=controller,
        initial_replicas=initial, start_seconds=start, horizon_seconds=_horizon(evidence),
        drain_seconds=timings.drain, pending_seconds=timings.pending, grace_seconds=timings.grace,
        timeout_seconds=float(whole_at(load, "timeoutSeconds") or DEFAULT_TIMEOUT_SECONDS),
        balancing=BALANCING_OF.get(evidence.terms.connection or ConnectionPolicy.REUSE, Balancing.UNIFORM),
        connection_seconds=float(whole_at(load, "connection", "maxAgeSeconds") or inf),
        resource_path=resource_path, initial_age_seconds=_age(run, start),
    ), evidence, found)
    if scenario.balancing is Balancing.LEAST_IN_FLIGHT and (evidence.terms.workers or 1) > 1:
        found.notes.append(f"each of {evidence.terms.workers} load workers sent its requests to the Pod with the "
                           "fewest of its own in flight; the model counts those of all workers")
    randomness = _recorded_randomness(run, timings.recorded, scenario)
    return Calibration(scenario, replace(scenario, recorded=randomness), tuple(found.fitted), tuple(found.notes))


def _recorded_randomness(
    run: DerivedRun, cold_starts: tuple[float, ...], scenario: Scenario,
) -> RecordedRandomness:
    """The run's own random draw: where each request went, when each replica was scraped, the order of the uids."""
    evidence, pods = run.evidence, [start.pod for start in run.starts]
    order, ids = {pod.name: number for number, pod in enumerate(pods)}, sorted(pod.uid for pod in pods)
    names = [pod.name for pod in pods]
    capacity, is_closed = scenario.capacity, scenario.closed is not None
    choices = [order.get(record.pod or "", -1) for record in evidence.requests]
    by_id = {record.id: choice for record, choice in zip(evidence.requests, choices, strict=True)}
    return RecordedRandomness(
        choices=() if is_closed else tuple(choices), choice_of=by_id if is_closed else {},
        phases=scrape_phases(evidence, names, capacity.prefill_seconds + capacity.refill_seconds),
        ids=tuple(ids.index(pod.uid) / len(ids) for pod in pods), starts=cold_starts,
    )


def _with_users(scenario: Scenario, evidence: Evidence, found: _Found) -> Scenario:
    """The scenario in which requests that depend on answers do. Where the record does not show how they do, a note says
    that they are replayed."""
    part = closed_part(evidence, scenario.arrivals)
    if part is None or isinstance(part, str):
        found.notes += [] if part is None else [part]
        return scenario
    found.fitted += part.fitted
    found.notes += part.notes
    closed = replace(scenario, arrivals=part.arrivals, closed=part.load)
    if not part.load.is_open_ended:
        return closed
    # Answers end the load: it may last longer than in the record, and the run goes on after it for as long as there.
    tail = scenario.horizon_seconds - evidence.seconds(evidence.load_end)
    return replace(closed, horizon_seconds=LONGER * scenario.horizon_seconds, tail_seconds=tail)


def _controller(
    run: DerivedRun, series: TestSeries, flags: ControllerSettings, found: _Found,
) -> tuple[Controller, HpaController]:
    evidence, provenance = run.evidence, run.bundle.provenance
    served, scaled_object = document_at(provenance, "autoscaler"), document_at(provenance, "scaledObject")
    hpa, about, notes = fit_hpa(evidence, served, series, flags, has_triggers=bool(scaled_object))
    found.fitted += about
    found.notes += notes
    blind = blind_syncs(evidence)
    if blind:
        found.notes.append(f"the autoscaler could not read its metric at {blind} or more syncs; the simulator's "
                           "metrics have no outages")
    if not scaled_object:
        found.fitted.append(_signals(hpa))
        return hpa, hpa
    read = read_scaled_object(document_at(scaled_object, "spec"), series, is_recorded=True)
    found.notes += read.notes
    keda, about = fit_keda(hpa, scaled_object, read, evidence)
    found.fitted += [_signals(keda), *about]
    found.notes.append("the record does not show when KEDA polls: its polls are assumed to begin at the load's start")
    return keda, hpa


def _signals(controller: Controller) -> Fitted:
    return Fitted("signals", ", ".join(source_words(controller)), "", "names of the metrics, or queries")


def _with_cpu(
    evidence: Evidence, capacity: Capacity, process: float | None, found: _Found,
) -> tuple[Capacity, MetricsPath]:
    path, about = fit_resource_path(evidence, process)
    per_token, idle, also = fit_cpu(evidence)
    found.fitted += [*about, *also]
    pods = pods_at(evidence, evidence.last_seen or evidence.origin, evidence.seconds)
    pods = pods or pods_at(evidence, evidence.origin, evidence.seconds)
    requests = dict(pods[0].requests) if pods else {}
    return replace(capacity, cpu_seconds_per_token=per_token, cpu_idle=idle, requests=requests,
                   container_requests=recorded_containers(evidence)), path


def _with_cache(evidence: Evidence, is_needed: bool, capacity: Capacity, found: _Found) -> Capacity:
    """Every run scrapes the KV cache: if its size can be fitted, a variation may scale on it."""
    try:
        size, about = fit_cache(evidence)
    except SpecError:
        if is_needed:
            raise
        return capacity
    found.fitted.append(about)
    return replace(capacity, kv_tokens=size)


def _beginning(run: DerivedRun, hpa: HpaController) -> tuple[float, int]:
    """(start of the twin, initial replicas). The twin starts at the last sync before the load at which all ordered
    replicas were Ready, since it cannot start with a cold start half done; otherwise at the load's start."""
    before = hpa.phase_seconds if hpa.phase_seconds <= 0 else 0.0
    ordered, ready = run.replicas.ordered, run.replicas.ready
    while before < 0 and ordered.value_at(before) != ready.value_at(before):
        before += hpa.spec.controller.sync_period_seconds
    start = min(0.0, before)
    size = ordered.value_at(start)
    if size is None:
        raise SpecError("observations: must show the Deployment's replicas from the start of the load on, but do not")
    return start, int(size)


def _age(run: DerivedRun, start: float) -> float:
    """How long the first replicas had been Ready when the twin starts; their rank at a scale-in depends on it."""
    ready = [start.used[Milestone.READY].instant for start in run.starts
             if start.origin == Origin.INITIAL and Milestone.READY in start.used]
    return max(0.0, start - run.evidence.seconds(min(ready))) if ready else 0.0


def _horizon(evidence: Evidence) -> float:
    """The end of the record."""
    if evidence.last_seen is None:
        raise SpecError("observations: must not be empty; there are none")
    return evidence.seconds(evidence.last_seen)

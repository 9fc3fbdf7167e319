"""The autoscaler of a recorded run: its spec as served, and when it synced."""
from __future__ import annotations

from dataclasses import replace
from math import inf

from elastometer.analysis.autoscaler.pods import pods_at
from elastometer.analysis.autoscaler.syncs import syncs_of
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.settings import ControllerSettings
from elastometer.model.capacity import Fitted
from elastometer.model.document import Document, document_at, documents_at, instant_at
from elastometer.model.errors import SpecError
from elastometer.model.units import SECOND
from elastometer.promql.series import TestSeries
from elastometer.twin.reading.hpa_metrics import Containers, hpa_sources
from elastometer.twin.reading.scaled_object import ReadScaledObject, keda_loop
from elastometer.twin.scenario import HpaController, KedaController


def fit_hpa(
    evidence: Evidence, served: Document, series: TestSeries, controller: ControllerSettings, *, has_triggers: bool,
) -> tuple[HpaController, list[Fitted], tuple[str, ...]]:
    """The HPA, which syncs when the recorded one did. With `has_triggers`, KEDA created it and serves its External
    metrics. Raises SpecError if it was not recorded or has no model."""
    if not served:
        raise SpecError("provenance.autoscaler: must hold the HorizontalPodAutoscaler as served, is absent; only a run "
                        "with an autoscaler can be varied")
    spec = parse_hpa(served, controller)
    read = hpa_sources(document_at(served, "spec"), spec.metrics, series, recorded_containers(evidence),
                       has_triggers=has_triggers)
    syncs = syncs_of(evidence, round(controller.sync_period_seconds * SECOND)).syncs
    times, writes = [sync.at for sync in syncs], sum(sync.write is not None for sync in syncs)
    if len(times) < 2:
        raise SpecError("observations: must show at least 2 syncs of the autoscaler (writes of its status), "
                        f"show {len(times)}")
    # The mean and not the flag: each sync begins one period after the end of the one before it, so the real period is
    # longer than the flag says.
    period = (times[-1] - times[0]) / SECOND / (len(times) - 1)
    drift = max(abs((at - times[0]) / SECOND - number * period) for number, at in enumerate(times))
    spec = replace(spec, controller=replace(controller, sync_period_seconds=period))
    instants = tuple((at - evidence.origin) / SECOND for at in times)
    return HpaController(spec, read.sources, instants[0], instants), [
        Fitted("sync period", period, "s", f"writes of the autoscaler's status; {len(times)} syncs including inferred "
               f"ones (within {drift:.2f} s of it)", None, writes),
        Fitted("sync phase", instants[0] % period, "s", "writes of the autoscaler's status", None, writes),
    ], read.notes


def recorded_containers(evidence: Evidence) -> Containers | None:
    """The containers of the recorded Pods with what they request; None if no Pod was recorded."""
    pods = pods_at(evidence, evidence.last_seen or evidence.origin, evidence.seconds) or pods_at(
        evidence, evidence.origin, evidence.seconds)
    return pods[0].container_requests if pods else None


def blind_syncs(evidence: Evidence) -> int:
    """How many writes of the autoscaler's status say that no metric could be read, after one could be read."""
    active = [next((condition.get("status") for condition in documents_at(seen.object, "status", "conditions")
                    if condition.get("type") == "ScalingActive"), None) for seen in evidence.autoscalers]
    seen = active.index("True") if "True" in active else len(active)
    return active[seen:].count("False")


def fit_keda(
    hpa: HpaController, scaled_object: Document, read: ReadScaledObject, evidence: Evidence,
) -> tuple[KedaController, list[Fitted]]:
    """KEDA's loop around its HPA, as the ScaledObject states it, on the clock of the record."""
    created = instant_at(scaled_object, "metadata", "creationTimestamp")
    keda = replace(
        keda_loop(hpa, document_at(scaled_object, "spec"), read), second_share=evidence.origin % SECOND / SECOND,
        created_seconds=-inf if created is None else evidence.seconds(created))
    source = "the ScaledObject as served"
    return keda, [Fitted("polling", keda.polling_seconds, "s", source),
                  Fitted("cooldown", keda.cooldown_seconds, "s", source)]

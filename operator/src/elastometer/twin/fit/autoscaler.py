"""The autoscaler of a recorded run: its spec as served, and when it synced."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.autoscaler.syncs import syncs_of
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.settings import ControllerSettings
from elastometer.model.document import Document, document_at, documents_at, number_at, text_at, whole_at
from elastometer.model.errors import SpecError
from elastometer.model.units import SECOND
from elastometer.twin.fit.calibration import Fitted
from elastometer.twin.scenario import HpaController, KedaController
from elastometer.twin.signals import signals_of, triggers_of

# KEDA's defaults for a ScaledObject that does not state them.
POLLING_SECONDS = 30.0
COOLDOWN_SECONDS = 300.0


def fit_hpa(
    evidence: Evidence, served: Document, scaled_object: Document, controller: ControllerSettings,
) -> tuple[HpaController, list[Fitted]]:
    """The HPA, which syncs when the recorded one did. Raises SpecError if it was not recorded or has no model."""
    if not served:
        raise SpecError("provenance.autoscaler: must hold the HorizontalPodAutoscaler as served, is absent; only a run "
                        "with an autoscaler can be varied")
    spec = parse_hpa(served, controller)
    signals = signals_of(spec.metrics, triggers_of(scaled_object))
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
    return HpaController(spec, signals, instants[0], instants), [
        Fitted("sync period", period, "s", f"writes of the autoscaler's status; {len(times)} syncs including inferred "
               f"ones (within {drift:.2f} s of it)", None, writes),
        Fitted("sync phase", instants[0] % period, "s", "writes of the autoscaler's status", None, writes),
        Fitted("signals", ", ".join(signals), "", "names of the metrics, or texts of the queries"),
    ]


def blind_syncs(evidence: Evidence) -> int:
    """How many writes of the autoscaler's status say that no metric could be read, after one could be read."""
    active = [next((condition.get("status") for condition in documents_at(seen.object, "status", "conditions")
                    if condition.get("type") == "ScalingActive"), None) for seen in evidence.autoscalers]
    seen = active.index("True") if "True" in active else len(active)
    return active[seen:].count("False")


def fit_keda(hpa: HpaController, scaled_object: Document) -> tuple[KedaController, list[Fitted]]:
    """KEDA's loop around its HPA, as the ScaledObject states it."""
    keda = keda_loop(hpa, document_at(scaled_object, "spec"))
    source = "the ScaledObject as served"
    return keda, [Fitted("polling", keda.polling_seconds, "s", source),
                  Fitted("cooldown", keda.cooldown_seconds, "s", source)]


def keda_loop(hpa: HpaController, spec: Document) -> KedaController:
    """KEDA's own loop around the HPA, as the spec of a ScaledObject states it."""
    polling, cooldown = number_at(spec, "pollingInterval"), number_at(spec, "cooldownPeriod")
    # The first trigger with a query stands for all: the twin has no model of others.
    asked = next((trigger for trigger in documents_at(spec, "triggers") if text_at(trigger, "metadata", "query")), None)
    return KedaController(
        hpa, polling_seconds=polling or POLLING_SECONDS,
        cooldown_seconds=COOLDOWN_SECONDS if cooldown is None else cooldown,
        minimum=whole_at(spec, "minReplicaCount") or 0, activation=_activation(asked),
        idle_replicas=whole_at(spec, "idleReplicaCount"),
        null_is_zero=(text_at(asked, "metadata", "ignoreNullValues") or "true") != "false",
    )


def _activation(trigger: Document | None) -> float:
    text = text_at(trigger, "metadata", "activationThreshold") or "0"
    try:
        return float(text)
    except ValueError as error:
        raise SpecError(f"triggers[].metadata.activationThreshold: must be a number as text, is {text!r}") from error

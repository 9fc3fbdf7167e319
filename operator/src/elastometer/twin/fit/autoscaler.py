"""The autoscaler of a recorded run: its spec as served, and when it looked."""
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

# KEDA's own, where a ScaledObject does not say.
POLLING_SECONDS = 30.0
COOLDOWN_SECONDS = 300.0


def fit_hpa(
    evidence: Evidence, served: Document, scaled_object: Document, controller: ControllerSettings,
) -> tuple[HpaController, list[Fitted]]:
    """The HPA, looking when the recorded one did. Raises SpecError where it was not recorded or has no model."""
    if not served:
        raise SpecError("provenance.autoscaler: must hold the HorizontalPodAutoscaler as served, is not there; only a "
                        "run with an autoscaler can be varied")
    spec = parse_hpa(served, controller)
    signals = signals_of(spec.metrics, triggers_of(scaled_object))
    syncs = syncs_of(evidence, round(controller.sync_period_seconds * SECOND)).looks
    looks, writes = [one.at for one in syncs], sum(one.write is not None for one in syncs)
    if len(looks) < 2:
        raise SpecError("observations: must show when the autoscaler looked (writes of its status), "
                        f"show {len(looks)} looks")
    period = (looks[-1] - looks[0]) / SECOND / (len(looks) - 1)
    drift = max(abs((at - looks[0]) / SECOND - number * period) for number, at in enumerate(looks))
    spec = replace(spec, controller=replace(controller, sync_period_seconds=period))
    instants = tuple((one - evidence.origin) / SECOND for one in looks)
    return HpaController(spec, signals, instants[0], instants), [
        Fitted("sync period", period, "s", f"writes of the autoscaler's status; {len(looks)} looks with those between "
               f"(within {drift:.2f} s of it)", None, writes),
        Fitted("sync phase", instants[0] % period, "s", "writes of the autoscaler's status", None, writes),
        Fitted("signals", ", ".join(signals), "", "names of the metrics, or texts of the queries"),
    ]


def blind_looks(evidence: Evidence) -> int:
    """Writes of the autoscaler's status that say that no metric could be read, once one could."""
    active = [next((one.get("status") for one in documents_at(seen.object, "status", "conditions")
                    if one.get("type") == "ScalingActive"), None) for seen in evidence.autoscalers]
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
    asked = next((one for one in documents_at(spec, "triggers") if text_at(one, "metadata", "query")), None)
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

"""What the autoscaler says of itself: whether the load may begin, and the condition MetricsAvailable. Pure.

An autoscaler that keeps no replica at rest is ready when it works and there are none: the HPA then says that scaling is
disabled, which is no fault, and KEDA says whether its triggers work.
"""

from __future__ import annotations

from elastometer.model import reasons
from elastometer.model.document import at, number_at
from elastometer.model.snapshot import Snapshot
from elastometer.model.spec import ScalerType
from elastometer.model.status import METRICS_AVAILABLE, Condition
from elastometer.plan import TestPlan
from elastometer.promql.at_zero import reads_only_servers

# The HPA's own words, in the reason of ScalingActive=False.
DISABLED = "ScalingDisabled"
AMBIGUOUS = "AmbiguousSelector"
# The HPA's default window for scale-in: so long may it take to remove the replica that the target starts with.
SCALE_IN_WINDOW_SECONDS = 300.0


def rests_at_zero(plan: TestPlan) -> bool:
    """Whether the autoscaler keeps no replica at rest."""
    return plan.spec.scaler.type is not ScalerType.NONE and plan.resting_replicas == 0


def is_at_zero(plan: TestPlan, seen: Snapshot) -> bool:
    """Whether no replica is wanted, as it is at rest."""
    return rests_at_zero(plan) and seen.replicas == 0


def reads_metric(seen: Snapshot) -> bool:
    """Whether the HorizontalPodAutoscaler says that it can read its metric."""
    return seen.scaler is not None and seen.scaler.active is True


def may_begin(plan: TestPlan, seen: Snapshot, waited: float) -> bool:
    """Whether the autoscaler works. One that rests at zero is given the time to get there, and then taken as it is;
    `waited` counts from its creation, in seconds."""
    reads = reads_metric(seen)
    if seen.scaled_object is not None and seen.scaled_object.paused:
        return False
    if is_at_zero(plan, seen):
        keda = seen.scaled_object
        works = reads if keda is None else keda.ready is True and keda.active is False
        return works and not seen.pods
    if rests_at_zero(plan) and plan.spec.scaler.type is ScalerType.HPA:
        return reads and waited > rest_seconds(plan)
    return reads


def rest_seconds(plan: TestPlan) -> float:
    """The longest that an HPA may take to remove the first replica: until it reads its metric, and its window."""
    window = number_at(plan.spec.scaler.body, "behavior", "scaleDown", "stabilizationWindowSeconds")
    return plan.spec.measurement.metrics_deadline_seconds + (SCALE_IN_WINDOW_SECONDS if window is None else window)


def conflict(plan: TestPlan, seen: Snapshot) -> str | None:
    """Who else scales the target; None where nobody does."""
    if seen.rivals:
        others = ", ".join(seen.rivals)
        return (f"the HorizontalPodAutoscaler {others} also scales the Deployment {plan.names.server}, so the run "
                "would measure both autoscalers; delete it, then create the test again")
    if seen.scaler is not None and seen.scaler.reason == AMBIGUOUS:
        return (f"another HorizontalPodAutoscaler also selects the Pods of {plan.names.server}, so neither of them "
                f"scales: {seen.scaler.message}; delete it, or change the selector of its target")
    return None


def fault(plan: TestPlan, seen: Snapshot, deadline: float) -> tuple[str, str]:
    """(reason, message) why the load could not begin within the deadline, in the autoscaler's own words."""
    names, keda, hpa = plan.names, seen.scaled_object, seen.scaler
    if (said := conflict(plan, seen)) is not None:
        return reasons.SCALER_CONFLICT, said
    look = f"see kubectl -n {names.namespace} describe scaledobject {names.server}"
    cannot_read = hpa is not None and hpa.active is False and hpa.reason != DISABLED
    if keda is not None and not cannot_read and (keda.ready is not True or keda.paused or hpa is None):
        return reasons.SCALER_NOT_READY, (
            f"the ScaledObject was not ready within {deadline:g} s ({_of_keda(seen)}); {look}")
    if hpa is not None and hpa.reason == DISABLED and not (keda and keda.active):
        return reasons.SCALER_DISABLED, (
            f"the target had 0 replicas for {deadline:g} s, and the autoscaler scales from 0 only what it scaled to 0 "
            f"itself ({said_by(seen)}); do not set replicas by hand")
    advice = look if keda is not None else (
        "check the metric's name and labels, and that its adapter serves it: kubectl get --raw "
        "/apis/custom.metrics.k8s.io/v1beta2 (or external.metrics.k8s.io/v1beta1)")
    return reasons.METRICS_MISSING, (
        f"the autoscaler did not read a value of its metric within {deadline:g} s ({said_by(seen)}); {advice}")


def said_by(seen: Snapshot) -> str:
    """The newest words of the autoscaler."""
    if seen.scaler is not None and seen.scaler.reason:
        return f"{seen.scaler.reason}: {seen.scaler.message}"
    return "it has reported nothing" if seen.scaled_object is None else _of_keda(seen)


def _of_keda(seen: Snapshot) -> str:
    keda, missing = seen.scaled_object, "" if seen.scaler is not None else "; it has no HorizontalPodAutoscaler yet"
    if keda is not None and keda.paused:
        return "the ScaledObject is paused by an annotation" + missing
    words = "KEDA has reported nothing" if keda is None or not keda.reason else f"{keda.reason}: {keda.message}"
    return words + missing


def metrics_condition(plan: TestPlan, seen: Snapshot) -> Condition:
    """What the autoscaler itself says about its metric now."""
    if (said := conflict(plan, seen)) is not None:
        return Condition(METRICS_AVAILABLE, "False", reasons.SCALER_CONFLICT, said)
    if plan.spec.scaler.type is ScalerType.NONE:
        return Condition(METRICS_AVAILABLE, "True", reasons.NO_AUTOSCALER, "the test has no autoscaler")
    if seen.scaled_object is not None and seen.scaled_object.paused:
        return Condition(METRICS_AVAILABLE, "False", reasons.SCALER_NOT_READY, _of_keda(seen))
    if is_at_zero(plan, seen) and seen.scaled_object is not None:
        return _at_zero(plan, seen)
    if seen.scaler is None or seen.scaler.active is None:
        said = "the autoscaler has not reported yet whether it can read its metric"
        return Condition(METRICS_AVAILABLE, "Unknown", reasons.METRICS_AWAITED, said)
    if seen.scaler.active:
        return Condition(METRICS_AVAILABLE, "True", reasons.METRICS_SEEN, seen.scaler.message)
    if seen.scaler.reason == DISABLED and seen.replicas:
        said = "the HorizontalPodAutoscaler has not synced since the target was woken"
        return Condition(METRICS_AVAILABLE, "Unknown", reasons.METRICS_AWAITED, said)
    reason = reasons.SCALER_DISABLED if seen.scaler.reason == DISABLED else reasons.METRICS_MISSING
    return Condition(METRICS_AVAILABLE, "False", reason, f"{seen.scaler.reason}: {seen.scaler.message}")


def _at_zero(plan: TestPlan, seen: Snapshot) -> Condition:
    """At zero replicas only KEDA looks at the triggers."""
    keda = seen.scaled_object
    if keda is None or keda.ready is not True:
        return Condition(METRICS_AVAILABLE, "False", reasons.SCALER_NOT_READY, _of_keda(seen))
    if keda.active:
        said = "KEDA says that a trigger is active, and is about to wake the target"
        return Condition(METRICS_AVAILABLE, "True", reasons.METRICS_SEEN, said)
    if reads_only_servers(at(plan.spec.raw, "autoscaler", "scaledObject")):
        said = ("no trigger is active, and every trigger reads only metrics of vLLM, which the target does not export "
                "without a replica, so the load cannot wake it. Add a trigger on a metric that exists at 0 replicas, "
                "such as a gateway's queue or the load generator's elastometer_load_sent_total")
        return Condition(METRICS_AVAILABLE, "Unknown", reasons.WAKE_DOUBTFUL, said)
    said = "KEDA polls the triggers, and none is active: the target has no replica, and the load has to wake it"
    return Condition(METRICS_AVAILABLE, "True", reasons.AT_REST, said)

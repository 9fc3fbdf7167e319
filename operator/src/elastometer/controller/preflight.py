"""What is checked before anything is created. Each flaw ends the run with a condition, a reason and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elastometer.model import reasons
from elastometer.model.autoscalers import NAME_PATH
from elastometer.model.document import document_at
from elastometer.model.errors import WorldError
from elastometer.model.shapes import Part, unknown_of
from elastometer.model.snapshot import PreflightFact
from elastometer.model.spec import ScalerType
from elastometer.model.status import ACCEPTED, METRICS_AVAILABLE
from elastometer.plan import TestPlan
from elastometer.resources.container_metrics import container_flaws
from elastometer.resources.load import files_map, load_job, profile_map
from elastometer.resources.scaler import autoscaler_name, scaler
from elastometer.resources.target import deployment, service
from elastometer.world.cluster import Cluster, Refused
from elastometer.world.prometheus import Prometheus

Json = dict[str, Any]
Flaw = tuple[str, str, str]
_UNKNOWN_FIELD = "unknown field"
_PARTS = {
    "Deployment": Part.POD_TEMPLATE, "HorizontalPodAutoscaler": Part.HPA, "ScaledObject": Part.SCALED_OBJECT,
}


async def preflight(plan: TestPlan, cluster: Cluster, nodes: Iterable[Mapping[str, Any]]) -> PreflightFact:
    """Capacity, then dry runs, then Prometheus: what is inexpensive and certain comes first."""
    if plan.spec.measurement.check_capacity and (flaw := capacity_flaw(plan, nodes)) is not None:
        return PreflightFact(flaw)
    for manifest, reason in (
        (service(plan), reasons.TARGET_REJECTED),
        (deployment(plan), reasons.TARGET_REJECTED),
        (scaler(plan), reasons.SCALER_REJECTED),
        (profile_map(plan), reasons.LOAD_REJECTED),
        (files_map(plan), reasons.LOAD_REJECTED),
        (load_job(plan), reasons.LOAD_REJECTED),
    ):
        if manifest is not None and (message := await _refusal(plan, cluster, manifest)) is not None:
            return PreflightFact((ACCEPTED, reason, message))
    if flaws := list(container_flaws(plan)):
        return PreflightFact((ACCEPTED, reasons.SCALER_REJECTED, "; ".join(flaws)))
    if (taken := await _taken_name(plan, cluster)) is not None:
        return PreflightFact((ACCEPTED, reasons.SCALER_REJECTED, taken))
    try:
        await Prometheus(plan.prometheus_url).ping()
    except WorldError as error:
        said = f"{error}; set `measurement.prometheusURL`, or the value `prometheus.url` of the chart"
        return PreflightFact((METRICS_AVAILABLE, reasons.PROMETHEUS_UNREACHABLE, said))
    return PreflightFact(None)


def capacity_flaw(plan: TestPlan, nodes: Iterable[Mapping[str, Any]]) -> Flaw | None:
    """A flaw where `maxReplicas` needs more GPUs than the schedulable nodes have, whether or not they are in use."""
    usable = [node for node in nodes if not node.get("spec", {}).get("unschedulable")]
    for key, each in plan.gpus_per_replica.items():
        # What is allocatable, not what is free now: other Pods may leave, but more than this can never run.
        there = sum(int(str(document_at(node, "status", "allocatable").get(key, 0))) for node in usable)
        most = plan.spec.scaler.maximum
        if most * each > there:
            fits = there // each
            more = f"set the autoscaler's maximum to at most {fits}, add nodes" if fits else "add nodes with GPUs"
            return ACCEPTED, reasons.CAPACITY_MISSING, (
                f"{most} replicas need {most * each} {key}, but the schedulable nodes ({len(usable)}) have {there}: "
                f"{more}, or set `measurement.capacityCheck: Skip` where nodes are added on demand"
            )
    return None


async def _taken_name(plan: TestPlan, cluster: Cluster) -> str | None:
    """Why KEDA may not make its HorizontalPodAutoscaler: it would take over one that has the name already."""
    name = autoscaler_name(plan)
    if plan.spec.scaler.type is not ScalerType.KEDA or name is None:
        return None
    if await cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", plan.names.namespace, name) is None:
        return None
    return (f"a HorizontalPodAutoscaler {name} already exists, and KEDA would take it over; delete it, or give another "
            f"name in spec.autoscaler.scaledObject.{NAME_PATH}")


async def _refusal(plan: TestPlan, cluster: Cluster, manifest: Json) -> str | None:
    """Why the API server would not accept a manifest; None when it would. Admission webhooks take part in a dry run."""
    kind = manifest["kind"]
    try:
        await cluster.create(manifest, dry_run=True)
    except Refused as refusal:
        if refusal.status == 404 and kind == "ScaledObject":
            return "this cluster has no ScaledObjects; install KEDA, or use `autoscaler.type: HorizontalPodAutoscaler`"
        # 409 is our own message: the name is taken, and by whom.
        return str(refusal) if refusal.status == 409 else (
            f"the API server refused the {kind} in a dry run: {refusal}{in_the_test(plan, kind, str(refusal))}")
    return None


def in_the_test(plan: TestPlan, kind: str, refusal: str) -> str:
    """Where the fields that the API server does not know are in the test, as far as this version does not know them
    either, with what may have been meant. The API server alone decides: it may be newer."""
    part = _PARTS.get(kind)
    if part is None or _UNKNOWN_FIELD not in refusal:
        return ""
    return "".join(f"; {flaw}" for flaw in unknown_of(part, {"spec": plan.spec.raw}))

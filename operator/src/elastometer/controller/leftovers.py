"""Children that still exist: those of an earlier test of the same name, and those that cleaning up deletes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elastometer.model.names import KIND, TEST_LABEL, Names
from elastometer.plan import TestPlan
from elastometer.resources.load import files_map, load_job, profile_map, token_secret
from elastometer.resources.scaler import autoscaler_name, scaler
from elastometer.resources.target import deployment, service
from elastometer.world.cluster import Cluster, owners

Json = dict[str, Any]


def removable(plan: TestPlan) -> list[Json]:
    """The children that cleaning up deletes, first to last. The autoscaler goes before its target: without a target it
    would report errors. The report and the token stay, since the bundle is fetched with them."""
    autoscaler, files = scaler(plan), files_map(plan)
    return [
        load_job(plan),
        *([autoscaler] if autoscaler else []),
        deployment(plan),
        service(plan),
        profile_map(plan),
        *([files] if files else []),
    ]


async def own_leftovers(cluster: Cluster, plan: TestPlan) -> list[Json]:
    """What cleaning up still has to delete, as served. Never an object of others that has the name of a child."""
    found = [await _served(cluster, plan, child) for child in removable(plan)]
    return [item for item in found if item is not None and plan.names.uid in owners(item)]


async def leftovers_of_earlier_test(cluster: Cluster, plan: TestPlan) -> list[str]:
    """`Kind/name` of everything that must be gone first. Nothing may be adopted: the garbage collector deletes it soon.

    A Pod with the test's label counts whatever its owner is, because the new Service would send requests to it.
    """
    names = plan.names
    left = [f"Pod/{pod['metadata']['name']}" for pod in await cluster.pods(names.namespace, TEST_LABEL, names.test)]
    report: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": names.report}}
    for child in (token_secret(plan, ""), report, *removable(plan)):
        item = await _served(cluster, plan, child)
        if item is not None and belongs_to_earlier_test(item, names):
            left.append(f"{child['kind']}/{child['metadata']['name']}")
    # KEDA's belongs to the ScaledObject, and is deleted after it.
    kind, hpa = "HorizontalPodAutoscaler", autoscaler_name(plan)
    item = None if hpa is None else await cluster.get("autoscaling/v2", kind, names.namespace, hpa)
    if item is not None and any(ref["name"] == names.server for ref in item["metadata"].get("ownerReferences") or ()):
        left.append(f"{kind}/{hpa}")
    return sorted(left)


def belongs_to_earlier_test(item: Mapping[str, Any], names: Names) -> bool:
    """Whether an object belongs to another test of the same name, which was deleted or is being deleted."""
    owner = next((ref for ref in item["metadata"].get("ownerReferences") or () if ref["kind"] == KIND), None)
    return owner is not None and owner["name"] == names.test and owner["uid"] != names.uid


async def _served(cluster: Cluster, plan: TestPlan, child: Json) -> Json | None:
    return await cluster.get(child["apiVersion"], child["kind"], plan.names.namespace, child["metadata"]["name"])

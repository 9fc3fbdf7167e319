"""What an earlier test of the same name left behind and the garbage collector has not deleted yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elastometer.model.names import KIND, TEST_LABEL, Names
from elastometer.world.cluster import Cluster

Json = dict[str, Any]


async def leftovers_of_earlier_test(cluster: Cluster, names: Names, children: Iterable[Json]) -> list[str]:
    """`Kind/name` of everything that must be gone first. Nothing may be adopted: the garbage collector deletes it soon.

    A Pod with the test's label counts whatever its owner is, because the new Service would send requests to it.
    """
    left = [f"Pod/{pod['metadata']['name']}" for pod in await cluster.pods(names.namespace, TEST_LABEL, names.test)]
    for child in children:
        name = child["metadata"]["name"]
        there = await cluster.get(child["apiVersion"], child["kind"], names.namespace, name)
        if there is not None and belongs_to_earlier_test(there, names):
            left.append(f"{child['kind']}/{name}")
    return sorted(left)


def belongs_to_earlier_test(item: Mapping[str, Any], names: Names) -> bool:
    """Whether an object belongs to another test of the same name, which was deleted or is being deleted."""
    owner = next((ref for ref in item["metadata"].get("ownerReferences") or () if ref["kind"] == KIND), None)
    return owner is not None and owner["name"] == names.test and owner["uid"] != names.uid

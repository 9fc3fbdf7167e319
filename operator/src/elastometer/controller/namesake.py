"""What an earlier test of the same name left behind, while the garbage collector has not come to it yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elastometer.model.names import KIND, TEST_LABEL, Names
from elastometer.world.cluster import Cluster

Json = dict[str, Any]


async def remains(cluster: Cluster, names: Names, children: Iterable[Json]) -> list[str]:
    """`Kind/name` of everything that still has to go: nothing of it may be adopted, it would vanish later.

    A pod with the test's label counts whoever made it: the new Service would send requests to it.
    """
    left = [f"Pod/{pod['metadata']['name']}" for pod in await cluster.pods(names.namespace, TEST_LABEL, names.test)]
    for child in children:
        name = child["metadata"]["name"]
        there = await cluster.get(child["apiVersion"], child["kind"], names.namespace, name)
        if there is not None and is_of_namesake(there, names):
            left.append(f"{child['kind']}/{name}")
    return sorted(left)


def is_of_namesake(item: Mapping[str, Any], names: Names) -> bool:
    """Whether an object belongs to another test of the same name, which is gone or going."""
    owner = next((one for one in item["metadata"].get("ownerReferences") or () if one["kind"] == KIND), None)
    return owner is not None and owner["name"] == names.test and owner["uid"] != names.uid

"""For how many replicas the nodes of a recorded run had GPUs. The twin itself does not model nodes."""
from __future__ import annotations

from elastometer.model.bundle import Bundle
from elastometer.model.document import Document, at, document_at, documents_at


def room_notes(bundle: Bundle) -> list[str]:
    """One sentence if replicas use GPUs, otherwise nothing."""
    room = gpu_room(bundle)
    if room is None:
        return []
    return [f"the nodes had GPUs for {room} replicas when the run began; further replicas are assumed to get a GPU "
            "within the cold starts that were observed"]


def gpu_room(bundle: Bundle) -> int | None:
    """How many replicas fit on the nodes by their GPUs; None if replicas use none, or the nodes were not recorded."""
    nodes, held = documents_at(bundle.provenance, "nodes"), document_at(bundle.plan, "gpusPerReplica")
    rooms = [sum(_allocatable(node, resource) // count for node in nodes)
             for resource, count in held.items() if isinstance(count, int) and count > 0]
    return min(rooms) if rooms and nodes else None


def _allocatable(node: Document, resource: str) -> int:
    text = str(at(node, "allocatable", resource) or 0)
    return int(text) if text.isdigit() else 0

"""How many replicas the nodes of a recorded run had GPUs for. The twin itself knows of no nodes."""
from __future__ import annotations

from elastometer.model.bundle import Bundle
from elastometer.model.document import Document, at, document_at, documents_at


def room_notes(bundle: Bundle) -> list[str]:
    """A sentence, where replicas hold GPUs."""
    room = gpu_room(bundle)
    if room is None:
        return []
    return [f"the nodes had GPUs for {room} replicas when the run began; more are taken to find theirs within the cold "
            "starts that were seen"]


def gpu_room(bundle: Bundle) -> int | None:
    """Replicas that fit on the nodes by their GPUs; None where replicas hold none, or the nodes were not recorded."""
    nodes, held = documents_at(bundle.provenance, "nodes"), document_at(bundle.plan, "gpusPerReplica")
    rooms = [sum(_allocatable(node, resource) // count for node in nodes)
             for resource, count in held.items() if isinstance(count, int) and count > 0]
    return min(rooms) if rooms and nodes else None


def _allocatable(node: Document, resource: str) -> int:
    text = str(at(node, "allocatable", resource) or 0)
    return int(text) if text.isdigit() else 0

"""The named instants of a server Pod, from the decision that it is needed to its deletion, in their usual order.

Every source that yields an instant names it by this enum, and the chain of phases (`analysis/starts/waterfall.py`)
is made of it. The values are public: report.json carries them as the names of a Pod's instants.
"""
from __future__ import annotations

from enum import StrEnum


class Milestone(StrEnum):
    """What happened at the instant."""

    DECIDED = "decided"  # spec.replicas of the scale target was raised
    CREATED = "created"  # the Pod object came into being
    SCHEDULED = "scheduled"  # a node was chosen
    SANDBOX = "sandbox"  # the Pod's sandbox and network were ready
    PULLED = "pulled"  # the image was on the node
    STARTED = "started"  # the server's container was started
    PROCESS_STARTED = "processStarted"  # the server's process began, by what it exports itself
    FIRST_LINE = "firstLine"  # the server logged its first line
    CONFIGURED = "configured"  # the engine's configuration was complete
    WEIGHTS_LOADED = "weightsLoaded"
    COMPILED = "compiled"
    PROFILED = "profiled"  # memory was profiled, and the KV cache sized
    GRAPHS_CAPTURED = "graphsCaptured"
    HTTP_UP = "httpUp"  # the server answers HTTP
    READY = "ready"  # the Pod's condition Ready became True
    IN_ENDPOINTS = "inEndpoints"  # an EndpointSlice lists the Pod as ready
    FIRST_SERVED = "firstServed"  # a client received the first token of the Pod's first request
    FIRST_END = "firstEnd"  # the first request that the Pod served was over
    DELETED = "deleted"  # the Pod's deletion was requested; its drain begins


# What ends no phase of a start: one is only compared with another source, the other belongs to a scale-in.
OUTSIDE_CHAIN = frozenset({Milestone.FIRST_END, Milestone.DELETED})

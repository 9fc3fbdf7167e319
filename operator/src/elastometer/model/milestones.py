"""The named instants of a server Pod, from the decision that it is needed to its deletion, in their usual order.

Every source that yields an instant names it by this enum, and the phases of a start lie between neighbours of CHAIN.
The values and the names of the phases are public: report.json carries both.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Link:
    """A milestone of the chain, and the phase that it ends, with the label of that phase. If an `expected` milestone is
    missing, the time around it is unattributed."""

    name: Milestone
    phase: str
    label: str
    expected: bool


# The one table of the phases of a start: a new phase is a new milestone above and its row here.
CHAIN: tuple[Link, ...] = (
    Link(Milestone.DECIDED, "", "", False),
    Link(Milestone.CREATED, "create", "Pod created", True),
    Link(Milestone.SCHEDULED, "schedule", "scheduled", True),
    Link(Milestone.SANDBOX, "sandbox", "sandbox", False),
    Link(Milestone.PULLED, "image", "image", False),
    Link(Milestone.STARTED, "container", "container started", True),
    Link(Milestone.PROCESS_STARTED, "exec", "process start", False),
    Link(Milestone.FIRST_LINE, "process", "imports", True),
    Link(Milestone.CONFIGURED, "config", "configuration", False),
    Link(Milestone.WEIGHTS_LOADED, "weights", "weights", False),
    Link(Milestone.COMPILED, "compile", "compilation", False),
    Link(Milestone.PROFILED, "profile", "memory profile", False),
    Link(Milestone.GRAPHS_CAPTURED, "graphs", "CUDA graphs", False),
    Link(Milestone.HTTP_UP, "http", "HTTP up", True),
    Link(Milestone.READY, "probe", "probe tax", True),
    Link(Milestone.IN_ENDPOINTS, "endpoints", "in EndpointSlice", False),
    Link(Milestone.FIRST_SERVED, "firstToken", "first served token", False),
)
# The name of the phase that each milestone ends.
PHASE_ENDED_BY: Mapping[Milestone, str] = {link.name: link.phase for link in CHAIN if link.phase}

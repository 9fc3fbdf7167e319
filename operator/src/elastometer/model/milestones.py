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
    RESTARTED = "restarted"  # the container that became Ready was started, after others had failed
    PROCESS_STARTED = "processStarted"  # the server's process began, by what it exports itself
    FIRST_LINE = "firstLine"  # the server logged its first line
    ARGUMENTS_PARSED = "argumentsParsed"  # the API server's imports and its command line were done
    MODEL_RESOLVED = "modelResolved"  # the model's configuration was read, and its class inspected
    CONFIGURED = "configured"  # the engine's process was imported and had its configuration
    WORKER_STARTED = "workerStarted"  # the worker's process was imported and had its rank
    DISTRIBUTED = "distributed"  # the groups of the workers were set up
    LOAD_STARTED = "loadStarted"  # the worker began to load the model
    MODEL_BUILT = "modelBuilt"  # the model was built, still without weights
    DOWNLOADED = "downloaded"  # the weights were on the node
    WEIGHTS_LOADED = "weightsLoaded"
    ENGINE_BEGUN = "engineBegun"  # the engine began to profile, to size its cache and to warm up
    COMPILE_STARTED = "compileStarted"
    COMPILED = "compiled"
    PROFILED = "profiled"  # memory was profiled
    CACHE_SIZED = "cacheSized"  # the KV cache had its size
    CAPTURE_STARTED = "captureStarted"
    GRAPHS_CAPTURED = "graphsCaptured"
    ENGINE_READY = "engineReady"  # the engine was warmed up
    ROUTES_READY = "routesReady"  # the API server had its routes and was about to listen
    HTTP_UP = "httpUp"  # the server answers HTTP
    WOKEN = "woken"  # an engine that had been put to sleep was woken
    READY = "ready"  # the Pod's condition Ready became True
    IN_ENDPOINTS = "inEndpoints"  # an EndpointSlice lists the Pod as ready
    FIRST_SERVED = "firstServed"  # a client received the first token of the Pod's first request
    FIRST_END = "firstEnd"  # the first request that the Pod served was over
    DELETED = "deleted"  # the Pod's deletion was requested; its drain begins
    REMOVED = "removed"  # the Pod ceased to exist; its drain ends


# What ends no phase of a start: one is only compared with another source, the others belong to a scale-in.
OUTSIDE_CHAIN = frozenset({Milestone.FIRST_END, Milestone.DELETED, Milestone.REMOVED})


class Part(StrEnum):
    """Whose time a phase is: what the pages group phases by."""

    CLUSTER = "cluster"
    API_SERVER = "API server"
    ENGINE = "engine"
    WORKER = "worker"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class Link:
    """A milestone of the chain, and the phase that it ends, with the label of that phase and the part of the system
    whose time it is. If an `expected` milestone is missing, the time around it is unattributed."""

    name: Milestone
    phase: str
    label: str
    expected: bool
    part: Part


# The one table of the phases of a start: a new phase is a new milestone above and its row here. Two milestones may end
# the same phase: profiling goes on after a compilation, and warming up after the capture of graphs.
CHAIN: tuple[Link, ...] = (
    Link(Milestone.DECIDED, "", "", False, Part.CLUSTER),
    Link(Milestone.CREATED, "create", "Pod created", True, Part.CLUSTER),
    Link(Milestone.SCHEDULED, "schedule", "scheduled", True, Part.CLUSTER),
    Link(Milestone.SANDBOX, "sandbox", "sandbox", False, Part.CLUSTER),
    Link(Milestone.PULLED, "image", "image", False, Part.CLUSTER),
    Link(Milestone.STARTED, "container", "container started", True, Part.CLUSTER),
    Link(Milestone.RESTARTED, "restarts", "failed starts", False, Part.CLUSTER),
    Link(Milestone.PROCESS_STARTED, "exec", "process start", False, Part.CLUSTER),
    Link(Milestone.FIRST_LINE, "process", "first log line", True, Part.API_SERVER),
    Link(Milestone.ARGUMENTS_PARSED, "arguments", "imports, arguments", False, Part.API_SERVER),
    Link(Milestone.MODEL_RESOLVED, "modelConfig", "model configuration", False, Part.API_SERVER),
    Link(Milestone.CONFIGURED, "config", "engine process", True, Part.ENGINE),
    Link(Milestone.WORKER_STARTED, "worker", "worker process", False, Part.WORKER),
    Link(Milestone.DISTRIBUTED, "distributed", "distributed set-up", False, Part.WORKER),
    Link(Milestone.LOAD_STARTED, "runner", "worker set-up", False, Part.WORKER),
    Link(Milestone.MODEL_BUILT, "build", "model built", False, Part.WORKER),
    Link(Milestone.DOWNLOADED, "download", "download", False, Part.WORKER),
    Link(Milestone.WEIGHTS_LOADED, "weights", "weights", True, Part.WORKER),
    Link(Milestone.ENGINE_BEGUN, "model", "model ready", False, Part.WORKER),
    Link(Milestone.COMPILE_STARTED, "profile", "memory profile", False, Part.WORKER),
    Link(Milestone.COMPILED, "compile", "compilation", False, Part.WORKER),
    Link(Milestone.PROFILED, "profile", "memory profile", False, Part.WORKER),
    Link(Milestone.CACHE_SIZED, "profile", "memory profile", False, Part.WORKER),
    Link(Milestone.CAPTURE_STARTED, "warmup", "warm-up", False, Part.WORKER),
    Link(Milestone.GRAPHS_CAPTURED, "graphs", "CUDA graphs", False, Part.WORKER),
    Link(Milestone.ENGINE_READY, "warmup", "warm-up", False, Part.WORKER),
    Link(Milestone.ROUTES_READY, "routes", "API routes", False, Part.API_SERVER),
    Link(Milestone.HTTP_UP, "http", "HTTP up", True, Part.API_SERVER),
    Link(Milestone.WOKEN, "wake", "wake-up from sleep mode", False, Part.ENGINE),
    Link(Milestone.READY, "probe", "probe tax", True, Part.CLUSTER),
    Link(Milestone.IN_ENDPOINTS, "endpoints", "in EndpointSlice", False, Part.CLUSTER),
    Link(Milestone.FIRST_SERVED, "firstToken", "first served token", False, Part.LOAD),
)
# The name of the phase that each milestone ends.
PHASE_ENDED_BY: Mapping[Milestone, str] = {link.name: link.phase for link in CHAIN if link.phase}
# The part of the system whose time each phase is.
PART_OF_PHASE: Mapping[str, Part] = {link.phase: link.part for link in CHAIN if link.phase}

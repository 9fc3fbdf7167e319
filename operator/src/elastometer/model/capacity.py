"""What one replica can do, and how a number about it became known. Times are seconds."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Capacity:
    """One replica: up to `slots` requests run at once, the others wait in its own queue, first come, first served.

    The first token of a request comes `prefill_seconds` + prompt tokens x `prefill_seconds_per_token` after its start.
    If others are running it comes `join_seconds` later: the current step has to end first, and the others' tokens are
    computed together with the prompt. A request from the queue starts when a step ends, so it comes only
    `refill_seconds` later. Every further token takes `decode_seconds` + neighbours x `decode_seconds_per_neighbour`,
    where neighbours are the other requests that were running at the start.

    `kv_tokens` is the size of the KV cache, `cpu_seconds_per_token` the CPU time per output token; None if they were
    not measured. An idle replica uses `cpu_idle` cores. `requests` maps resource names to one Pod's milli-units, and
    leaves out what one of its containers does not request; `container_requests` is the same by container, if known.
    """

    slots: int
    prefill_seconds: float
    prefill_seconds_per_token: float
    decode_seconds: float
    decode_seconds_per_neighbour: float = 0.0
    join_seconds: float = 0.0
    refill_seconds: float = 0.0
    kv_tokens: int | None = None
    cpu_seconds_per_token: float | None = None
    cpu_idle: float = 0.0
    requests: Mapping[str, int] = field(default_factory=dict)
    container_requests: Mapping[str, Mapping[str, int]] | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """One parameter. `source` says in words where it comes from. `error_percent` is the median deviation of the
    observations from the fit and `count` their number; None for a parameter that was stated and not fitted."""

    name: str
    value: float | str
    unit: str
    source: str
    error_percent: float | None = None
    count: int | None = None

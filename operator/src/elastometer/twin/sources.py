"""Where the numbers of an autoscaler's metric come from: a signal of the replicas, a query, a formula, or nowhere."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from elastometer.model.server_metrics import KV_CACHE, OLD_KV_CACHE, RUNNING, WAITING
from elastometer.promql.tree import Node, series_in
from elastometer.twin.formula import Term


class Signal(StrEnum):
    """What a metric of the autoscaler measures on one replica."""

    WAITING = "waiting"  # requests in the replica's queue
    RUNNING = "running"  # requests that run
    IN_FLIGHT = "inFlight"  # both
    KV_CACHE = "kvCache"  # share of the KV cache in use
    CPU = "cpu"  # cores used


METRICS: dict[str, Signal] = {
    WAITING: Signal.WAITING, RUNNING: Signal.RUNNING, KV_CACHE: Signal.KV_CACHE, OLD_KV_CACHE: Signal.KV_CACHE,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that is more than a plain sum of one signal over the replicas."""

    text: str
    node: Node


@dataclass(frozen=True, slots=True)
class Nowhere:
    """The metrics API has no number for this metric, ever; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Formula:
    """KEDA's scaling modifiers: one number made of those of the named triggers. It is active above `activation`. `path`
    is where the text was written."""

    text: str
    term: Term
    activation: float = 0.0
    path: str = "advanced.scalingModifiers.formula"


# A signal stands for its sum over the replicas where the metric is one number for all of them.
Source: TypeAlias = Signal | Asked | Nowhere


@dataclass(frozen=True, slots=True)
class Trigger:
    """One of KEDA's triggers that ask for a number. It is active while the number is above `activation`, in the unit of
    the number. `null_is_zero`: a query without a result counts as 0. `is_cached`: the HPA is given the number of the
    last poll. `name` is what a formula calls it."""

    source: Source
    activation: float = 0.0
    null_is_zero: bool = True
    is_cached: bool = False
    name: str = ""


def signals_in(source: Source) -> Iterator[Signal]:
    """The signals that must be measured for this source."""
    match source:
        case Signal():
            yield source
        case Asked(node=node):
            yield from (METRICS[series.metric] for series in series_in(node))

"""A scale-out as one waterfall: from demand that passed supply to the last added replica at its full speed.

Seconds count from the start of the load. Bars follow each other without a gap and add up to the total in whole
milliseconds, which is as fine as any source of theirs. What was not measured is None, with a reason.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from elastometer.model.autoscaler import CAUSE_LABELS
from elastometer.model.measurements import PHASE_LABELS


class ScaleOutBegin(StrEnum):
    """What a waterfall counts from."""

    DEMAND = "DemandPassedSupply"  # more replicas were needed than were ordered
    SIGNAL = "SignalAsked"  # the autoscaler's own signal asked for more; the demand is not known
    DECISION = "Decided"  # nothing shows when more were needed


class ScaleOutEnd(StrEnum):
    """How far the last added replica was seen."""

    STEADY = "Steady"  # it served 95 % of its later rate of tokens
    FIRST_SERVED = "FirstServed"  # a client had the first token of its first request
    IN_ENDPOINTS = "InEndpoints"
    READY = "Ready"
    UNFINISHED = "Unfinished"  # it was never Ready


# Bars that neither the autoscaler's account nor a start has, in the order in which they may come.
RISE, SIGNAL, POLL, WRITTEN, STEADY = "rise", "signal", "poll", "written", "steady"
# Labels of all bars by their names; those of the autoscaler's account are named by their cause.
BAR_LABELS: Mapping[str, str] = {
    RISE: "load rises", SIGNAL: "signal below its target",
    **{f"lost-{cause.value}": label for cause, label in CAUSE_LABELS.items()},
    POLL: "KEDA's poll", WRITTEN: "written", **PHASE_LABELS, STEADY: "to its steady rate",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A row of the record that a bar was made from: its file, the field `key` that finds it, and the time in that
    field. `text` is what the row shows; report.json has it only by reference."""

    file: str
    kind: str
    name: str
    key: str
    time: str
    text: str = field(default="", metadata={"json": False})


@dataclass(frozen=True, slots=True)
class ScaleOutBar:
    """One part of the time. Only the slowest scale-outs have `evidence`."""

    name: str
    label: str
    start_seconds: float
    milliseconds: int
    plus_minus_milliseconds: float | None
    source: str
    note: str | None = None
    evidence: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Summand:
    """The bars of one name together, beside what the plan allowed for them (None where it allowed nothing). How long a
    planned one took is None if the record does not show it: its time is then within what is unattributed."""

    name: str
    label: str
    planned_milliseconds: int | None
    milliseconds: int | None
    plus_minus_milliseconds: float | None


@dataclass(frozen=True, slots=True)
class ScaleOutWaterfall:
    """One scale-out. The bars follow the Pod that was the last to serve; `pods` are all that it added.

    `rise` is the time in which the load rose before demand passed supply, which no user felt. The total is what a user
    felt: from the beginning to the end that are named.
    """

    scale_event: int
    from_replicas: int
    to_replicas: int
    begin: ScaleOutBegin
    begin_reason: str | None
    end: ScaleOutEnd
    end_reason: str | None
    start_seconds: float
    total_milliseconds: int
    plus_minus_milliseconds: float | None
    pods: tuple[str, ...]
    last_pod: str | None
    rise: ScaleOutBar | None
    bars: tuple[ScaleOutBar, ...]
    summands: tuple[Summand, ...]

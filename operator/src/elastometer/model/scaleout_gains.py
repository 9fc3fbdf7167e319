"""What each scale-out brought: the service just before the decision, and just after the last new Pod had served.

Every interval is at 95 %; seconds count from the start of the load. What was not measured is None, with a reason.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from elastometer.model.estimates import Difference, Rate


class Gain(StrEnum):
    """What a scale-out brought."""

    GAINED = "Gained"  # more was served, or answers came sooner, beyond noise
    NOTHING = "Nothing"  # neither, and the intervals leave no room for a gain that replicas could have brought
    CANNOT_TELL = "CannotTell"


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """One measure in the two windows, in its own unit; `difference` is after minus before, `reason` why there is none.
    """

    before: float | None = None
    after: float | None = None
    difference: Difference | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Errors:
    """Requests that were not served, of those that ended in each window; `difference` in percentage points, `reason`
    why there is none."""

    before: Rate | None = None
    after: Rate | None = None
    difference: Difference | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GainWindow:
    """Part of the run, with the requests that ended in it."""

    start_seconds: float
    end_seconds: float
    request_count: int


@dataclass(frozen=True, slots=True)
class ScaleOutGain:
    """One scale-out, or `events` of them that follow each other without a scale-in, together.

    The window `before` ends with the decision, the one `after` begins when the last new Pod had served its first
    request (or was Ready, where records name no Pods: a note says so).

    `rate` is in served requests per second, latencies in milliseconds of served requests, `cpu_per_replica` in cores of
    a Ready replica. `was_needed` says why more replicas could have helped, and is None where nothing shows that they
    could. `held_again_seconds` is the time from the decision until no objective on requests was missed for a window's
    length; `held_reason` says why there is none. With a `reason` the windows could not be compared at all.
    """

    number: int
    from_replicas: int
    to_replicas: int
    decided_seconds: float
    gain: Gain
    events: int = 1
    before: GainWindow | None = None
    after: GainWindow | None = None
    rate: BeforeAfter = BeforeAfter()
    mean_milliseconds: BeforeAfter = BeforeAfter()
    p95_milliseconds: BeforeAfter = BeforeAfter()
    cpu_per_replica: BeforeAfter = BeforeAfter()
    errors: Errors = Errors()
    was_needed: str | None = None
    held_again_seconds: float | None = None
    held_reason: str | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None

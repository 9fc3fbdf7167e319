"""First and later starts: the starts of a run by what they had to fetch, and the phase that makes the difference."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.start_class import Presence


@dataclass(frozen=True, slots=True)
class Fetched:
    """Whether each ingredient of a start was there when it began."""

    image: Presence = Presence.UNKNOWN
    weights: Presence = Presence.UNKNOWN
    compilation: Presence = Presence.UNKNOWN


@dataclass(frozen=True, slots=True)
class PhaseDifference:
    """The phase that differs most from the fastest kind of start, with its median here and there, in milliseconds."""

    name: str
    label: str
    milliseconds: float
    fastest_milliseconds: float


# Kinds whose medians are closer than this do not differ by what they fetched.
LIKE_MILLISECONDS = 1000.0


@dataclass(frozen=True, slots=True)
class StartKind:
    """Starts that had to fetch the same. `count` of them became Ready, with their time from creation to Ready in
    milliseconds; `never_ready` did not. `has_first` is whether the first start of the run is one of them. The fastest
    kind has no `difference`, nor has one that takes about as long, or whose phases are not known. Without a duration
    there is a `reason`."""

    fetched: Fetched
    count: int
    never_ready: int
    has_first: bool
    median_milliseconds: float | None = None
    least_milliseconds: float | None = None
    most_milliseconds: float | None = None
    difference: PhaseDifference | None = None
    reason: str | None = None

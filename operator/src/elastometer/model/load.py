"""`spec.load` -> Profile: a load that cannot be carried out in a cluster is refused here, by path, rule and value.

The load generator's own parser says what a profile means; what comes on top are the bounds of a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elastometer.model.errors import SpecError
from elastometer_loadgen.profile import ConnectionPolicy, Profile, ProfileError, parse_profile
from elastometer_loadgen.stages import TraceStage

Json = dict[str, Any]
# A run is judged in the operator's memory, at some 2 KB a request: 1 GB, half of what the chart gives it.
MAXIMUM_REQUESTS = 500_000
MAXIMUM_LOAD_SECONDS = 48 * 3600


def parse_load(load: Json, model: str) -> Profile:
    """The profile of a test. Raises SpecError with every flaw found."""
    try:
        profile = parse_profile({**load, "model": model})
    except ProfileError as error:
        raise SpecError(*(f"spec.load.{fault}" for fault in error.faults)) from error
    if flaws := list(_unfit(profile)) or list(_size_flaws(profile)):
        raise SpecError(*flaws)
    return profile


def _unfit(profile: Profile) -> Iterator[str]:
    """Why the load Job cannot carry a profile out."""
    for index, stage in enumerate(profile.stages):
        if isinstance(stage, TraceStage):
            yield (f"spec.load.stages[{index}].type: must not be Trace, which reads a file that is not there in a "
                   "cluster; use elastometer-load run")  # fmt: skip
    if profile.connection.policy is ConnectionPolicy.SPREAD_OVER_PODS:
        yield ("spec.load.connection.policy: must be Reuse, PerRequest or MaxAge, is SpreadOverPods: the load Job is "
               "not told the Pods' addresses; use elastometer-load run --endpoints")  # fmt: skip


def _size_flaws(profile: Profile) -> Iterator[str]:
    if profile.duration_seconds > MAXIMUM_LOAD_SECONDS:
        bound = f", where a request that ends a stage takes {profile.ask_seconds} s" * profile.is_open_ended
        yield (f"spec.load.stages: must last at most {MAXIMUM_LOAD_SECONDS} s together, last "
               f"{'up to ' * profile.is_open_ended}{profile.duration_seconds:g} s{bound}")  # fmt: skip
    expected = float(sum(profile.requests_of(stage) for stage in profile.stages))
    if not 1 <= expected <= MAXIMUM_REQUESTS:
        yield (f"spec.load.stages: must offer between 1 and {MAXIMUM_REQUESTS} requests, maximumRequests of closed "
               f"loops included, offer {expected:.0f}")  # fmt: skip

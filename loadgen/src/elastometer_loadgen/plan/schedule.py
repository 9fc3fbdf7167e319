"""Every arrival of a run, fixed before the run, in seconds from its start; ramps are linear in time.

Each stage knows its own instants (`stages`) and draws its gaps from `random.Random("<seed>/stages/<index>")`, so that
changing one stage does not change the gaps of the others.
Workers take every N-th arrival, so their union is the same for any number of workers.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.stages.stage import stage_seed
from elastometer_loadgen.stages.trace_file import Size, Trace


class Arrival(NamedTuple):
    """One request to be sent: its id in the whole schedule, and its instant in seconds from the start."""

    id: int
    at: float
    stage: str
    size: Size | None = None
    """The lengths of prompt and answer, where the stage and not a task sets them."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """All arrivals of a profile's open-loop stages; `first_ids[i]` is the id of the first arrival of stage i."""

    times: "array[float]"
    first_ids: tuple[int, ...]
    stage_names: tuple[str, ...]
    traces: tuple[Trace | None, ...]

    def __len__(self) -> int:
        return len(self.times)

    def arrival(self, request_id: int) -> Arrival:
        """The arrival with this id."""
        stage = bisect_right(self.first_ids, request_id) - 1
        trace = self.traces[stage]
        size = None if trace is None else trace.size(request_id - self.first_ids[stage])
        return Arrival(request_id, self.times[request_id], self.stage_names[stage], size)

    def share(self, worker: int, workers: int, low: int = 0, high: int | None = None) -> Iterator[Arrival]:
        """What one of `workers` workers sends, in order of time, of the arrivals in [low, high)."""
        first = low + (worker - low) % workers
        last = len(self.times) if high is None else high
        return (self.arrival(request_id) for request_id in range(first, last, workers))

    def bounds(self, first: int, last: int) -> tuple[int, int]:
        """The ids of the first arrival of stage `first` and of the first arrival after stage `last`."""
        ends = (*self.first_ids, len(self.times))
        return ends[first], ends[last + 1]


def compute_schedule(profile: Profile) -> Schedule:
    """The whole schedule of a profile."""
    times = array("d")
    first_ids: list[int] = []
    began = 0
    carried = Fraction(0)
    for index, stage in enumerate(profile.stages):
        first_ids.append(len(times))
        due, carried = stage.instants(stage_seed(profile.seed, index), carried)
        times.extend(began + at for at in due)
        began += stage.duration_seconds
    names = tuple(stage.name for stage in profile.stages)
    return Schedule(times, tuple(first_ids), names, tuple(stage.recorded for stage in profile.stages))

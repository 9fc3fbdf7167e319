"""Before and after the load: how much of a value stayed, and when it was back for good."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import polars as pl

from elastometer.analysis.resources_used.quantities import Defined
from elastometer.analysis.resources_used.samples import Samples
from elastometer.analysis.resources_used.windows import edges_of
from elastometer.model.measurements import Duration
from elastometer.model.resources_used import HARDLY_ROSE, ResourceWindow, WindowKind

# A value is back at idle plus this share of how far it rose, or within the quantity's floor if that is more.
BACK_SHARE = 0.15
_FIGURES = 9


@dataclass(frozen=True, slots=True)
class Line:
    """A value over time, of one Pod or of all together."""

    times: list[float]
    values: list[float]

    def within(self, window: ResourceWindow) -> Line:
        """The part that lies in the window."""
        pairs = [(time, value) for time, value in zip(self.times, self.values, strict=True)
                 if window.start_seconds <= time < window.end_seconds]
        return Line([time for time, _ in pairs], [value for _, value in pairs])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Before and after the load, of one line."""

    idle: float
    after: float
    growth: float
    back_at: float
    returned: Duration


def line_of(frame: pl.DataFrame) -> Line:
    """The known values of a frame of one line."""
    known = frame.filter(pl.col("value").is_not_null())
    return Line(known["seconds"].to_list(), known["value"].to_list())


def compared(
    line: Line, windows: Sequence[ResourceWindow], defined: Defined, samples: Samples,
) -> Comparison | None:
    """None where the line has no value before or after the load."""
    edges = edges_of(windows)
    if edges is None:
        return None
    before, behind = line.within(edges[0]), line.within(edges[1])
    if not before.values or not behind.values:
        return None
    idle, rest = idle_of(before, edges[0], samples), behind.values[-max(1, len(behind.values) // 3):]
    after = fmean(rest)
    spans = ResourceWindow("", WindowKind.STAGE, edges[0].start_seconds, edges[1].end_seconds)
    rise = max(line.within(spans).values) - idle
    back_at = bound_of(idle, rise, defined)
    found = returned(behind, back_at, edges[1], samples) if rise > defined.floor else hardly_rose()
    return Comparison(rounded(idle), rounded(after), rounded(after - idle), rounded(back_at), found)


def idle_of(before: Line, idle: ResourceWindow, samples: Samples) -> float:
    """The mean of the values before the load, of which there is at least one. A sample repeats what was read up to a
    resolution earlier: right after the first Ready it is still that of a server that starts."""
    since = idle.start_seconds + (samples.resolution_seconds if idle.kind is WindowKind.IDLE else 0.0)
    known = zip(before.times, before.values, strict=True)
    return fmean([value for time, value in known if time >= since] or before.values[-1:])


def bound_of(idle: float, rise: float, defined: Defined) -> float:
    """At or below this value it is back."""
    return idle + max(BACK_SHARE * rise, defined.floor)


def hardly_rose() -> Duration:
    """Of a value that did not rise by the least that counts."""
    return Duration(reason=HARDLY_ROSE)


def returned(behind: Line, back_at: float, rest: ResourceWindow, samples: Samples) -> Duration:
    """From the end of the load to the first value at or below the bound after the last one above it. `behind` is what
    lies in the part without load."""
    resolution = 1000 * samples.resolution_seconds
    if not behind.values:
        return Duration(reason="no value was sampled in the time without load")
    above = [index for index, value in enumerate(behind.values) if value > back_at]
    if not above:
        return Duration(0.0, resolution)
    if above[-1] == len(behind.values) - 1:
        watched = 1000 * (behind.times[-1] - rest.start_seconds)
        what = "the record ended" if rest.kind is WindowKind.AFTER else "the load went on"
        return Duration(at_least_milliseconds=round(watched, 1), reason=f"it was not back when {what}")
    return Duration(round(1000 * (behind.times[above[-1] + 1] - rest.start_seconds), 1), resolution)


def lateness(one: Duration) -> float:
    """For the order of times to return: what was not back is the latest."""
    if one.at_least_milliseconds is not None:
        return float("inf")
    return -1.0 if one.milliseconds is None else one.milliseconds


def rounded(value: float) -> float:
    """Without the noise of floating point; a byte of a gibibyte is kept."""
    return float(f"{value:.{_FIGURES}g}")

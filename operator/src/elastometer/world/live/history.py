"""A run in points of 5 s, by the ends of its requests, for the charts of the live page."""
from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import UTC, datetime

from elastometer_loadgen.base.measures import nearest_rank

POINT_SECONDS = 5
MAX_POINTS = 720  # an hour; of a longer run the last one


@dataclass(frozen=True, slots=True)
class Point:
    """The requests that ended within 5 s from `start` on; latencies of those that were served, None without any."""

    start: datetime
    served: int
    lost: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None


@dataclass(slots=True)
class _Open:
    """Four bytes a latency: all of them are kept, since a late record may belong to any point."""

    lost: int = 0
    latencies_ms: array[float] = field(default_factory=lambda: array("f"))
    counted: int = -1
    """How many latencies the percentiles below are of."""
    percentiles_ms: tuple[float | None, float | None] = (None, None)


class History:
    """The points of one run."""

    def __init__(self) -> None:
        self._points: dict[int, _Open] = {}

    def add(self, end: datetime, latency_ms: float | None) -> None:
        """Counts a request that ended at `end`; `latency_ms` is None for one that was lost."""
        index = int(end.timestamp()) // POINT_SECONDS
        point = self._points.get(index)
        if point is None:
            point = self._points[index] = _Open()
            while len(self._points) > MAX_POINTS:
                del self._points[min(self._points)]
        if latency_ms is None:
            point.lost += 1
        else:
            point.latencies_ms.append(latency_ms)

    def points(self) -> tuple[Point, ...]:
        """All points in their order; one in which no request ended is left out."""
        return tuple(_closed(index, point) for index, point in sorted(self._points.copy().items(), key=_place))


def _place(item: tuple[int, _Open]) -> int:
    return item[0]


def _closed(index: int, point: _Open) -> Point:
    served = len(point.latencies_ms)
    # Sorted again only where something has been added: a page asks every two seconds for hundreds of points.
    if point.counted != served:
        ordered = sorted(point.latencies_ms[:served])
        point.percentiles_ms = nearest_rank(ordered, 50), nearest_rank(ordered, 95)
        point.counted = served
    start = datetime.fromtimestamp(index * POINT_SECONDS, UTC)
    return Point(start, served, point.lost, *point.percentiles_ms)

"""The live view of a run as JSON. Pure."""
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from elastometer.model.times import format_instant
from elastometer.world.live.history import POINT_SECONDS, Point
from elastometer.world.live.tally import Live, Loss

Json = dict[str, Any]


def to_document(live: Live, progress: Mapping[str, Any] | None, now: datetime) -> Json:
    """As a watcher is answered. `progress` is that of the test's status: the stage, its users, the replicas."""
    recent = live.recent
    return {
        "time": format_instant(now),
        "sent": live.sent, "succeeded": live.succeeded, "failed": live.failed,
        "timeToFirstTokenP50Milliseconds": live.ttft_p50_ms, "offeredRequestsPerSecond": live.offered_per_second,
        "servedRequestsPerSecond": recent.served_per_second, "latencyP50Milliseconds": recent.latency_p50_ms,
        "latencyP95Milliseconds": recent.latency_p95_ms, "lost": losses_of(live.losses),
        "lastIntendedTime": format_instant(live.last_intended) if live.last_intended else None,
        "startTime": format_instant(live.start_time) if live.start_time else None,
        "workersSeen": live.workers_seen, "workersFinished": live.workers_finished,
        "progress": None if progress is None else dict(progress),
        "history": {"secondsPerPoint": POINT_SECONDS, "points": [_point(point) for point in live.history]},
    }


def losses_of(losses: tuple[Loss, ...]) -> list[Json]:
    """One object for each way in which requests were lost. Without `statusCode` no answer began."""
    return [{"outcome": loss.outcome, "count": loss.count} | ({} if loss.status is None else
             {"statusCode": loss.status}) for loss in losses]


def _point(point: Point) -> Json:
    return {"time": format_instant(point.start), "served": point.served, "lost": point.lost,
            "latencyP50Milliseconds": point.latency_p50_ms, "latencyP95Milliseconds": point.latency_p95_ms}

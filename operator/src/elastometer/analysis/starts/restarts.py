"""Starts of the server's container that failed before the Pod was Ready: they are part of its cold start."""
from __future__ import annotations

from elastometer.analysis.evidence.evidence import API_RESOLUTION, PodHistory
from elastometer.analysis.evidence.pods import Seen, server_statuses
from elastometer.model.document import instant_at, whole_at
from elastometer.model.measurements import Source
from elastometer.model.milestones import Milestone
from elastometer.model.units import Instant


def last_restart(pod: PodHistory, ready: Instant | None) -> Seen | None:
    """The start of the container that became Ready, or of the last one; None if that was the first."""
    begun = [
        running for seen in pod.sightings for status in server_statuses(seen.object)
        if whole_at(status, "restartCount") and (running := instant_at(status, "state", "running", "startedAt"))
    ]
    before = [one for one in begun if ready is None or one <= ready]
    return Seen(Milestone.RESTARTED, max(before), Source.API, API_RESOLUTION) if before else None

"""What the live HPA controller saw and decided at each sync of a run, as far as the bundle tells. Pure."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.analysis.evidence import Evidence
from elastometer.hpa.recording import Recording
from elastometer.hpa.settings import ControllerSettings


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """Why nothing can be said of the syncs of a run."""

    reason: str


DEFAULTS = ControllerSettings()


def recording_of(evidence: Evidence, controller: ControllerSettings = DEFAULTS) -> Recording | Unrecorded:
    """The syncs in order of time, in seconds from the start of the load."""
    if not evidence.autoscalers:
        return Unrecorded("no HorizontalPodAutoscaler was seen")
    raise NotImplementedError(f"the recording of {evidence.terms.test} under {controller}")

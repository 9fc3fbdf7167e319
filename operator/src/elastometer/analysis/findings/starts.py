"""Findings from the cold starts: time that a change of the probes, or a look into the log, could save."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from elastometer.model.findings import FindingName, Severity
from elastometer.model.measurements import UNATTRIBUTED, ColdStart, Origin
from elastometer.model.milestones import PHASE_ENDED_BY, Milestone
from elastometer.model.report import Finding

# Below these, a delay is not worth a change: most periods of a controller and of probes are longer.
PROBE_SHARE, PROBE_MILLISECONDS = 0.1, 2000.0
UNATTRIBUTED_SHARE = 0.2


def start_findings(starts: Sequence[ColdStart]) -> Iterator[Finding]:
    """No findings if no Pod started."""
    yield from _probe_tax(starts)
    yield from _unattributed(starts)


def _probe_tax(starts: Sequence[ColdStart]) -> Iterator[Finding]:
    pairs = [
        (phase.milliseconds, start.cold_start.milliseconds) for start in starts
        for phase in start.phases if phase.name == PHASE_ENDED_BY[Milestone.READY] and start.cold_start.milliseconds
    ]
    taxes = [tax for tax, _ in pairs]
    if taxes and median(taxes) > max(PROBE_MILLISECONDS, PROBE_SHARE * median(whole for _, whole in pairs)):
        yield Finding(
            FindingName.PROBE_TAX, Severity.WARNING, "Replicas waited for their probes",
            f"The server answered {median(taxes) / 1000:.1f} s (median of {len(taxes)}) before the Pod was Ready",
            "During that time the replica could have served requests but got none. Shorten the period of the startup "
            "and readiness probes (`probePeriodSeconds`).")


def _unattributed(starts: Sequence[ColdStart]) -> Iterator[Finding]:
    for start in starts:
        whole = start.cold_start.milliseconds
        unknown = [phase for phase in start.phases if phase.name == UNATTRIBUTED]
        dark = sum(phase.milliseconds for phase in unknown)
        if whole and start.origin != Origin.INITIAL and dark > UNATTRIBUTED_SHARE * whole:
            yield Finding(
                FindingName.UNATTRIBUTED_START, Severity.HINT, "A large part of a cold start has no explanation",
                "; ".join([f"{start.pod}: {dark / 1000:.1f} s of {whole / 1000:.1f} s belong to no phase",
                           *dict.fromkeys(phase.note for phase in unknown if phase.note)]),
                "Look at the container's log in the bundle to see what the server did in that time. The log shows "
                "less if the server is not vLLM, its release prints other lines, its log level is above INFO, or its "
                "process was restored.")
            return

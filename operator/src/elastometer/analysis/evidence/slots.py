"""How many requests a replica runs at once, where the run shows it."""
from __future__ import annotations

from typing import NamedTuple

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.bundle import SeriesName
from elastometer.model.server_flags import MAX_NUM_ACTIVE_SEQS, MAX_NUM_SEQS, flags_of_test


class Slots(NamedTuple):
    """The number, and where it comes from."""

    number: int
    source: str


def slots_of(evidence: Evidence) -> Slots | None:
    """By the server's flags, or else the most requests that ran on a replica while others waited there: one that has
    requests waiting has no slot free. None where neither is known; the most that ever ran would be a guess."""
    flags = flags_of_test(evidence.spec)
    stated = flags.slots
    if stated is not None and stated > 0:
        name = MAX_NUM_SEQS if flags.whole(MAX_NUM_SEQS) == stated else MAX_NUM_ACTIVE_SEQS
        return Slots(stated, f"the server's argument {name}={stated}")
    waiting = {
        (pod, time) for pod, series in evidence.series_of.get(SeriesName.WAITING.value, {}).items()
        for one in series for time, value in one.samples if value > 0
    }
    full = (
        value for pod, series in evidence.series_of.get(SeriesName.RUNNING.value, {}).items()
        for one in series for time, value in one.samples if (pod, time) in waiting
    )
    most = int(max(full, default=0.0))
    return Slots(most, "the most that ran on a replica while others waited there") if most > 0 else None

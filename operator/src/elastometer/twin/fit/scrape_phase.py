"""When in its period each replica was scraped, inferred from what the scrapes saw.

Range queries of Prometheus return values on a grid, not the instants at which they were scraped. The queue of a replica
is known at every instant from the requests, so its phase is the one at which the scraped queue agrees best with it.
"""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.bundle import SeriesName
from elastometer.model.units import SECOND

# How many phases are tried, evenly over the period: with 40 and a period of 2 s, one every 50 ms.
TRIED = 40


@dataclass(frozen=True, slots=True)
class _Queue:
    """When the requests of one Pod arrived (`sent`) and left its queue (`started`), each ascending; seconds."""

    sent: Sequence[float]
    started: Sequence[float]

    def at(self, instant: float) -> int:
        return bisect_right(self.sent, instant) - bisect_right(self.started, instant)


def scrape_phases(evidence: Evidence, pods: Sequence[str], prefill_seconds: float) -> tuple[float | None, ...]:
    """Shares of the scrape period, one per Pod; None if its queue was never seen, or fits every phase equally."""
    result, period = evidence.samples(SeriesName.WAITING), evidence.terms.scrape_seconds
    if result is None or not period:
        return (None,) * len(pods)
    scraped = {line.pod: [((time - evidence.origin) / SECOND, value) for time, value in line.samples]
               for line in result.series}
    return tuple(_phase(scraped.get(pod, []), _queue(evidence, pod, prefill_seconds), float(period)) for pod in pods)


def _queue(evidence: Evidence, pod: str, prefill_seconds: float) -> _Queue:
    mine = [record for record in evidence.requests
            if record.pod == pod and record.send is not None and record.first_token is not None]
    return _Queue(sorted(((record.send or 0) - evidence.origin) / SECOND for record in mine),
                  sorted(((record.first_token or 0) - evidence.origin) / SECOND - prefill_seconds for record in mine))


def _phase(samples: Sequence[tuple[float, float]], queue: _Queue, period: float) -> float | None:
    if not any(value for _, value in samples):
        return None
    misfits = []
    for share in range(TRIED):
        phase = share / TRIED * period
        seen = [queue.at((time - phase) // period * period + phase) for time, _ in samples]
        misfits.append(sum(abs(value - queued) for (_, value), queued in zip(samples, seen, strict=True)))
    if max(misfits) == min(misfits):
        return None
    # Of equally good phases, the one whose neighbours agree too; the period is circular, so index -1 is a neighbour.
    around = [misfits[share - 1] + 2 * misfit + misfits[(share + 1) % TRIED] for share, misfit in enumerate(misfits)]
    return around.index(min(around)) / TRIED

"""When in its period each replica was scraped, out of what the scrapes saw.

Prometheus' range queries tell values on a grid and not when they were scraped. The queue of a replica is known at every
instant from the requests, so the phase is the one at which the scraped queue agrees best with it.
"""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.bundle import SeriesName
from elastometer.model.units import SECOND

# Shares of the period that are tried.
TRIED = 40


@dataclass(frozen=True, slots=True)
class _Queue:
    """Requests of one Pod that came (`sent`) and that left its queue (`started`), rising, seconds."""

    sent: Sequence[float]
    started: Sequence[float]

    def at(self, instant: float) -> int:
        return bisect_right(self.sent, instant) - bisect_right(self.started, instant)


def scrape_phases(evidence: Evidence, pods: Sequence[str], prefill_seconds: float) -> tuple[float | None, ...]:
    """Shares of the scrape period, one per Pod; None where its queue was never seen, or agrees with every phase."""
    result, period = evidence.samples(SeriesName.WAITING), evidence.terms.scrape_seconds
    if result is None or not period:
        return (None,) * len(pods)
    scraped = {
        pod.pod: [((time - evidence.origin) / SECOND, value) for time, value in pod.samples] for pod in result.series
    }
    return tuple(_phase(scraped.get(pod, []), _queue(evidence, pod, prefill_seconds), float(period)) for pod in pods)


def _queue(evidence: Evidence, pod: str, prefill_seconds: float) -> _Queue:
    mine = [record for record in evidence.requests if record.pod == pod and record.send is not None and record.first_token is not None]
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
    # Among equals, the one whose neighbours agree too; the period is a circle.
    around = [misfits[share - 1] + 2 * misfit + misfits[(share + 1) % TRIED] for share, misfit in enumerate(misfits)]
    return around.index(min(around)) / TRIED

"""The requests of a run in order of their end, so that any part of it can be cut out at once."""
from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model import request_measures
from elastometer.model.units import MILLISECOND, SECOND


@dataclass(frozen=True, slots=True)
class EndedRequests:
    """One row a request, rising by `seconds`, the end of the request from the start of the load: `milliseconds` is its
    latency from the intended time, null where it was not `served`. A request that never ended counts at its intended
    time."""

    frame: pl.DataFrame

    def within(self, start_seconds: float, end_seconds: float) -> pl.DataFrame:
        """The rows of a span, from its start up to its end."""
        ends = self.frame["seconds"]
        first, last = (ends.search_sorted(at, side="left") for at in (start_seconds, end_seconds))
        return self.frame.slice(int(first), int(last) - int(first))


def ended_requests(evidence: Evidence) -> EndedRequests:
    """Of the whole run."""
    return EndedRequests(evidence.table.select(
        seconds=(pl.coalesce("end", "intended") - evidence.origin) / SECOND,
        milliseconds=request_measures.latency() / MILLISECOND,
        served=request_measures.served(),
    ).sort("seconds", maintain_order=True))

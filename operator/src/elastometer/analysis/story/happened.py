"""What happened: the load, the replicas that followed it, and how long requests waited."""
from __future__ import annotations

import polars as pl

from elastometer.analysis.requests.blind import bad_wait
from elastometer.analysis.run import DerivedRun
from elastometer.model.report import Report
from elastometer.model.story import Happened
from elastometer.model.units import MILLISECOND

# A peak of single seconds would be that of a Poisson process, not of the load.
PEAK_SECONDS = 10


def happened(run: DerivedRun, report: Report) -> Happened | None:
    """None for a run without requests."""
    evidence, summary = run.evidence, report.summary
    if not summary.request_count:
        return None
    limit, _ = bad_wait(evidence)
    waits = pl.col("first_token") - pl.col("intended")
    quick = evidence.table.select((waits <= limit * MILLISECOND).sum()).item()
    ready = run.replicas.ready
    return Happened(
        request_count=summary.request_count, failed_request_count=summary.failed_request_count or 0,
        peak_requests_per_second=_peak(report),
        first_replicas=None if (first := ready.value_at(0.0)) is None else int(first),
        peak_replicas=summary.peak_ready_replicas, scale_out_count=summary.scale_out_count,
        scale_out_lag_milliseconds=summary.scale_out_lag_milliseconds,
        first_token_p95_milliseconds=summary.time_to_first_token_p95_milliseconds,
        slow_milliseconds=limit, slow_count=summary.request_count - int(quick),
    )


def _peak(report: Report) -> float | None:
    """The highest offered rate over 10 s, or over one bin of the timeline where that is longer."""
    line = report.timeline
    width = max(1, round(PEAK_SECONDS / line.bin_seconds)) if line.bin_seconds else 1
    rates = line.offered
    means = [sum(rates[at:at + width]) / width for at in range(max(0, len(rates) - width + 1))]
    return round(max(means), 1) if means else round(max(rates), 1) if rates else None

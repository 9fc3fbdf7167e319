"""The numbers by which runs are compared at a glance: the tiles, and the columns of `kubectl get`."""
from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from elastometer.analysis.requests.answers import failed_share
from elastometer.analysis.run import DerivedRun
from elastometer.model.load_rows import LoadRow
from elastometer.model.measurements import ColdStart, Duration, Origin, ScaleEvent, Timeline
from elastometer.model.report import Summary
from elastometer.model.wake import Wake


def summary(
    run: DerivedRun, events: Sequence[ScaleEvent], cold_starts: Sequence[ColdStart], line: Timeline, total: LoadRow,
    wakes: Sequence[Wake] = (),
) -> Summary:
    """Medians leave out what could not be measured; if nothing could, there is no number."""
    evidence = run.evidence
    watched, p95 = bool(evidence.deployments), total.time_to_first_token.p95
    failed = failed_share(evidence.table)
    return Summary(
        peak_ready_replicas=max((value or 0 for _, value in line.ready), default=None),
        scale_out_count=sum(change.is_out for change in run.changes) if watched else None,
        scale_in_count=sum(not change.is_out for change in run.changes) if watched else None,
        scale_out_lag_milliseconds=_median([event.lag for event in events if event.lag is not None]),
        cold_start_milliseconds=_median([start.cold_start for start in cold_starts if start.origin != Origin.INITIAL]),
        time_to_first_token_p95_milliseconds=None if p95 is None else round(p95),
        request_count=total.count or None,
        failed_request_count=total.count - total.outcomes.get("Success", 0) if total.count else None,
        wake_milliseconds=_median([wake.whole for wake in wakes]),
        wake_request_count=sum(wake.request_count for wake in wakes) if wakes else None,
        wake_failed_request_count=sum(wake.failed_count for wake in wakes) if wakes else None,
        judged_answer_count=None if failed is None else failed.count,
        failed_answer_count=None if failed is None else failed.hits,
    )


def _median(figures: Sequence[Duration]) -> int | None:
    known = [one.milliseconds for one in figures if one.milliseconds is not None and one.reason is None]
    return round(median(known)) if known else None

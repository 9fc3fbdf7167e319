"""The scorecard of the recorded run, from its report: the predicted scorecards are compared with it."""
from __future__ import annotations

from elastometer.model.report import ObjectiveResult, Report
from elastometer.twin.search.score.scorecard import ObjectiveScore, Scorecard


def measured_card(report: Report, miss_seconds: int | None) -> Scorecard:
    """The same fields as in a predicted scorecard; a number that was not measured is None."""
    summary, lag = report.summary, report.summary.scale_out_lag_milliseconds
    return Scorecard(
        objectives=tuple(_score(objective) for objective in report.objectives), miss_seconds=miss_seconds,
        replica_seconds=report.price.paid_replica_seconds if report.price else None,
        gpu_seconds=report.price.paid_gpu_seconds if report.price else None, scale_outs=summary.scale_out_count or 0,
        scale_ins=summary.scale_in_count or 0, peak_ready=summary.peak_ready_replicas or 0,
        scale_out_lag_seconds=None if lag is None else lag / 1000,
        requests=summary.request_count or 0, not_served=summary.failed_request_count or 0,
    )


def _score(result: ObjectiveResult) -> ObjectiveScore:
    return ObjectiveScore(
        result.name, result.indicator, result.stage, result.verdict, result.measured, result.bound, result.unit,
        task=result.task)

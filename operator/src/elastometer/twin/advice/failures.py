"""Requests that failed in ways of which the twin has no model: with many of them, its predictions say nothing."""
from __future__ import annotations

from elastometer.model.report import Report
from elastometer_loadgen.base.record import Outcome

LEAST_FAILED_SHARE = 0.05


def unpredicted_failures(report: Report) -> str | None:
    """What failed, if it is too much for a twin that fails no request while a replica serves, unless it times out."""
    total = report.load[-1]
    predicted = {Outcome.SUCCESS, Outcome.TIMED_OUT, *([Outcome.REFUSED] if report.wakes else [])}
    kinds = {outcome: number for outcome, number in total.outcomes.items() if outcome not in predicted}
    failed = sum(kinds.values())
    if not total.count or failed < LEAST_FAILED_SHARE * total.count:
        return None
    shown = ", ".join(f"{number:,} {outcome}" for outcome, number in kinds.items())
    return f"{failed:,} of {total.count:,} requests failed in ways that the twin does not predict: {shown}"

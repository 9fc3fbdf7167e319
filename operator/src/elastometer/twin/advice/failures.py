"""Runs about which the twin's predictions say nothing: predicted ones, and those in which too much went otherwise than
the twin knows."""
from __future__ import annotations

from elastometer.analysis.story.story import PREDICTED
from elastometer.model.bundle import Bundle
from elastometer.model.reasons import LoadFlaw
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


def unfit(bundle: Bundle, report: Report) -> str | None:
    """Why no other settings are asked of this run, although a twin might be fitted to it."""
    if bundle.predicted is not None:
        return PREDICTED
    if not len(bundle.requests):
        return "there are no requests"
    if report.verdict_reason in list(LoadFlaw):
        return f"the load was not delivered as specified: {report.verdict_message}"
    return unpredicted_failures(report)

"""What the findings advise, where no what-if says what would help most."""
from __future__ import annotations

from elastometer.model.findings import FindingName, Severity
from elastometer.model.report import Report
from elastometer.model.story import Advice, AdviceSource

# They say how far a report can be trusted, or what it does not judge, and not what would make the run better.
NO_REMEDIES = frozenset({
    FindingName.OBJECTIVE_BLIND, FindingName.AUTOSCALER_DOUBTFUL, FindingName.CLOCK_SKEW,
    FindingName.UNATTRIBUTED_START,
})


def advice_from(report: Report, reason: str) -> Advice:
    """The advice of the gravest finding that has a remedy; `reason` says why it is not a what-if's.

    Where most requests were not served, how replicas followed the load is not what went wrong: only a Problem advises.
    """
    count, failed = report.summary.request_count or 0, report.summary.failed_request_count or 0
    most_failed = failed > 0 and 2 * failed >= count
    found = next((one for one in report.findings if one.name not in NO_REMEDIES
                  and not (most_failed and one.severity is not Severity.PROBLEM)), None)
    if found is not None:
        return Advice(AdviceSource.FINDING, text=f"{found.title}. {found.advice}", reason=reason, finding=found.name)
    why = f"{failed:,} of {count:,} requests were not served; their outcomes are under Load by stage" \
        if most_failed else f"{reason}; and no finding says what to change"
    return Advice(AdviceSource.NONE, reason=why)

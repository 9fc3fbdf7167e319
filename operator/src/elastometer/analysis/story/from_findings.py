"""What the findings advise, where no what-if says what would help most."""
from __future__ import annotations

from elastometer.model.findings import FindingName
from elastometer.model.report import Report
from elastometer.model.story import Advice, AdviceSource

# They say how far a report can be trusted, or what it does not judge, and not what would make the run better.
NO_REMEDIES = frozenset({
    FindingName.OBJECTIVE_BLIND, FindingName.AUTOSCALER_DOUBTFUL, FindingName.CLOCK_SKEW,
    FindingName.UNATTRIBUTED_START,
})


def advice_from(report: Report, reason: str) -> Advice:
    """The advice of the gravest finding that has a remedy; `reason` says why it is not a what-if's."""
    found = next((one for one in report.findings if one.name not in NO_REMEDIES), None)
    if found is None:
        return Advice(AdviceSource.NONE, reason=f"{reason}, and no finding says what to change")
    return Advice(AdviceSource.FINDING, text=f"{found.title}. {found.advice}", reason=reason, finding=found.name)

"""The objective on a steady rate: how much the requests that are served vary from one 10 s to the next."""
from __future__ import annotations

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.served_rate import served_rate
from elastometer.analysis.verdict.scope import where
from elastometer.model.health import FALLEN_PERCENT, ServedRate
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.terms import Objective


def judge_steady_rate(objective: Objective, evidence: Evidence) -> ObjectiveResult:
    """Pass if the rate varies by at most `maximum_percent` beyond chance, and no bin has less than half the median."""
    found = served_rate(evidence, objective.stage)
    verdict, message = _judged(objective, found, where(objective))
    return ObjectiveResult(
        name=objective.name, indicator=objective.indicator.value, verdict=verdict, message=message,
        measured=found.variation_percent, bound=_bound(objective), unit="%", count=sum(found.counts),
        stage=objective.stage)


def _judged(objective: Objective, found: ServedRate, at: str) -> tuple[Verdict, str]:
    bound, varies = _bound(objective), found.variation_percent
    if found.reason is not None or varies is None or bound is None:
        return Verdict.INCONCLUSIVE, f"`served rate` cannot be judged{at}: {found.reason or 'it has no bound'}"
    counted = f"n={len(found.counts)} bins of {found.bin_seconds} s, {sum(found.counts)} requests{_interval(found)}"
    if found.fell:
        return Verdict.FAIL, (
            f"`served rate` fell to {found.lowest_of_median_percent:.0f} % of its median{at}, less than "
            f"{FALLEN_PERCENT} % ({counted})")
    rule = f"is within {bound:g} %" if varies <= bound else f"exceeds {bound:g} %"
    return Verdict.PASS if varies <= bound else Verdict.FAIL, (
        f"`served rate` varies by {varies:.1f} % beyond chance, which {rule}{at} ({counted})")


def _interval(found: ServedRate) -> str:
    one = found.interval
    return "" if one is None else f", 95 % interval {one.low:.1f} to {one.high:.1f} %"


def _bound(objective: Objective) -> float | None:
    return None if objective.maximum_percent is None else float(objective.maximum_percent)

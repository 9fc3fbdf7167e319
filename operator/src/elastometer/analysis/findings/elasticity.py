"""Findings from supply against demand: which side of it dominates, replicas that idle, cold starts, or decisions.

Each number must hold at both ends of the demand's error: what the error could explain is no finding.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from elastometer.analysis.evidence.steps import Steps, segments
from elastometer.analysis.findings.facts import Facts
from elastometer.model.autoscaler import AutoscalerAccount, Cause
from elastometer.model.autoscalers import NO_AUTOSCALER
from elastometer.model.elasticity import Elasticity, SupplyKind
from elastometer.model.findings import FindingName, Severity
from elastometer.model.measurements import ColdStart, Direction, Origin
from elastometer.model.measurements import Steps as Points
from elastometer.model.report import Finding

# On average over the load. Less is within what whole replicas and headroom make of any demand.
MISSING_REPLICAS, IDLE_REPLICAS = 0.1, 0.5
IDLE_SHARE = 0.25
# What dominates takes two thirds of the missing replicas, and more than half of them whatever the demand's error.
MOST, MORE_THAN_HALF = 2 / 3, 0.5


def elasticity_findings(facts: Facts) -> Iterator[Finding]:
    """None where no demand is known: `demand` of the report says why."""
    if facts.elasticity is not None and facts.elasticity.reason is None:
        yield from _over_provisioned(facts.elasticity, facts)
        yield from _missing(facts.elasticity, facts)


def _over_provisioned(found: Elasticity, facts: Facts) -> Iterator[Finding]:
    """Beyond what came and what still waited: a replica that works off a backlog is not idle."""
    ready = found.of(SupplyKind.READY)
    if ready is None or ready.score is None or ready.backlog is None:
        return
    whole, low, high = ready.backlog, ready.low or ready.score, ready.high or ready.score
    # The bounds are those of what came; what waited takes the same from both.
    waited = ready.score.theta_over - whole.theta_over
    least, most = max(0.0, low.theta_over - waited), max(0.0, high.theta_over - waited)
    length = found.end_seconds - found.start_seconds
    held = facts.run.replicas.ready.integral(found.start_seconds, found.end_seconds)
    if least < IDLE_REPLICAS or whole.tau_over < IDLE_SHARE or least * length < IDLE_SHARE * held:
        return
    yield Finding(
        FindingName.OVER_PROVISIONED, Severity.WARNING, "Replicas were Ready that the demand did not need",
        f"On average {_replicas(whole.theta_over)} Ready replicas more than the demand, what waited included"
        f"{_between(least, most)}, in {100 * whole.tau_over:.0f} % of the {length:.0f} s of load: "
        f"{whole.area_over:.0f} of {held:.0f} Ready replica-seconds were idle, {_idle_at_minimum(found, facts):.0f} of "
        "them at or below the minimum of replicas",
        "The number of replicas is fixed: fix a lower one, or let an autoscaler follow the load."
        if not _is_scaled(facts) else
        "What idles at the minimum was kept on purpose: lower it if the cold start is short enough for what it saves. "
        "What idles above it was ordered too high, or removed too late: raise the metric's target, or shorten "
        "`behavior.scaleDown.stabilizationWindowSeconds`.")


def _is_scaled(facts: Facts) -> bool:
    """Whether there is an autoscaler that decides, and whose settings could be others."""
    return facts.evidence.terms.scaler != NO_AUTOSCALER


def _idle_at_minimum(found: Elasticity, facts: Facts) -> float:
    """Idle replica-seconds up to the minimum, which no scale-in can save."""
    minimum = float(facts.evidence.terms.minimum_replicas or 0)
    steps = [_steps(() if facts.demand is None else facts.demand.backlog), facts.run.replicas.ready]
    parts = segments(steps, found.start_seconds, found.end_seconds)
    return sum(width * max(0.0, min(supply, minimum) - needed) for width, (needed, supply) in parts)


def _missing(found: Elasticity, facts: Facts) -> Iterator[Finding]:
    ordered, ready = found.of(SupplyKind.ORDERED), found.of(SupplyKind.READY)
    decision, starts = found.decision_under, found.cold_start_under
    if ordered is None or ready is None or ready.score is None or decision is None or starts is None:
        return
    least = ready.low or ready.score
    if least.theta_under < MISSING_REPLICAS:
        return
    decisions = (decision, ordered.low.theta_under if ordered.low else decision,
                 ordered.high.theta_under if ordered.high else decision)
    cold = (starts, starts if found.cold_start_under_low is None else found.cold_start_under_low,
            starts if found.cold_start_under_high is None else found.cold_start_under_high)
    beyond = _beyond_maximum(found, facts)
    whole = (f"On average {_replicas(ready.score.theta_under)} Ready replicas were missing"
             f"{_between(least.theta_under, (ready.high or ready.score).theta_under)}, in "
             f"{100 * ready.score.tau_under:.0f} % of the load")
    if _dominates(cold, decisions):
        yield _cold_start(f"{whole}; {_part(starts, decision)}", facts.cold_starts)
    elif _dominates(decisions, cold) and beyond < decision / 2 and _is_scaled(facts):
        above = f", {_replicas(beyond)} because the demand was beyond the maximum of replicas" if beyond >= 0.05 else ""
        yield _decision(f"{whole}; {_part(decision, starts)}", above, facts.autoscaler)


def _part(one: float, other: float) -> str:
    return f"{_replicas(one)} of these ({100 * one / (one + other):.0f} %)"


def _cold_start(seen: str, starts: Sequence[ColdStart]) -> Finding:
    return Finding(
        FindingName.COLD_START_DOMINATES, Severity.WARNING, "Cold starts explain most of what was missing",
        f"{seen} had been ordered and were still starting", _on_starts(starts))


def _decision(seen: str, above: str, account: AutoscalerAccount) -> Finding:
    return Finding(
        FindingName.DECISION_DOMINATES, Severity.WARNING, "Decisions explain most of what was missing",
        f"{seen} had not been ordered{above}", _on_decisions(account))


def _dominates(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    """Of two shares, each (value, low, high): whether the first is most of both, and more than half at worst."""
    value, low, _ = one
    beside, _, high = other
    return value >= MOST * (value + beside) > 0 and low > MORE_THAN_HALF * (low + max(high, 0.0))


def _beyond_maximum(found: Elasticity, facts: Facts) -> float:
    """Replicas on average that were missing because the demand was above the maximum."""
    maximum = facts.evidence.terms.maximum_replicas
    if maximum is None:
        return 0.0
    arrival = _steps(() if facts.demand is None else facts.demand.arrival)
    parts = segments([arrival], found.start_seconds, found.end_seconds)
    area = sum(width * max(0.0, demand - maximum) for width, (demand,) in parts)
    return area / (found.end_seconds - found.start_seconds)


def _steps(points: Points) -> Steps:
    """A curve of the report; a demand is known at each of its points."""
    return Steps.of((time, float(value)) for time, value in points if value is not None)


def _between(low: float, high: float) -> str:
    ends = _replicas(low), _replicas(high)
    return "" if ends[0] == ends[1] else f" ({ends[0]} to {ends[1]} by the error of the demand)"


def _replicas(number: float) -> str:
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def _on_starts(starts: Sequence[ColdStart]) -> str:
    """What to shorten first: the phase with the longest median of the replicas that were added."""
    lengths: dict[str, list[float]] = defaultdict(list)
    for start in starts:
        if start.origin is not Origin.INITIAL:
            for phase in start.phases:
                lengths[phase.label].append(phase.milliseconds / 1000)
    advice = ("No faster decision can make up for it. Shorten the start, or order earlier: a lower target of the "
              "metric, a higher minimum.")
    if not lengths:
        return advice
    label, found = max(lengths.items(), key=lambda item: median(item[1]))
    return f"The longest part of a cold start is '{label}', {median(found):.1f} s (median of {len(found)}). {advice}"


def _on_decisions(account: AutoscalerAccount) -> str:
    """Which cause of the decision account took the most seconds of all scale-outs."""
    totals: dict[Cause, float] = defaultdict(float)
    labels: dict[Cause, str] = {}
    for change in account.changes:
        for loss in change.losses if change.direction is Direction.OUT else ():
            totals[loss.cause] += (loss.milliseconds or 0.0) / 1000
            labels[loss.cause] = loss.label
    advice = "A faster start would change little. `elastometer what-if BUNDLE --search` tries other settings."
    cause = max(totals, key=lambda one: totals[one], default=None)
    if cause is None or totals[cause] <= 0:
        return f"The metric did not ask for these replicas: lower its target, or use another metric. {advice}"
    return (f"Most of the seconds between need and decision went to '{labels[cause]}': {totals[cause]:.0f} s over "
            f"{sum(one.direction is Direction.OUT for one in account.changes)} scale-outs. {advice}")

"""The planned delay budget beside what was seen, summand by summand."""
from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from elastometer.model.autoscaler import Cause, ScaleAccount
from elastometer.model.document import Document, number_at
from elastometer.model.milestones import PHASE_ENDED_BY, Milestone
from elastometer.model.scaleout_waterfall import BAR_LABELS, POLL, ScaleOutBar, Summand

BUDGET = "delayBudgetSeconds"
LOST = "lost-"  # begins the names of bars of the autoscaler's account
# Which summands of plan.json allow for which bars. What the plan does not name has no allowance, which is not one of 0.
PLANNED: Mapping[str, tuple[str, ...]] = {
    f"lost-{Cause.METRIC_DELAY.value}": ("scrape", "kedaPolling"),
    f"lost-{Cause.SYNC_WAIT.value}": ("hpaSync",),
    f"lost-{Cause.STABILIZATION.value}": ("window",),
    PHASE_ENDED_BY[Milestone.READY]: ("probe",),
}
# From zero replicas KEDA's poll is a wait of its own, and the HPA takes no part.
FROM_ZERO: Mapping[str, tuple[str, ...]] = {
    f"lost-{Cause.METRIC_DELAY.value}": ("scrape",), POLL: ("kedaPolling",),
    PHASE_ENDED_BY[Milestone.READY]: ("probe",),
}


def summands(bars: Sequence[ScaleOutBar], plan: Document, mine: ScaleAccount | None) -> tuple[Summand, ...]:
    """One for each kind of bar that was seen, and for each that was planned. The seen ones add up to the bars; what was
    planned and left no bar took no time, unless the account does not know it."""
    keys_of = FROM_ZERO if any(bar.name == POLL for bar in bars) else PLANNED
    planned = {name: round(1000 * sum(known)) for name, keys in keys_of.items() if (known := _seconds(plan, keys))}
    return grouped(bars, planned, _unknown(planned, mine))


def grouped(bars: Sequence[ScaleOutBar], planned: Mapping[str, int], unknown: Set[str]) -> tuple[Summand, ...]:
    """The bars by name, with what was planned in milliseconds."""
    seen = {bar.name for bar in bars}
    return tuple(
        _summand(name, label, [bar for bar in bars if bar.name == name], planned.get(name)) if name in seen or
        name not in unknown else Summand(name, label, planned.get(name), None, None)
        for name, label in BAR_LABELS.items() if name in seen or name in planned)


def _unknown(planned: Mapping[str, int], mine: ScaleAccount | None) -> Set[str]:
    """What the account of the decision cannot tell; without an account all that it would be about."""
    if mine is None:
        return {name for name in planned if name.startswith(LOST)}
    return {f"{LOST}{part.cause.value}" for part in mine.parts
            if part.reason is not None and part.end_seconds <= part.start_seconds}


def _seconds(plan: Document, keys: Sequence[str]) -> list[float]:
    values = (number_at(plan, BUDGET, key) for key in keys)
    return [value for value in values if value is not None]


def _summand(name: str, label: str, mine: Sequence[ScaleOutBar], planned: int | None) -> Summand:
    doubts = [bar.plus_minus_milliseconds for bar in mine]
    known = [doubt for doubt in doubts if doubt is not None]
    return Summand(
        name, label, planned, sum(bar.milliseconds for bar in mine),
        round(sum(known), 3) if known and len(known) == len(doubts) else None)

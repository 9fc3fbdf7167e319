"""The autoscaler's decision account in words: one wording for the command line, Markdown and HTML."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from elastometer.model.autoscaler import (
    CAUSE_LABELS,
    FidelitySummary,
    HeldTime,
    Loss,
    MetricReading,
    ScaleAccount,
    SyncRow,
)
from elastometer.model.in_words import plural
from elastometer.model.measurements import Direction
from elastometer.render.wording import numbers


def fidelity_sentence(found: FidelitySummary | None) -> str:
    """How far the account can be trusted: at how many syncs of how many the replay agrees."""
    if found is None or found.percent is None:
        return "No decision of the live controller was observed, so the account could not be checked."
    parts = []
    if found.seen:
        parts.append(f"{found.seen_agreed} of {found.seen} that left a write")
    if found.inferred:
        parts.append(f"{found.inferred_agreed} of {found.inferred} that changed nothing (inferred from the period)")
    agreed, known = found.seen_agreed + found.inferred_agreed, found.seen + found.inferred
    return (f"The replay decides as the live controller did at {agreed} of {known} syncs "
            f"({_percent(found.percent)}): {', '.join(parts)}.")


def _percent(value: float) -> str:
    """Truncated, so that 99.996 is never shown as 100."""
    return f"{value:.0f} %" if value == int(value) else f"{int(value * 100) / 100:.2f} %"


def miss_rows(found: FidelitySummary) -> list[tuple[str, str, str]]:
    """(when, difference, cause) of the syncs that the replay does not reproduce; misses of one kind are one row."""
    kinds: dict[tuple[str, str], list[float]] = {}
    for miss in found.misses:
        kinds.setdefault(("; ".join(miss.differences), miss.cause), []).append(miss.seconds)
    return [(_moments(seconds), difference, cause) for (difference, cause), seconds in kinds.items()]


def _moments(seconds: Sequence[float]) -> str:
    more = f" and {plural(len(seconds) - 1, 'more sync')}" if len(seconds) > 1 else ""
    return numbers.instant(seconds[0]) + more


def held_words(one: HeldTime) -> str:
    """How the replicas differed from the wanted number."""
    match one.direction:
        case Direction.OUT:
            return "fewer than wanted"
        case Direction.IN:
            return "more than wanted"
        case Direction.UNKNOWN:
            return "the wanted number is not known"


def change_title(one: ScaleAccount) -> str:
    """3 → 4."""
    return f"{one.from_replicas} → {one.to_replicas}"


def loss_words(loss: Loss) -> str:
    """The seconds with their ±."""
    if loss.milliseconds is None:
        return "unknown"
    plus_minus = f" ± {numbers.duration(loss.plus_minus_milliseconds)}" if loss.plus_minus_milliseconds else ""
    return numbers.duration(loss.milliseconds) + plus_minus


def reading_words(one: MetricReading) -> str:
    """The metric against its target: `7 of 2`."""
    if one.error is not None:
        return one.error
    value = numbers.DASH if one.value is None else _amount(one.value) + one.unit
    return f"{value} of {_amount(one.target)}{one.unit}"


def _amount(value: float) -> str:
    """To a thousandth, the smallest unit that an HPA computes with: 9.5, 20,193,280."""
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def reading_rows(row: SyncRow) -> list[str]:
    """Every metric; if there are several, with their names, the one that won first."""
    if len(row.metrics) == 1:
        return [reading_words(row.metrics[0])]
    ordered = sorted(row.metrics, key=lambda one: one.name != row.metric)
    return [f"{one.name} {reading_words(one)}" for one in ordered]


def readings_words(row: SyncRow) -> str:
    """All of them as one text."""
    return "; ".join(reading_rows(row))


def way_words(row: SyncRow) -> str:
    """From the unclamped ratio to the decision: `7 → 5 Pods without a sample → 2 scaling policy`."""
    steps = (f"{one.after} {CAUSE_LABELS[one.constraint]}" for one in row.steps)
    return " → ".join([numbers.number(row.wanted), *steps])


def whole_words(one: ScaleAccount) -> str:
    """The time from the need to the decision."""
    return numbers.figure(replace(one.whole, reason=None))


def agreement_words(row: SyncRow) -> str:
    """Yes, or how the replay differs and why."""
    if row.agrees is None:
        return "not known"
    return "yes" if row.agrees else f"no: {row.difference}"


def binding_words(row: SyncRow) -> str:
    """The constraint that kept the replicas from the wanted number; empty if there was none."""
    return "" if row.binding is None else CAUSE_LABELS[row.binding]


def sync_count(rows: Sequence[SyncRow]) -> str:
    """1 sync, 40 syncs."""
    return plural(sum(row.count for row in rows), "sync")

"""The price of a run in words: GPU-seconds where GPUs are known, otherwise replica-seconds; money where it is known."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.analysis.story.figures import amount
from elastometer.model.price import (
    Alternative,
    AlternativeName,
    Amount,
    Flap,
    MissSource,
    Overshoot,
    Part,
    PartOfHeld,
    Price,
)
from elastometer.render.wording import numbers

PART_LABELS = {
    Part.USEFUL: "useful", Part.KEPT: "kept", Part.IDLE: "idle", Part.READY: "Ready", Part.STARTING: "starting",
    Part.DRAINING: "draining", Part.PENDING: "pending",
}
PART_MEANINGS = {
    Part.USEFUL: "Ready, and serving what was demanded",
    Part.KEPT: "Ready while nothing was demanded, since the target may not scale to zero",
    Part.IDLE: "Ready beyond the demand",
    Part.READY: "Ready", Part.STARTING: "on a node, not Ready", Part.DRAINING: "deleted, finishing its requests",
    Part.PENDING: "waiting for a node; holds no GPU",
}
ALTERNATIVES = {
    AlternativeName.RUN: "this run", AlternativeName.STATIC_MINIMUM: "always the minimum",
    AlternativeName.STATIC_PEAK: "always the peak demand", AlternativeName.STATIC_MAXIMUM: "always the maximum",
    AlternativeName.ORACLE: "oracle",
}
_MISSES = {
    MissSource.MEASURED: "measured", MissSource.PREDICTED: "predicted", MissSource.DEMAND: "by the demand",
}
NO_DEMAND = "the demand is not known"
ORACLE_MEANING = (
    "The oracle knows the demand in advance: it orders each replica one cold start before it is needed, in whole "
    "replicas within the autoscaler's minimum and maximum, and removes it as soon as it is not needed. No time to "
    "drain is counted.")
FLAP_HEAD = ("Scale events", "Replicas", "Missed again after", "Starting again", "Not held meanwhile", "Missing",
             "Money for starting")


def unit(price: Price) -> str:
    """What is counted."""
    return "Replica-seconds" if price.gpus_per_replica is None else "GPU-seconds"


def seconds(price: Price, replica_milliseconds: int | None) -> float | None:
    """The area in the unit of the price."""
    return None if replica_milliseconds is None else (price.gpus_per_replica or 1) * replica_milliseconds / 1000


def area(price: Price, replica_milliseconds: int | None) -> str:
    """The area in the unit of the price, as text."""
    return numbers.number(seconds(price, replica_milliseconds), 1)


def note(price: Price) -> str:
    """What puts the total in proportion: the share that was useful, or that of a fixed maximum."""
    useful = next((one for one in price.parts if one.part is Part.USEFUL), None)
    if useful is not None and price.held_replica_milliseconds:
        return f"paid for, {share(price, useful)} of what was held useful"
    top = price.alternative(AlternativeName.STATIC_MAXIMUM)
    if top is not None and top.replica_milliseconds:
        return f"paid for, {100 * price.paid_replica_milliseconds / top.replica_milliseconds:.0f} % of a fixed maximum"
    return "paid for"


def share(price: Price, part: PartOfHeld) -> str:
    """The part as a share of what was held."""
    held = price.held_replica_milliseconds
    return numbers.number(100 * part.replica_milliseconds / held if held else None, 1, " %")


def part_rows(price: Price) -> Iterator[tuple[PartOfHeld | None, tuple[str, str, str, str]]]:
    """(label, seconds, share, meaning) of each part, and of the sum of all, which is None."""
    for part in price.parts:
        yield part, (PART_LABELS[part.part], area(price, part.replica_milliseconds), share(price, part),
                     PART_MEANINGS[part.part])
    yield None, ("held", area(price, price.held_replica_milliseconds), numbers.number(100, 1, " %"), "the exact sum")


def remarks(price: Price) -> Iterator[str]:
    """What a reader must know about the parts, a sentence each."""
    if price.no_gpus is not None:
        yield f"GPU-seconds: NoData ({price.no_gpus})."
    if price.not_split is not None:
        yield f"Ready is not split into useful, kept and idle: {price.not_split}."
    elif price.demand is not None:
        yield f"The demand is {price.demand}."
    if price.unwatched_replica_milliseconds:
        yield (f"{area(price, price.unwatched_replica_milliseconds)} {unit(price)} lie within watch gaps and may "
               "belong to another part, or be missing.")
    if price.overshoot is not None:
        yield _overshoot(price, price.overshoot)


def _overshoot(price: Price, over: Overshoot) -> str:
    highest = f"the highest demand ({over.peak_demand}, with what waited)"
    if over.ready_replicas == 0 and over.ordered_replicas == 0:
        return f"No overshoot: never more replicas were Ready or ordered than {highest}."
    ready, ordered = (area(price, time) for time in (
        over.ready_replica_milliseconds, over.ordered_replica_milliseconds))
    return (f"Overshoot beyond {highest}: at most {over.ready_replicas} Ready ({ready} {unit(price)} in all) and "
            f"{numbers.number(over.ordered_replicas)} ordered ({ordered}).")


def alternative_head(price: Price) -> tuple[str, ...]:
    """The columns of `alternative_rows`."""
    return "Supply", "Replicas", unit(price), "Of this run", "Objective-miss seconds", "Money"


def alternative_rows(price: Price) -> Iterator[tuple[str, ...]]:
    """One row for each alternative, the run first."""
    for one in price.alternatives:
        paid = price.paid_replica_milliseconds
        time = one.replica_milliseconds
        varies = "varying" if one.reason is None else numbers.DASH
        yield (
            ALTERNATIVES[one.name], varies if one.replicas is None else numbers.number(one.replicas),
            numbers.DASH if one.reason is not None else area(price, time),
            numbers.number(100 * time / paid if time is not None and paid else None, 0, " %"),
            misses(price, one), money(price, one.amount))


def misses(price: Price, one: Alternative) -> str:
    """Objective-miss seconds with their source, or why there are none; the remarks say why a demand is not known."""
    if one.miss_seconds is None or one.miss_source is None:
        return f"NoData ({NO_DEMAND if one.miss_reason == price.not_split else one.miss_reason})"
    span = "" if one.miss_low == one.miss_high else f" ({one.miss_low}–{one.miss_high})"
    over = 0.0 if price.oracle is None or one.name is not AlternativeName.ORACLE else price.oracle.overloaded_seconds
    besides = f"; not counting {over:.0f} s in which the maximum is not enough" if over else ""
    return f"{one.miss_seconds} s{span}, {_MISSES[one.miss_source]}{besides}"


def flap_rows(price: Price) -> Iterator[tuple[str, ...]]:
    """One row for each flap."""
    for one in price.flaps:
        yield (f"{one.scale_in} and {one.scale_out}", str(one.replicas), f"{one.after_seconds:.1f} s",
               *_flap_areas(price, one), money(price, one.amount))


def _flap_areas(price: Price, one: Flap) -> tuple[str, str, str]:
    return (area(price, one.starting_replica_milliseconds), area(price, one.saved_replica_milliseconds),
            area(price, one.missing_replica_milliseconds))


def money(price: Price, value: str | None) -> str:
    """An amount with its currency; a dash without one."""
    return numbers.DASH if value is None else f"{amount(value)} {price.money.currency}"


def money_rows(price: Price) -> list[tuple[str, str]]:
    """(what, amount) of the run; one row with the reason where no money is known at all."""
    found = price.money
    if found.run.value is None:
        return [("Money", f"NoData ({found.run.reason})")]
    return [
        ("Price of a GPU", f"{found.per_gpu_hour} {found.currency} per hour"),
        ("The run", _amount(price, found.run)),
        (f"Per 1,000 requests ({found.served_requests:,} served)", _amount(price, found.per_thousand_requests)),
        ("Per million output tokens" + ("" if found.output_tokens is None else f" ({found.output_tokens:,} counted)"),
         _amount(price, found.per_million_output_tokens)),
        (f"Per month ({found.hours_per_month} h of this run's traffic)", _amount(price, found.per_month)),
    ]


def _amount(price: Price, of: Amount) -> str:
    return f"NoData ({of.reason})" if of.value is None else money(price, of.value)


def summary_rows(price: Price | None) -> list[tuple[str, str]]:
    """(what, its value) in a few lines: what was held, the oracle, and money where it is known."""
    if price is None:
        return []
    split = ", ".join(f"{share(price, part)} {PART_LABELS[part.part]}" for part in price.parts)
    rows = [(unit(price), f"{area(price, price.held_replica_milliseconds)} held: {split}")]
    best = price.alternative(AlternativeName.ORACLE)
    if best is not None and best.replica_milliseconds is not None:
        rows.append(("oracle", f"{area(price, best.replica_milliseconds)}; objective-miss seconds: "
                     f"{misses(price, best)}"))
    if price.money.run.value is not None:
        found = price.money
        rows.append(("money", f"{_amount(price, found.run)}; per 1,000 requests "
                     f"{_amount(price, found.per_thousand_requests)}; per million output tokens "
                     f"{_amount(price, found.per_million_output_tokens)}; per month {_amount(price, found.per_month)}"))
    return rows

"""Resources in words: amounts in the unit that a reader expects, slopes, and when a value was back."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.estimates import Slope
from elastometer.model.measurements import Duration
from elastometer.model.resource_names import COUNTED, GPU_MEMORY, GPU_MEMORY_FILLED
from elastometer.model.resources_used import (
    Group,
    Of,
    ReplicaMap,
    ReplicaRow,
    ResourceLevel,
    ResourceQuantity,
    ResourceRow,
    ResourcesUsed,
    WindowKind,
)
from elastometer.render.wording import numbers

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024
OF_WORDS = {Of.ALL_PODS: "all Pods", Of.HIGHEST_POD: "highest Pod"}
NOTE = ("Idle is the time before the load with a Ready replica, after the time from the load's end to the record's. "
        "Growth is the mean of the last third of after, minus idle. A value is back when it stays within idle and 15 % "
        "of its rise, or the least that counts if that is more. A slope is the median of all pairs of points "
        "(Theil and Sen), with its interval at 95 %, and stands where that excludes 0.")
REPLICA_HEAD = ("Pod", "Waiting, mean", "Waiting, peak", "Seconds with waiting", "Running, mean", "Running, peak",
                "KV cache, peak")


def amount(value: float | None, unit: str) -> str:
    """`117 MiB`, `0.42 cores`, `43 %`, `1.3 KiB/s`; any other unit behind its number."""
    if value is None:
        return numbers.DASH
    if unit in ("bytes", "bytes/s"):
        return _bytes(value) + unit.removeprefix("bytes")
    if unit == "seconds":
        return numbers.duration(1000 * value)
    if unit in ("requests", "descriptors"):
        return _short(value)  # as the title says
    return f"{_short(value)} {'%' if unit == 'percent' else unit}"


def _bytes(value: float) -> str:
    size, power = abs(value), 0
    while size >= _STEP and power < len(_BINARY) - 1:
        size, power = size / _STEP, power + 1
    return f"{'-' if value < 0 else ''}{_short(size)} {_BINARY[power]}"


def _short(value: float) -> str:
    """To three significant digits, whole numbers as they are."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}".rstrip("0").rstrip(".")


def signed(value: float | None, unit: str) -> str:
    """A difference, with its sign."""
    return ("+" if value is not None and value > 0 else "") + amount(value, unit)


def counted(quantity: ResourceQuantity) -> bool:
    """Whether a reader wants to know how many there were, and not how many a second."""
    return quantity.name in COUNTED


def level(one: ResourceLevel, quantity: ResourceQuantity) -> str:
    """The mean; how many there were, of what is counted."""
    if counted(quantity) and one.increase is not None:
        return _short(one.increase)
    return amount(one.mean, quantity.unit)


def highest(one: ResourceLevel, quantity: ResourceQuantity) -> str:
    """The peak; nothing where it says no more than the mean."""
    if one.peak == one.mean or counted(quantity):
        return ""
    return f"peak {amount(one.peak, quantity.unit)}"


def slope(found: Slope | None, unit: str) -> str:
    """Per minute with its interval; nothing where there is none, or where it may as well be flat."""
    if found is None or found.interval is None or found.interval.low <= 0 <= found.interval.high:
        return ""
    low, high = (signed(end, unit) for end in (found.interval.low, found.interval.high))
    return f"{signed(found.value, unit)}/min ({low} to {high})"


def peak(row: ResourceRow, quantity: ResourceQuantity) -> str:
    """The highest value and when."""
    if row.peak is None:
        return numbers.DASH
    return f"{amount(row.peak, quantity.unit)} at {numbers.instant(row.peak_seconds)}"


def growth(row: ResourceRow, quantity: ResourceQuantity) -> str:
    """After minus idle, or why there is none."""
    return signed(row.growth, quantity.unit) if row.growth is not None else f"{numbers.DASH} ({row.growth_reason})"


def when_back(returned: Duration) -> str:
    """How long it took, or why it is not known."""
    if returned.milliseconds == 0:
        return f"at once ± {numbers.duration(returned.plus_minus_milliseconds)}"
    return numbers.figure(returned)


def back(row: ResourceRow, quantity: ResourceQuantity) -> str:
    """When the value was back, after the end of the load."""
    said = when_back(row.returned)
    return said if row.back_at is None or row.returned.milliseconds is None else \
        f"{said}, at {amount(row.back_at, quantity.unit)}"


def source(quantity: ResourceQuantity) -> str:
    """What was queried, by whose scrape, and how exact its times are."""
    jobs = f", job {', '.join(quantity.jobs)}" if quantity.jobs else ""
    return f"{quantity.metric}{jobs}; ± {numbers.duration(1000 * (quantity.resolution_seconds or 0.0))}; " \
           f"{quantity.witness}"


def measured(used: ResourcesUsed) -> tuple[ResourceQuantity, ...]:
    """The quantities that have samples."""
    return tuple(one for one in used.quantities if one.rows)


def missing(used: ResourcesUsed) -> Iterator[tuple[str, str]]:
    """(the quantities, their common reason) of those that have none."""
    reasons: dict[str, list[str]] = {}
    for one in used.quantities:
        if not one.rows:
            reasons.setdefault(f"{one.outcome}: {one.reason}", []).append(one.title)
    for reason, titles in reasons.items():
        yield ", ".join(titles), reason


def replica_cells(row: ReplicaRow) -> tuple[str, ...]:
    """What the table says of one row of the heat map."""
    return (row.pod, numbers.number(row.mean_waiting, 2), numbers.number(row.peak_waiting),
            numbers.number(row.waiting_seconds), numbers.number(row.mean_running, 2),
            numbers.number(row.peak_running),
            numbers.DASH if row.peak_kv_cache_percent is None else amount(row.peak_kv_cache_percent, "percent"))


def evenness(found: ReplicaMap) -> str:
    """How evenly the queue lay on the replicas, in one sentence; empty where nothing waited on two or more."""
    if found.busiest_percent is None or found.even_percent is None:
        return ""
    return (f"While there were two replicas or more, the busiest of each instant had {found.busiest_percent:.0f} % of "
            f"all waiting requests; with equal parts it would have been {found.even_percent:.0f} %.")


def in_memory_section(quantity: ResourceQuantity) -> bool:
    """Whether its table and its chart are those of the section of memory."""
    return quantity.group is Group.MEMORY or quantity.name in (GPU_MEMORY, GPU_MEMORY_FILLED)


def tabled(used: ResourcesUsed) -> tuple[ResourceQuantity, ...]:
    """The quantities of the table of resources."""
    return tuple(one for one in measured(used) if not in_memory_section(one))


def columns(used: ResourcesUsed) -> Sequence[str]:
    """Names of the windows that are columns: of a Knee its stage, since its steps may be many."""
    return [one.name for one in used.windows if one.kind is not WindowKind.STEP]


def levels(row: ResourceRow, used: ResourcesUsed) -> Sequence[ResourceLevel]:
    """The levels in the order of the columns."""
    return [level for level, window in zip(row.levels, used.windows, strict=True)
            if window.kind is not WindowKind.STEP]

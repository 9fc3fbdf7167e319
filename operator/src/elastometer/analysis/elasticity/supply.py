"""A supply as steps, with the bounds that watch gaps leave it."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.gaps import CATCH_UP
from elastometer.analysis.evidence.steps import Step, Steps
from elastometer.model.units import to_seconds

# In a longer gap replicas may have come and gone again: they are then only known to lie within the test's own bounds.
LONG_GAP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Supply:
    """`steps` is what was seen, `low` and `high` what it was at least and at most; all in seconds from the start of the
    load. `notes` say where they differ. With a `reason` nothing of it can be scored."""

    steps: Steps
    low: Steps
    high: Steps
    notes: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Gap:
    start: float
    end: float


def supply_of(steps: Steps, what: str, resource: str, evidence: Evidence, end: float) -> Supply:
    """`what` is what the steps count, `resource` what must be watched to see them."""
    if steps.value_at(0.0) is None:
        return Supply(steps, steps, steps, reason=f"{what}: nothing was seen of them at the start of the load")
    gaps = list(_merged(_within(evidence, resource, end)))
    too_long = next((gap for gap in gaps if gap.end - gap.start > LONG_GAP_SECONDS), None)
    most = evidence.terms.maximum_replicas
    if too_long is not None and most is None:
        return Supply(steps, steps, steps, reason=(
            f"{what}: {resource} were not watched from {too_long.start:.0f} s to {too_long.end:.0f} s, and the test "
            "states no maximum that would bound them"))
    low = _bounded(steps, gaps, min, float(evidence.terms.minimum_replicas or 0))
    high = _bounded(steps, gaps, max, float(most or 0))
    total = sum(gap.end - gap.start for gap in gaps)
    notes = (f"{what}: {resource} were not watched for {total:.1f} s; the bounds hold for any number between those "
             f"before and after",) if gaps and low != high else ()
    return Supply(steps, low, high, notes)


def _within(evidence: Evidence, resource: str, end: float) -> Iterator[_Gap]:
    for gap in evidence.gaps:
        start, over = evidence.seconds(gap.start), evidence.seconds(gap.end) + to_seconds(CATCH_UP)
        if gap.resource in ("*", resource) and over > 0 and start < end:
            yield _Gap(start, over)


def _merged(gaps: Iterator[_Gap]) -> Iterator[_Gap]:
    current: _Gap | None = None
    for gap in sorted(gaps, key=lambda one: one.start):
        if current is None:
            current = gap
        elif gap.start <= current.end:
            current = _Gap(current.start, max(current.end, gap.end))
        else:
            yield current
            current = gap
    if current is not None:
        yield current


def _bounded(steps: Steps, gaps: Sequence[_Gap], pick: Callable[[list[float]], float], limit: float) -> Steps:
    """The steps with one value in each gap: the pick of those before, within and after, and of the limit if the gap is
    long."""
    points: list[Step] = [point for point in steps.points if not any(gap.start <= point[0] < gap.end for gap in gaps)]
    for gap in gaps:
        known = [steps.value_at(gap.start), steps.value_at(gap.end),
                 *(value for time, value in steps.points if gap.start <= time < gap.end)]
        values = [value for value in known if value is not None]
        if gap.end - gap.start > LONG_GAP_SECONDS:
            values.append(limit)
        points += [(gap.start, pick(values)), (gap.end, steps.value_at(gap.end) or 0.0)]
    return Steps.of(points)

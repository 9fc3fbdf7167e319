"""Objectives on the servers' memory: how much it grew over what it was before the load, and when it was back.

They are judged by the first witness that was measured: the container's RSS, its working set, or the memory of the
process. Of several Pods the one that had most counts.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from elastometer.analysis.verdict.scope import where
from elastometer.model.measurements import Duration
from elastometer.model.memory import MemoryLevel, MemoryRow
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.resources_used import HARDLY_ROSE, OF_LOAD
from elastometer.model.terms import Indicator, Objective
from elastometer.model.units import MEBIBYTE

_Judged = tuple[Verdict, str, float | None]


def judge_memory(objective: Objective, memory: MemoryRow | None) -> ObjectiveResult:
    """The verdict; Inconclusive without a witness, or without a time before the load to compare with."""
    is_growth = objective.indicator is Indicator.MEMORY_GROWTH
    bound = objective.maximum_mebibytes if is_growth else objective.maximum_milliseconds
    name = "memory growth" if is_growth else "memory return"
    if memory is None or bound is None:
        verdict, message, measured = _inconclusive(name, objective, "no memory of the servers was measured")
    elif is_growth:
        verdict, message, measured = _growth(objective, memory, bound)
    else:
        verdict, message, measured = _return(objective, memory, bound)
    return ObjectiveResult(
        name=objective.name, indicator=objective.indicator.value, verdict=verdict, message=message, measured=measured,
        bound=None if bound is None else float(bound), unit="MiB" if is_growth else "ms",
        count=0 if memory is None else len(list(_levels(objective, memory))), stage=objective.stage)


def _growth(objective: Objective, memory: MemoryRow, bound: int) -> _Judged:
    grown = [(one.growth_bytes, one.name) for one in _levels(objective, memory) if one.growth_bytes is not None]
    if not grown:
        why = memory.growth_reason or "no part has a value to compare with idle"
        return _inconclusive("memory growth", objective, why)
    most, level = max(grown)
    mebibytes = round(most / MEBIBYTE, 2)
    met = most <= bound * MEBIBYTE
    place = f" in '{level}'" if objective.stage is None else where(objective)
    rule = "is within" if met else "exceeds"
    return (Verdict.PASS if met else Verdict.FAIL,
            f"`memory growth` {mebibytes:.1f} MiB over idle {rule} {bound} MiB{place} ({_source(memory)})", mebibytes)


def _return(objective: Objective, memory: MemoryRow, bound: int) -> _Judged:
    found = [one.returned for one in _levels(objective, memory) if one.returned is not None]
    found += [memory.returned] if objective.stage is None else []
    seen = sorted((one for one in found if one.milliseconds is not None or one.at_least_milliseconds is not None),
                  key=_latest, reverse=True)
    if seen:
        return _weightiest([_against(objective, one, bound, memory) for one in seen if not _is_cut(one, bound, memory)]
                           or [_against(objective, seen[0], bound, memory)])
    if found and all(one.reason == HARDLY_ROSE for one in found):
        return Verdict.PASS, f"`memory return`: {HARDLY_ROSE}{where(objective)}, so that nothing had to return " \
                             f"({_source(memory)})", None
    reasons = [one.reason for one in found if one.reason != HARDLY_ROSE and one.reason]
    why = reasons[0] if reasons else "load follows at once, and a return cannot be seen"
    return _inconclusive("memory return", objective, why)


def _is_cut(one: Duration, bound: int, memory: MemoryRow) -> bool:
    """Between two levels there may be less time than the bound: where it was not back by then, nothing is decided."""
    watched = one.at_least_milliseconds
    return watched is not None and watched <= bound and one is not memory.returned


def _weightiest(judged: Sequence[_Judged]) -> _Judged:
    """A Fail, else what is Inconclusive, else the slowest that passed; the slowest come first."""
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    return min(judged, key=lambda one: order.index(one[0]))


def _against(objective: Objective, slowest: Duration, bound: int, memory: MemoryRow) -> _Judged:
    place, doubt = where(objective), slowest.plus_minus_milliseconds or 0.0
    if slowest.milliseconds is None:
        at_least = slowest.at_least_milliseconds or 0.0
        if at_least > bound:
            return (Verdict.FAIL, f"`memory return` of at least {at_least:.0f} ms exceeds {bound} ms{place}: "
                                  f"{slowest.reason} ({_source(memory)})", None)
        return _inconclusive("memory return", objective, f"{slowest.reason}, after {at_least:.0f} ms")
    taken = slowest.milliseconds
    said = f"`memory return` {taken:.0f} ms (± {doubt:.0f} ms)"
    if taken - doubt > bound:
        return Verdict.FAIL, f"{said} exceeds {bound} ms{place} ({_source(memory)})", taken
    # Memory was below its bound when the sample was taken, which is never later than the sample's time.
    if taken <= bound:
        return Verdict.PASS, f"{said} is within {bound} ms{place} ({_source(memory)})", taken
    return (Verdict.INCONCLUSIVE, f"`memory return` cannot be judged within {bound} ms{place}: memory was sampled each "
                                  f"{doubt / 1000:g} s, and was back after {taken:.0f} ms", taken)


def _levels(objective: Objective, memory: MemoryRow) -> Iterable[MemoryLevel]:
    """The parts with load that the objective is about; a Knee's are its steps."""
    if objective.stage is None:
        return [one for one in memory.levels if one.kind in OF_LOAD]
    return [one for one in memory.levels if one.stage == objective.stage and one.kind in OF_LOAD]


def _inconclusive(name: str, objective: Objective, why: str) -> _Judged:
    return Verdict.INCONCLUSIVE, f"`{name}` cannot be judged{where(objective)}: {why}", None


def _latest(one: Duration) -> float:
    return one.at_least_milliseconds + 1e12 if one.at_least_milliseconds is not None else one.milliseconds or 0.0


def _source(memory: MemoryRow) -> str:
    return f"{memory.metric}, {memory.witness}"

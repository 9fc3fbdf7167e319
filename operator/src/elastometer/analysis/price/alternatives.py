"""The run beside other ways to supply the same demand: a fixed number of replicas, and the oracle."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from elastometer.analysis.price.money import PaidTime
from elastometer.analysis.price.oracle import Oracle, oracle
from elastometer.analysis.price.whole import Whole, peak
from elastometer.analysis.run import DerivedRun
from elastometer.model.measurements import Origin, Steps
from elastometer.model.milestones import Milestone
from elastometer.model.price import Alternative, AlternativeName, MissSource, OracleSupply
from elastometer.model.units import MILLISECOND

NO_OBJECTIVES = "no objective is about requests"
NOT_SIMULATED = "only a simulation can say how long its queue would have lasted"


@dataclass(frozen=True, slots=True)
class Compared:
    """What all alternatives have in common. `arrival` is the demand of what arrives, None with the reason in
    `no_demand`; `oracle` is the one for it, None where there is none. `miss_seconds` are those of the run itself,
    None without an objective on requests."""

    run: DerivedRun
    paid: PaidTime
    arrival: Whole | None
    no_demand: str | None
    oracle: Oracle | None
    miss_seconds: int | None
    end: int


def alternatives(given: Compared, paid_replica_milliseconds: int) -> tuple[Alternative, ...]:
    """The run first, then what it is compared with."""
    terms = given.run.evidence.terms
    highest = None if given.arrival is None else peak(given.arrival, 0, given.end)
    no_bounds = "the test states no bounds of an autoscaler"
    source = MissSource.MEASURED if given.run.bundle.predicted is None else MissSource.PREDICTED
    return (
        _row(given, AlternativeName.RUN, None, paid_replica_milliseconds, None,
             _misses(given, given.miss_seconds, source)),
        _static(given, AlternativeName.STATIC_MINIMUM, terms.minimum_replicas, highest, no_bounds),
        _static(given, AlternativeName.STATIC_PEAK, highest, highest, given.no_demand),
        _static(given, AlternativeName.STATIC_MAXIMUM, terms.maximum_replicas, highest, no_bounds),
        _oracle(given, no_bounds),
    )


@dataclass(frozen=True, slots=True)
class _Misses:
    seconds: int | None
    source: MissSource | None
    reason: str | None


def _misses(given: Compared, seconds: int | None, source: MissSource, otherwise: str | None = None) -> _Misses:
    if given.miss_seconds is None:
        return _Misses(None, None, NO_OBJECTIVES)
    return _Misses(None, None, otherwise) if seconds is None else _Misses(seconds, source, None)


def _row(
    given: Compared, name: AlternativeName, replicas: int | None, time: int | None, reason: str | None, misses: _Misses,
) -> Alternative:
    return Alternative(
        name, replicas, time, None if time is None else given.paid.gpu_milliseconds(time),
        None if time is None else given.paid.amount(time), misses.seconds, misses.source, reason, misses.reason)


def _static(
    given: Compared, name: AlternativeName, replicas: int | None, highest: int | None, no_number: str | None,
) -> Alternative:
    if replicas is None:
        return _row(given, name, None, None, no_number, _Misses(None, None, no_number))
    # By its definition as many replicas as are demanded meet the objectives.
    enough = highest is not None and replicas >= highest
    misses = _misses(given, 0 if enough else None, MissSource.DEMAND, given.no_demand or NOT_SIMULATED)
    return _row(given, name, replicas, replicas * given.end, None, misses)


def _oracle(given: Compared, no_bounds: str) -> Alternative:
    terms, name = given.run.evidence.terms, AlternativeName.ORACLE
    minimum, maximum = terms.minimum_replicas, terms.maximum_replicas
    if given.arrival is None or minimum is None or maximum is None:
        reason = given.no_demand if given.arrival is None else no_bounds
        return _row(given, name, None, None, reason, _Misses(None, None, reason))
    found = given.oracle
    if found is None:
        reason = "no cold start was measured"
        return _row(given, name, None, None, reason, _Misses(None, None, reason))
    # Where the demand is within the maximum, the oracle supplies it, which meets the objectives by its definition.
    return _row(given, name, None, found.replica_milliseconds, None, _misses(given, 0, MissSource.DEMAND))


def oracle_of(run: DerivedRun, load: Whole | None, cold_start: int | None, end: int) -> Oracle | None:
    """The oracle for a load in PARTS of a replica. None without one, without bounds of an autoscaler, or where a cold
    start is needed and none is known."""
    minimum, maximum = run.evidence.terms.minimum_replicas, run.evidence.terms.maximum_replicas
    if load is None or minimum is None or maximum is None:
        return None
    return oracle(load, minimum, maximum, cold_start, end)


def oracle_supply(found: Oracle, cold_start: int | None) -> OracleSupply:
    """The oracle as the report has it."""
    return OracleSupply(
        cold_start if found.starts else None, found.starts,
        tuple((start / 1000, stop / 1000) for start, stop in found.overloaded),
        _seconds(found.size), _seconds(found.ready))


def _seconds(steps: Whole) -> Steps:
    return tuple((at / 1000, value) for at, value in steps)


def typical_cold_start(run: DerivedRun) -> int | None:
    """Milliseconds from the creation of a replica until it was Ready: the median of those that were added, or of the
    first ones if none was added; None if none was seen."""
    added = [length for start, length in _lengths(run) if start is not Origin.INITIAL]
    found = added or [length for _, length in _lengths(run)]
    return round(median(found)) if found else None


def _lengths(run: DerivedRun) -> Iterator[tuple[Origin, int]]:
    for start in run.starts:
        created, ready = start.used.get(Milestone.CREATED), start.used.get(Milestone.READY)
        if created is not None and ready is not None and ready.instant >= created.instant:
            yield start.origin, round((ready.instant - created.instant) / MILLISECOND)

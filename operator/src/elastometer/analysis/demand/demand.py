"""The demand of a run: the fewest replicas that meet the objectives under the load, at each instant.

The capacity of one replica is taken to add up: d replicas serve d times as much. Whether that was checked is part of
what the capacity's source says.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from elastometer.analysis.capacity.sustained import LATENCIES
from elastometer.analysis.demand.arrivals import Arrivals, arrivals
from elastometer.analysis.demand.curves import Windows, edges_of, window_seconds, windows
from elastometer.analysis.demand.source import Found, find_source, rule_words
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.run import DerivedRun
from elastometer.model.demand_terms import demand_terms
from elastometer.model.elasticity import DemandAccount, DemandSource, ReplicaCapacity, StageLimit
from elastometer.model.errors import SpecError
from elastometer.model.in_words import plural
from elastometer.model.units import SECOND
from elastometer_loadgen.stages.stage import StageType

NOTHING = Steps(())
# Within this time what waits is to be worked off, where neither the test nor an objective says.
DRAIN_SECONDS = 30.0
# So many capacities stand for all within the error, both ends and the middle among them.
CAPACITIES = 41
CLOSED_LOOPS = (StageType.USERS, StageType.CONCURRENCY, StageType.SWEEP)


@dataclass(frozen=True, slots=True)
class Demand:
    """Replicas as steps, in seconds from the start of the load to `end`; all are empty where the source is NotJudged.

    `arrival` is what came, `backlog` what came plus what waited, `low` and `high` are `arrival` at the ends of the
    capacity's error, None if no error is known. `work` is `backlog` without the replica that a target needs which may
    not scale to zero; `load` is `arrival` without it, and before it is rounded up to whole replicas. `account` is what
    the report says of them. `within` are the demands of what came at capacities within the error, from the highest to
    the lowest, each once; empty if no error is known.
    """

    account: DemandAccount
    end: float
    arrival: Steps = NOTHING
    backlog: Steps = NOTHING
    low: Steps | None = None
    high: Steps | None = None
    load: Steps = NOTHING
    work: Steps = NOTHING
    within: tuple[Steps, ...] = ()

    @property
    def is_judged(self) -> bool:
        """Whether there is a demand at all."""
        return self.account.source is not DemandSource.NOT_JUDGED


def demand_of(run: DerivedRun) -> Demand:
    """The demand of a run. It looks at every request, so a caller that has it passes it on."""
    evidence = run.evidence
    end = (evidence.load_end - evidence.origin) / SECOND
    came = arrivals(evidence)
    if not came.count or not evidence.has_origin or end <= 0:
        return _not_judged("no request was recorded", end)
    terms = demand_terms(evidence.spec)
    try:
        found = find_source(run, terms, came)
    except SpecError as error:
        return _not_judged(str(error), end)
    width = window_seconds(came.count, end)
    drain = terms.drain_seconds or _drain(evidence, width)
    found_windows = windows(
        came, found.work, edges_of(evidence.stages, end, width), lambda time: _share_at(time, found, evidence))
    return _demand(evidence, came, found, found_windows, drain, width)


def _not_judged(reason: str, end: float) -> Demand:
    return Demand(DemandAccount(DemandSource.NOT_JUDGED, reason=reason), end)


def _demand(
    evidence: Evidence, came: Arrivals, found: Found, counted: Windows, drain: float, width: float,
) -> Demand:
    floor = least_replicas(evidence)
    arrival, backlog = counted.arrival(floor), counted.backlog(floor, drain)
    low = high = None
    within: tuple[Steps, ...] = ()
    if found.error_percent is not None:
        within = _within(counted, floor, min(found.error_percent, 99.0) / 100)
        low, high = within[0], within[-1]
    account = DemandAccount(
        source=found.source, basis=found.basis, error_percent=found.error_percent, error_source=found.error_source,
        capacity=_capacity(found, came), window_seconds=width, drain_seconds=drain,
        notes=tuple(_notes(evidence, came, floor)), fitted=found.fitted,
        arrival=_points(arrival), backlog=_points(backlog),
        low=() if low is None else _points(low), high=() if high is None else _points(high),
    )
    return Demand(account, counted.edges[-1], arrival, backlog, low, high, counted.load(), counted.backlog(0, drain),
                  within)


def _within(counted: Windows, floor: int, share: float) -> tuple[Steps, ...]:
    """What came, in replicas of capacities that are evenly spaced from 1 + `share` of the capacity to 1 - `share`."""
    factors = (1 / (1 + share * (1 - 2 * number / (CAPACITIES - 1))) for number in range(CAPACITIES))
    return tuple(dict.fromkeys(counted.arrival(floor, factor) for factor in factors))


def least_replicas(evidence: Evidence) -> int:
    """What is needed while nothing arrives: none where the test may scale to zero, else one."""
    return 0 if evidence.terms.minimum_replicas == 0 else 1


def _share_at(time: float, found: Found, evidence: Evidence) -> float:
    """How much of the saturated throughput the objectives leave at a time; all of it where that is not the measure."""
    inside = (stage.name for stage in evidence.stages if None not in (stage.start_seconds, stage.end_seconds)
              and (stage.start_seconds or 0.0) <= time < (stage.end_seconds or 0.0))
    limit = found.limits.get(next(inside, None))
    return 1.0 if limit is None else limit.share


def _points(steps: Steps) -> tuple[tuple[float, int | None], ...]:
    return tuple((time, int(value)) for time, value in steps.points)


def _drain(evidence: Evidence, width: float) -> float:
    """The longest bound of a latency objective, but at least a window; without one, DRAIN_SECONDS."""
    bounds = [one.maximum_milliseconds / 1000 for one in evidence.terms.objectives
              if one.indicator in LATENCIES and one.maximum_milliseconds is not None]
    return max(width, float(ceil(max(bounds)))) if bounds else DRAIN_SECONDS


def _capacity(found: Found, came: Arrivals) -> ReplicaCapacity:
    prompt, output = came.mean("prompt"), came.mean("output")
    shares = [limit.share for limit in found.limits.values()]
    work = found.work.scaled(1 / min(shares, default=1.0))
    rate = 1 / work.seconds(prompt or 0.0, output or 0.0)
    return ReplicaCapacity(
        requests_per_second=rate,
        prompt_tokens_per_second=None if prompt is None else rate * prompt,
        output_tokens_per_second=None if output is None else rate * output,
        mean_prompt_tokens=prompt, mean_output_tokens=output,
        seconds_per_request=work.per_request, seconds_per_prompt_token=work.per_prompt_token,
        seconds_per_output_token=work.per_output_token, rule=found.rule,
        limits=tuple(StageLimit(stage, 100 * limit.share, rate * limit.share / min(shares), rule_words(limit))
                     for stage, limit in found.limits.items() if stage is not None),
    )


def _notes(evidence: Evidence, came: Arrivals, floor: int) -> Iterator[str]:
    if came.substituted:
        yield (f"{came.substituted} of {plural(came.count, 'request')} failed or state no tokens; they count with the "
               "median tokens of their stage")
    closed = [stage.name for stage in evidence.stages if stage.type in CLOSED_LOOPS]
    if closed:
        yield (f"users wait for their answers, so in the stages {', '.join(closed)} no more could arrive than was "
               "served: the demand of those stages is that of what was served")
    if floor:
        yield "a target that may not scale to zero needs one replica even while nothing arrives"

"""From the demand that passed supply to the decision in the API, by the autoscaler's account, in order of time."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.scaling import Change, gap_sentence
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.scaleout.activation import activation_segments, stamp_of
from elastometer.analysis.scaleout.segments import Milliseconds, Segment, joined, since_origin
from elastometer.model.autoscaler import AutoscalerAccount, LossPart, ScaleAccount
from elastometer.model.scaleout_waterfall import SIGNAL, WRITTEN, ScaleOutBegin
from elastometer.model.wake import Wake, WakeStep

# The sync that wrote a change, and the change itself, are no further apart than one period of the controller.
SAME_CHANGE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a scale-out counts from, and how exactly that is known."""

    kind: ScaleOutBegin
    at: Milliseconds
    plus_minus: float | None
    source: str
    reason: str | None = None


def account_of(change: Change, account: AutoscalerAccount, evidence: Evidence) -> ScaleAccount | None:
    """The autoscaler's account of a change, the one that is nearest in time."""
    at = evidence.seconds(change.decided.instant)
    near = [one for one in account.changes if one.to_replicas == change.after and one.from_replicas == change.before
            and abs(one.written_seconds - at) <= SAME_CHANGE_SECONDS]
    return min(near, key=lambda one: abs(one.written_seconds - at), default=None)


def beginning(
    change: Change, mine: ScaleAccount | None, demand: Demand, run: DerivedRun, wake: Wake | None,
) -> Beginning:
    """Demand, if it is known and passed the supply; else the signal; else the decision itself. A request that finds no
    replica is demand that nobody needs to estimate."""
    evidence, changes = run.evidence, run.changes
    first = None if wake is None else stamp_of(wake, WakeStep.FIRST_REQUEST)
    if first is not None:
        return Beginning(ScaleOutBegin.DEMAND, round(1000 * first.seconds), first.resolution_milliseconds,
                         first.source.value, "a request came while there was no replica")
    decided = evidence.seconds(change.decided.instant)
    since = max((evidence.seconds(one.decided.instant) for one in changes
                 if one.number < change.number and one.before > change.before), default=None)
    for curve, why in ((demand.arrival, None), (demand.backlog, "by the demand with what still waited to be served")):
        crossed = _passed(curve, change.before, decided, since)
        if crossed is not None:
            doubt = _doubt(demand, change.before, decided, since, crossed) if curve is demand.arrival else \
                1000 * (demand.account.window_seconds or 0.0)
            return Beginning(ScaleOutBegin.DEMAND, round(1000 * crossed), doubt, demand.account.source.value, why)
    why = f"the demand is not judged: {demand.account.reason}" if not demand.is_judged else \
        f"by the judged demand, {change.before} were enough at the decision"
    needed = None if mine is None else min((part.start_seconds for part in _known(mine)), default=None)
    if needed is not None and mine is not None:
        return Beginning(ScaleOutBegin.SIGNAL, round(1000 * needed), 1000 * _known(mine)[0].start_plus_minus_seconds,
                         _known(mine)[0].source, why)
    return Beginning(ScaleOutBegin.DECISION, since_origin(change.decided.instant, evidence.origin),
                     change.decided.resolution / 1e6, change.decided.source.value, why)


def _passed(demand: Steps, size: int, until: float, since: float | None) -> float | None:
    """Since when more than `size` was needed without a break, at or before `until`; never before `since`, when the
    supply was larger. None where it was not needed after that."""
    start: float | None = None
    ended = True
    for time, value in demand.points:
        if time > until:
            break
        if value > size and ended:
            start, ended = time, False
        elif value <= size:
            ended = True
            if since is not None and time <= since:
                start = None
    return start if start is None or since is None else max(start, since)


def _doubt(demand: Demand, size: int, until: float, since: float | None, crossed: float) -> float:
    """Milliseconds: a window of the demand, or how far apart its bounds pass the supply."""
    others = [_passed(one, size, until, since) for one in (demand.low, demand.high) if one is not None]
    farthest = max((abs(one - crossed) for one in others if one is not None), default=0.0)
    return 1000 * max(farthest, demand.account.window_seconds or 0.0)


def _known(mine: ScaleAccount) -> list[LossPart]:
    return [part for part in mine.parts if part.reason is None or part.end_seconds > part.start_seconds]


def decision_segments(
    begin: Beginning, change: Change, mine: ScaleAccount | None, account: AutoscalerAccount, evidence: Evidence,
    wake: Wake | None,
) -> list[Segment]:
    """The bars from the beginning to the decision; empty where replicas were ordered before they were needed."""
    end = since_origin(change.decided.instant, evidence.origin)
    if mine is None and wake is not None:
        return list(joined(activation_segments(begin.at, end, wake), begin.at, end, _not_visible(wake)))
    if mine is None:
        why = gap_sentence(change) or account.reason or "no sync of the autoscaler is known to have written this change"
        return list(joined([], begin.at, end, why))
    unknown = "; ".join(dict.fromkeys(part.reason for part in mine.parts if part.reason)) or \
        "between the parts that the record shows"
    return list(joined(_parts(begin, change, mine, end), begin.at, end, unknown))


def _not_visible(wake: Wake) -> str:
    reasons = (one.reason for one in wake.instants if one.name is WakeStep.VISIBLE)
    return next(reasons, None) or "between the instants that the record shows"


def _parts(begin: Beginning, change: Change, mine: ScaleAccount, end: Milliseconds) -> Iterator[Segment]:
    known = _known(mine)
    is_whole = all(part in known for part in mine.parts)
    if known and is_whole and begin.kind is ScaleOutBegin.DEMAND:
        first = known[0]
        yield Segment(SIGNAL, begin.at, round(1000 * first.start_seconds),
                      (begin.plus_minus or 0.0) + 1000 * first.start_plus_minus_seconds,
                      f"{begin.source} to {first.source}")
    for part in known:
        yield Segment(
            f"lost-{part.cause.value}", round(1000 * part.start_seconds), round(1000 * part.end_seconds),
            1000 * (part.start_plus_minus_seconds + part.end_plus_minus_seconds), part.source, part.reason)
    written = round(1000 * mine.written_seconds)
    last = mine.parts[-1].end_plus_minus_seconds if mine.parts else 0.0
    yield Segment(WRITTEN, written, end, 1000 * last + change.decided.resolution / 1e6,
                  f"replay to {change.decided.source.value}", seen=(change.decided,))

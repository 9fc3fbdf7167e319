"""Where the seconds went between the need for a change and the sync that wrote it (docs/hpa.md has the rule in words).

A scale-out from n to m counts from the instant at which more than n replicas were first wanted, a scale-in from when
fewer were. Each interval between two syncs belongs to the binding constraint of the first of them. The time before the
first sync that saw the need is the metric delay and the wait for that sync.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise

from elastometer.analysis.autoscaler.needs import Part, Signals, before_first
from elastometer.analysis.autoscaler.points import Bounds, Point, bound_by, holding, is_beyond
from elastometer.model.autoscaler import CAUSE_LABELS, Cause, HeldTime, Loss, LossPart, ScaleAccount
from elastometer.model.measurements import Direction, Duration

OUT_OF_BOUNDS = "the replicas were outside of minReplicas and maxReplicas: no metric was evaluated"


def scale_accounts(points: Sequence[Point], signals: Mapping[int, Signals]) -> tuple[ScaleAccount, ...]:
    """One account per sync that changed the replicas, in order; `signals` by the index of their metric."""
    written = [index for index, point in enumerate(points) if point.after != point.before]
    return tuple(_account(number, index, points, signals) for number, index in enumerate(written, 1))


def held(points: Sequence[Point], bounds: Bounds) -> tuple[HeldTime, ...]:
    """All time in which the replicas were not as many as wanted, or the wanted number was unknown, by constraint."""
    seconds: dict[tuple[Direction, Cause], float] = defaultdict(float)
    first: dict[tuple[Direction, Cause], float] = {}
    for one, other in pairwise(points):
        cause = holding(one, bounds)
        if cause is not None:
            key = (_direction(one), cause)
            seconds[key] += other.at - one.at
            first.setdefault(key, one.at)
    directions, order = list(Direction), list(CAUSE_LABELS)
    keys = sorted(seconds, key=lambda key: (directions.index(key[0]), order.index(key[1])))
    return tuple(
        HeldTime(direction, cause, CAUSE_LABELS[cause], round(seconds[direction, cause], 3),
             round(first[direction, cause], 3))
        for direction, cause in keys)


def _direction(point: Point) -> Direction:
    """The way in which the replicas differed from what was wanted."""
    if point.wanted is None:
        return Direction.UNKNOWN
    return Direction.OUT if point.wanted > point.after else Direction.IN


def _account(number: int, index: int, points: Sequence[Point], signals: Mapping[int, Signals]) -> ScaleAccount:
    point, run = points[index], _run(index, points)
    out = point.after > point.before
    if point.wanted is None:
        parts = []
    else:
        signal = signals.get(points[run[0]].metric, Signals())
        parts = [*before_first(points[:run[0] + 1], point.before, out, signal), *_between(run, points, out)]
    return ScaleAccount(
        number=number, direction=Direction.OUT if out else Direction.IN,
        from_replicas=point.before, to_replicas=point.after,
        needed_seconds=round(min((part.start for part in parts), default=point.at), 3),
        written_seconds=round(point.at, 3), whole=_whole(parts), losses=tuple(_losses(parts)),
        parts=tuple(map(_part, parts)))


def _part(part: Part) -> LossPart:
    return LossPart(part.cause, round(part.start, 3), round(part.end, 3), part.start_doubt, part.end_doubt, part.source,
                    part.reason)


def _run(index: int, points: Sequence[Point]) -> list[int]:
    """The syncs up to this one, from the first that already wanted it. Those without a metric count only in between."""
    size, out, run = points[index].before, points[index].after > points[index].before, [index]
    for back in range(index - 1, -1, -1):
        one = points[back]
        had_enough = one.after > size if out else one.after < size
        if had_enough or not (one.blind is not None or is_beyond(one.wanted, size, out)):
            break
        run.append(back)
    while len(run) > 1 and points[run[-1]].wanted is None:
        run.pop()
    return run[::-1]


def _between(run: Sequence[int], points: Sequence[Point], out: bool) -> Iterator[Part]:
    """Consecutive intervals of one cause are one part, whose length does not depend on the syncs within it."""
    size = points[run[-1]].before
    spans = ((bound_by(points[first], size, out), points[first], points[second]) for first, second in pairwise(run))
    for cause, group in groupby(spans, key=lambda span: span[0]):
        mine = list(group)
        start, end = mine[0][1], mine[-1][2]
        yield Part(cause, start.at, end.at, start.resolution_seconds, end.resolution_seconds, "replay")


def _losses(parts: Sequence[Part]) -> Iterator[Loss]:
    """The parts added up by cause, in the order in which the causes act."""
    for cause, label in CAUSE_LABELS.items():
        mine = [part for part in parts if part.cause is cause]
        if not mine:
            continue
        known = [part for part in mine if part.is_known]
        reasons = dict.fromkeys(part.reason for part in mine if part.reason is not None)
        yield Loss(
            cause, label, _milliseconds(part.end - part.start for part in known) if known else None,
            _milliseconds(part.start_doubt + part.end_doubt for part in known) if known else None,
            ", ".join(dict.fromkeys(part.source for part in mine)), "; ".join(reasons) or None)


def _whole(parts: Sequence[Part]) -> Duration:
    """The sum of the parts; only a lower bound if a part is unknown."""
    if not parts:
        return Duration(reason=OUT_OF_BOUNDS)
    whole = _milliseconds(part.end - part.start for part in parts if part.is_known)
    unknown = next((part.reason for part in parts if not part.is_known), None)
    if unknown is not None:
        return Duration(at_least_milliseconds=whole, reason=unknown)
    doubt = _milliseconds((parts[0].start_doubt, parts[-1].end_doubt))
    return Duration(milliseconds=whole, plus_minus_milliseconds=doubt)


def _milliseconds(seconds: Iterable[float]) -> float:
    return round(1000 * sum(seconds), 1)

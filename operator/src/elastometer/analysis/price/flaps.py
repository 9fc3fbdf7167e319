"""Scale-ins that were reversed soon after, and what each cost."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from elastometer.analysis.evidence.scaling import Change
from elastometer.analysis.price.money import PaidTime
from elastometer.analysis.price.parts import missing, ready
from elastometer.analysis.price.spans import Span
from elastometer.analysis.price.whole import Whole, milliseconds, overlap
from elastometer.analysis.run import DerivedRun
from elastometer.model.price import Flap, Part
from elastometer.model.units import SECOND

# If the replicas are needed again sooner than this, the scale-in cost more in cold starts than it saved.
FLAP_SECONDS = 120


def reversals(changes: Sequence[Change]) -> list[tuple[Change, Change]]:
    """Scale-ins with the scale-out that followed within FLAP_SECONDS."""
    return [(first, second) for first, second in pairwise(changes)
            if not first.is_out and second.is_out
            and second.decided.instant - first.decided.instant <= FLAP_SECONDS * SECOND]


def flaps(run: DerivedRun, found: Sequence[Span], demand: Whole | None, end: int, paid: PaidTime) -> Iterator[Flap]:
    """Each reversal during the load and after it, with its cost."""
    supply, by_pod = ready(found), defaultdict[str, list[Span]](list)
    for span in found:
        by_pod[span.uid].append(span)
    for first, second in reversals(run.changes):
        removed_at, added_at = (milliseconds(run.evidence.seconds(one.decided.instant)) for one in (first, second))
        if removed_at < 0:
            continue
        back = min(first.before - first.after, second.after - second.before)
        starting, ready_at = _starting(run, second, by_pod, back, end)
        yield Flap(
            first.number, second.number, back, after_seconds=(added_at - removed_at) / 1000,
            starting_replica_milliseconds=starting, starting_gpu_milliseconds=paid.gpu_milliseconds(starting),
            saved_replica_milliseconds=back * (min(added_at, end) - min(removed_at, end)),
            missing_replica_milliseconds=None if demand is None else
            missing(supply, demand, min(removed_at, end), ready_at, back),
            amount=paid.amount(starting))


def _starting(
    run: DerivedRun, change: Change, by_pod: Mapping[str, Sequence[Span]], back: int, end: int,
) -> tuple[int, int]:
    """What the first `back` Pods of a scale-out spent starting, and when the last of them was Ready (or the end)."""
    uids = [start.pod.uid for start in run.starts if start.change is not None and start.change.number == change.number]
    total, until = 0, 0
    for uid in uids[:back]:
        mine = by_pod.get(uid, ())
        first_ready = min((span.start for span in mine if span.part is Part.READY), default=end)
        total += sum(overlap(span.stretch, 0, end) for span in mine
                     if span.part is Part.STARTING and span.start < first_ready)
        until = max(until, first_ready)
    return total, min(end, until) if uids else end

"""The climbs of the load's Knees beside what the target was then: how many replicas were Ready in each step.

The load generator judged the steps while they ran. Their times are of its clock, the replicas of the operator's.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from elastometer.analysis.evidence import Evidence
from elastometer.analysis.latency import load_row
from elastometer.analysis.steps import Steps
from elastometer.model.knee import Knee, KneeSeen, KneeStep, StepSeen
from elastometer.model.request import GeneratorSummary, RequestRecord


def knees(generators: Sequence[GeneratorSummary], evidence: Evidence, ready: Steps) -> tuple[Knee, ...]:
    """In order of their first steps; a climb that a worker told twice, before and after a restart, once."""
    seen = {climb: None for one in generators for climb in one.knees}
    by_stage = defaultdict[str, list[RequestRecord]](list)
    for record in evidence.requests:
        by_stage[record.stage].append(record)
    found = [_knee(climb, by_stage[climb.stage], evidence, ready) for climb in seen]
    return tuple(sorted(found, key=lambda knee: knee.steps[0].start_seconds if knee.steps else 0.0))


def _knee(climb: KneeSeen, records: Sequence[RequestRecord], evidence: Evidence, ready: Steps) -> Knee:
    def step(one: StepSeen) -> KneeStep:
        return _step(one, [record for record in records if one.start <= record.intended < one.end], evidence, ready)
    return Knee(climb.stage, climb.of, climb.good, tuple(map(step, climb.steps)),
                None if climb.soak is None else step(climb.soak))


def _step(one: StepSeen, records: Sequence[RequestRecord], evidence: Evidence, ready: Steps) -> KneeStep:
    row, start, end = load_row("", records), evidence.seconds(one.start), evidence.seconds(one.end)
    replicas, gap = list(_within(ready, start, end)), evidence.gap_within(one.start, one.end, "pods")
    return KneeStep(
        value=one.value, start_seconds=start, end_seconds=end, failed=one.failed,
        count=row.count, success_percent=row.success_percent,
        time_to_first_token_p95_milliseconds=row.time_to_first_token.p95,
        ready_minimum=min(replicas, default=None), ready_maximum=max(replicas, default=None),
        note=None if gap is None else f"a watch gap touches it ({gap.resource})",
    )


def _within(steps: Steps, start: float, end: float) -> Iterator[int]:
    """Every value that held at some time between the two."""
    first = steps.value_at(start)
    if first is not None:
        yield int(first)
    yield from (int(value) for time, value in steps.points if start < time < end)

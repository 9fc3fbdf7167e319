"""The climbs of the load's Knees beside what the target was then: how many replicas were Ready in each step.

The load generator judged the steps while they ran. Their times are of its clock, the replicas of the operator's.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.requests.latency import load_row
from elastometer.model.knee import Knee, KneeEnding, KneeSeen, KneeStep, StepSeen
from elastometer.model.request import RecordedRequest


def knees(evidence: Evidence, ready: Steps) -> tuple[Knee, ...]:
    """In order of their first steps. Of several accounts of one climb the one that got farthest stands: a worker that
    was stopped told of a part, and the one that took its place told the whole."""
    seen = defaultdict[str, dict[KneeSeen, None]](dict)
    for climb in (climb for one in evidence.generators for climb in one.knees):
        seen[climb.stage][climb] = None
    by_stage = defaultdict[str, list[RecordedRequest]](list)
    for record in evidence.requests:
        by_stage[record.stage].append(record)
    maxima = {stage.name: stage.maximum for stage in evidence.terms.stages}
    found: list[Knee] = []
    for stage, told in seen.items():
        climb = max(told, key=lambda one: (len(one.steps), one.soak is not None))
        knee = _knee(climb, by_stage[stage], evidence, ready)
        maximum = maxima.get(stage)
        found.append(replace(knee, maximum=maximum, ending=ending(climb, maximum), further_accounts=len(told) - 1))
    return tuple(sorted(found, key=lambda knee: knee.steps[0].start_seconds if knee.steps else 0.0))


def _knee(climb: KneeSeen, records: Sequence[RecordedRequest], evidence: Evidence, ready: Steps) -> Knee:
    def step(one: StepSeen) -> KneeStep:
        return _step(one, [record for record in records if one.start <= record.intended < one.end], evidence, ready)
    return Knee(climb.stage, climb.of, climb.good, None, KneeEnding.UNKNOWN, tuple(map(step, climb.steps)),
                None if climb.soak is None else step(climb.soak), climb.interrupted, 0)


def ending(climb: KneeSeen, maximum: int | None) -> KneeEnding:
    """A climb that nothing ended before its planned last step was stopped, unless its soak says that it was over."""
    last = climb.steps[-1] if climb.steps else None
    if last is not None and last.failed is not None:
        return KneeEnding.STEP_FAILED
    if last is not None and last.inconclusive is not None:
        return KneeEnding.STEP_INCONCLUSIVE
    if climb.soak is not None or (last is not None and last.value == maximum):
        return KneeEnding.ALL_HELD
    return KneeEnding.UNKNOWN if maximum is None and last is not None else KneeEnding.STOPPED


def _step(one: StepSeen, records: Sequence[RecordedRequest], evidence: Evidence, ready: Steps) -> KneeStep:
    row, start, end = load_row("", records), evidence.seconds(one.start), evidence.seconds(one.end)
    replicas, gap = list(_within(ready, start, end)), evidence.gap_within(one.start, one.end, "pods")
    return KneeStep(
        value=one.value, start_seconds=start, end_seconds=end, failed=one.failed, inconclusive=one.inconclusive,
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

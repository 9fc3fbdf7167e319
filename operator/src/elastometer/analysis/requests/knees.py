"""The load's knee searches next to the state of the target: how many replicas were Ready during each step.

The load generator judged the steps while they ran. The times of the steps are from its clock, those of the replicas
from the operator's.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.requests.latency import load_row, of_stage
from elastometer.model.knee import Knee, KneeEnding, KneeSeen, KneeStep, StepSeen
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import RequestRows


def knees(evidence: Evidence, ready: Steps) -> tuple[Knee, ...]:
    """In order of their first steps."""
    maxima = {stage.name: stage.maximum for stage in evidence.terms.stages}
    found: list[Knee] = []
    for search, further in _searches(evidence):
        # As the worker judged: what was due in the warm-up of a step says nothing about it.
        knee = _knee(search, of_stage(evidence.judged, search.stage), evidence, ready)
        maximum = maxima.get(search.stage)
        found.append(replace(knee, maximum=maximum, ending=ending(search, maximum), further_accounts=further))
    return tuple(sorted(found, key=lambda knee: knee.steps[0].start_seconds if knee.steps else 0.0))


def searches(evidence: Evidence) -> tuple[KneeSeen, ...]:
    """One search of each stage, as its worker reported it."""
    return tuple(search for search, _ in _searches(evidence))


def _searches(evidence: Evidence) -> Iterator[tuple[KneeSeen, int]]:
    """With the number of further reports on it. Of several the longest counts: a worker that was stopped reported a
    part of it, and the worker that replaced it the whole."""
    seen = defaultdict[str, dict[KneeSeen, None]](dict)
    for search in (search for generator in evidence.generators for search in generator.knees):
        seen[search.stage][search] = None
    for reports in seen.values():
        yield max(reports, key=lambda report: (len(report.steps), report.soak is not None)), len(reports) - 1


def _knee(search: KneeSeen, table: pl.DataFrame, evidence: Evidence, ready: Steps) -> Knee:
    def step(one: StepSeen) -> KneeStep:
        mine = table.filter(pl.col("intended").is_between(one.start, one.end, closed="left"))
        return _step(one, RequestRows(mine), evidence, ready)
    return Knee(search.stage, search.of, search.good, None, KneeEnding.UNKNOWN, tuple(map(step, search.steps)),
                None if search.soak is None else step(search.soak), search.interrupted, 0)


def ending(search: KneeSeen, maximum: int | None) -> KneeEnding:
    """How the search ended. Without a failed step or a soak it was stopped, unless it reached its last step."""
    last = search.steps[-1] if search.steps else None
    if last is not None and last.failed is not None:
        return KneeEnding.STEP_FAILED
    if last is not None and last.inconclusive is not None:
        return KneeEnding.STEP_INCONCLUSIVE
    if search.soak is not None or (last is not None and last.value == maximum):
        return KneeEnding.ALL_HELD
    return KneeEnding.UNKNOWN if maximum is None and last is not None else KneeEnding.STOPPED


def _step(one: StepSeen, records: Sequence[RecordedRequest], evidence: Evidence, ready: Steps) -> KneeStep:
    row, start, end = load_row("", records), evidence.seconds(one.start), evidence.seconds(one.end)
    replicas, gap = list(within(ready, start, end)), evidence.gap_within(one.start, one.end, "pods")
    return KneeStep(
        value=one.value, start_seconds=start, end_seconds=end, failed=one.failed, inconclusive=one.inconclusive,
        count=row.count, success_percent=row.success_percent,
        time_to_first_token_p95_milliseconds=row.time_to_first_token.p95,
        ready_minimum=min(replicas, default=None), ready_maximum=max(replicas, default=None),
        note=None if gap is None else f"a watch gap touches it ({gap.resource})",
    )


def within(steps: Steps, start: float, end: float) -> Iterator[int]:
    """Every value that the steps had at some time within the interval."""
    first = steps.value_at(start)
    if first is not None:
        yield int(first)
    yield from (int(value) for time, value in steps.points if start < time < end)

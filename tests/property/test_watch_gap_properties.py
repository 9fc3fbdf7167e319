"""A watch gap widens what it hides: the numbers of a run with gaps hold those of the same run without.

Objectives on scale-out lag and cold start are put where the measured values are, so that some are Inconclusive.
"""
from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.analysis.starts.coldstart import between
from elastometer.analysis.starts.scaleout import added_pod_figures, scale_out_lag
from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.model.bundle import Bundle
from elastometer.model.document import text_at
from elastometer.model.measurements import Duration
from elastometer.model.milestones import Milestone
from elastometer.model.observation import LogSeen, ObjectKind, ObjectSeen, Observation
from elastometer.model.report import Verdict
from elastometer.model.terms import Indicator, Objective
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run
from support.watch_gaps import cut, cut_often

FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Not the start of the container: without its event, the line of the Pod that shows it is late without any sign of it.
MILESTONES = (Milestone.DECIDED, Milestone.CREATED, Milestone.SCHEDULED, Milestone.READY, Milestone.IN_ENDPOINTS)


@lru_cache(maxsize=1)
def run() -> Bundle:
    with tempfile.TemporaryDirectory() as directory:
        bundle = load_bundle(write_run(Path(directory)))
    assert len(bundle.requests) == 623
    return replace(bundle, requests=tuple(record for record in bundle.requests if record.id % 6 == 0), series=())


@lru_cache(maxsize=1)
def whole() -> DerivedRun:
    return derive_run(run())


def figures(derived: DerivedRun) -> tuple[list[Duration], list[Duration]]:
    """Scale-out lags and cold starts."""
    lags = [scale_out_lag(change, [one for one in derived.starts if one.change and one.change.number == change.number],
                          derived.evidence) for change in derived.changes if change.is_out]
    return lags, added_pod_figures(derived.changes, derived.starts, derived.evidence)


def verdicts(bundle: Bundle, maximum: int) -> tuple[Verdict, Verdict]:
    lags, added = figures(derive_run(bundle))
    return tuple(
        judge_objective(Objective("o", indicator, 95, maximum, None, None), [], lags, added).verdict
        for indicator in (Indicator.SCALE_OUT_LAG, Indicator.COLD_START))


@FEW
@given(st.floats(55, 105), st.floats(0.3, 30), st.sampled_from(["*", "pods", "deployments", "endpointslices"]))
def test_the_instant_without_a_gap_lies_within_the_bounds_of_the_same_with_one(
    start: float, length: float, resource: str,
):
    found = derive_run(cut(run(), start, start + length, resource))
    assert {one.pod.name for one in found.starts} == {one.pod.name for one in whole().starts}
    for one in found.starts:
        true = next(other for other in whole().starts if other.pod.name == one.pod.name)
        for name in MILESTONES:
            if name in true.used:
                seen = one.used[name]
                assert seen.earliest <= true.used[name].instant <= seen.latest, (one.pod.name, name)


def stripped(bundle: Bundle, *, seconds: bool, logs: bool, events: bool) -> Bundle:
    """The run without what bounds an instant: the API's seconds, the log, the events about scaling."""
    kept = []
    for line in bundle.observations:
        is_scaling = isinstance(line, ObjectSeen) and text_at(line.object, "reason") == "SuccessfulRescale"
        if (isinstance(line, LogSeen) and not logs) or (is_scaling and not events):
            continue
        is_pod = isinstance(line, ObjectSeen) and line.kind is ObjectKind.POD
        kept.append(replace(line, object=_undated(line.object)) if is_pod and not seconds else line)
    return replace(bundle, observations=tuple(kept))


def _undated(value: object) -> object:
    """Without the times of conditions, containers and the object itself."""
    if isinstance(value, dict):
        return {key: _undated(item) for key, item in value.items()
                if key not in ("lastTransitionTime", "creationTimestamp", "startedAt")}
    return [_undated(item) for item in value] if isinstance(value, list) else value


@FEW
@given(st.floats(55, 105), st.floats(0.3, 20), st.booleans(), st.booleans(), st.booleans())
def test_the_bounds_hold_whatever_else_is_known_of_the_instant(
    start: float, length: float, seconds: bool, logs: bool, events: bool,
):
    poor = stripped(run(), seconds=seconds, logs=logs, events=events)
    found = derive_run(cut(poor, start, start + length))
    assert found.starts
    for one in found.starts:
        true = next(other for other in whole().starts if other.pod.name == one.pod.name)
        for name in (Milestone.CREATED, Milestone.READY, Milestone.IN_ENDPOINTS):
            assert one.used[name].earliest <= true.used[name].instant <= one.used[name].latest, (one.pod.name, name)
        if one.change is not None:
            decided = whole().changes[one.change.number - 1].decided
            same = one.change.before == whole().changes[one.change.number - 1].before
            assert not same or one.change.decided.earliest <= decided.instant <= one.change.decided.latest


@FEW
@given(st.integers(0, 10**6))
def test_after_twenty_kills_every_duration_still_holds_the_true_one(seed: int):
    found = derive_run(cut_often(run(), 20, seed))
    assert len(found.evidence.gaps) == 20
    for one in found.starts:
        true = next(other for other in whole().starts if other.pod.name == one.pod.name)
        for first, last in ((Milestone.CREATED, Milestone.READY), (Milestone.DECIDED, Milestone.READY)):
            if first in true.used:
                value = between(one, first, last, found.evidence)
                exact = between(true, first, last, whole().evidence)
                assert value.milliseconds is not None
                assert value.plus_minus_milliseconds is not None
                assert exact.milliseconds is not None
                assert abs(value.milliseconds - exact.milliseconds) <= value.plus_minus_milliseconds + 0.1


@FEW
@given(st.integers(0, 10**6), st.integers(5_000, 40_000))
def test_an_objective_is_inconclusive_only_where_its_bound_lies_within_the_numbers(seed: int, maximum: int):
    found = derive_run(cut_often(run(), 20, seed))
    _, added = figures(found)
    result = judge_objective(Objective("o", Indicator.COLD_START, 100, maximum, None, None), [], [], added)
    lowest = max((one.milliseconds or 0.0) - (one.plus_minus_milliseconds or 0.0) for one in added)
    highest = max((one.milliseconds or 0.0) + (one.plus_minus_milliseconds or 0.0) for one in added)
    expected = Verdict.FAIL if lowest > maximum else Verdict.PASS if highest <= maximum else Verdict.INCONCLUSIVE
    assert result.verdict is expected


@FEW
@given(st.floats(58, 72), st.floats(0.3, 12), st.floats(0, 5), st.floats(0, 5), st.integers(10_000, 12_500))
def test_a_longer_gap_never_turns_inconclusive_into_pass(
    start: float, length: float, before: float, after: float, maximum: int,
):
    short = cut(run(), start, start + length)
    longer = cut(run(), start - before, start + length + after)
    for first, second in zip(verdicts(short, maximum), verdicts(longer, maximum), strict=True):
        assert not (first is Verdict.INCONCLUSIVE and second is Verdict.PASS)


@FEW
@given(st.floats(55, 105), st.floats(0.3, 12), st.floats(0, 8), st.floats(0, 8), st.booleans())
def test_a_longer_gap_never_narrows_an_instant(start: float, length: float, before: float, after: float, seconds: bool):
    poor = stripped(run(), seconds=seconds, logs=True, events=seconds)
    short = derive_run(cut(poor, start, start + length))
    longer = derive_run(cut(poor, start - before, start + length + after))
    for one in short.starts:
        other = next(other for other in longer.starts if other.pod.name == one.pod.name)
        for name in (Milestone.CREATED, Milestone.READY, Milestone.IN_ENDPOINTS):
            assert other.used[name].resolution >= one.used[name].resolution, (one.pod.name, name)


@FEW
@given(st.randoms(use_true_random=False), st.integers(0, 10**6), st.sampled_from([0.02, 0.2, 0.7]),
       st.integers(10_000, 12_500))
def test_seeing_less_never_turns_inconclusive_into_pass(chance: Random, seed: int, share: float, maximum: int):
    """Whichever lines about Pods, endpoints, events and logs are lost too, and the lines about the gaps themselves."""
    gapped = cut_often(run(), 6, seed, (55, 105))
    kept = tuple(line for line in gapped.observations if not (_may_be_lost(line) and chance.random() < share))
    before, after = verdicts(gapped, maximum), verdicts(replace(gapped, observations=kept), maximum)
    for first, second in zip(before, after, strict=True):
        assert not (first is Verdict.INCONCLUSIVE and second is Verdict.PASS)


def _may_be_lost(line: Observation) -> bool:
    lost = {ObjectKind.POD, ObjectKind.ENDPOINT_SLICE, ObjectKind.EVENT}
    return isinstance(line, LogSeen) or (isinstance(line, ObjectSeen) and line.kind in lost)


@pytest.mark.parametrize("maximum", [10_500, 11_200, 11_500])
def test_some_of_these_objectives_are_inconclusive(maximum: int):
    found = {verdict for seed in range(20) for verdict in verdicts(cut_often(run(), 12, seed, (55, 105)), maximum)}
    assert Verdict.INCONCLUSIVE in found

"""The bars of every scale-out add up exactly, whatever was seen of the run and whatever was needed."""
from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elastometer.analysis.autoscaler.explain_run import explain_run
from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.run import derive_run
from elastometer.analysis.scaleout.waterfalls import waterfalls
from elastometer.model.bundle import Bundle
from elastometer.model.elasticity import DemandAccount, DemandSource
from elastometer.model.scaleout_waterfall import ScaleOutWaterfall
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run
from support.watch_gaps import cut_often

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GIVEN = DemandAccount(DemandSource.GIVEN, window_seconds=1.0)
demands = st.lists(st.tuples(st.integers(0, 180), st.integers(0, 6)), min_size=1, max_size=12).map(
    lambda points: Steps.of((float(time), float(value)) for time, value in points))


@lru_cache(maxsize=1)
def run() -> Bundle:
    with tempfile.TemporaryDirectory() as directory:
        bundle = load_bundle(write_run(Path(directory)))
    assert len(bundle.requests) == 623
    return bundle


def found(bundle: Bundle, steps: Steps) -> tuple[ScaleOutWaterfall, ...]:
    derived = derive_run(bundle)
    return waterfalls(derived, explain_run(derived.evidence), Demand(GIVEN, 180.0, steps, steps))


def check(one: ScaleOutWaterfall) -> None:
    clock = round(1000 * one.start_seconds)
    for bar in one.bars:
        assert bar.milliseconds > 0
        assert round(1000 * bar.start_seconds) == clock
        clock += bar.milliseconds
    assert sum(bar.milliseconds for bar in one.bars) == one.total_milliseconds
    assert sum(summand.milliseconds or 0 for summand in one.summands) == one.total_milliseconds


@FEW
@given(demands, st.integers(0, 10**6), st.sampled_from([0, 3, 12]))
def test_bars_add_up_exactly_whatever_the_demand_and_the_gaps(steps: Steps, seed: int, gaps: int):
    every = found(cut_often(run(), gaps, seed, (40, 110)), steps)
    assert every, "the run must scale out"
    for one in every:
        check(one)


@FEW
@given(demands, st.randoms(use_true_random=False), st.sampled_from([0.05, 0.3, 0.8]))
def test_bars_add_up_exactly_whatever_was_lost(steps: Steps, chance: Random, share: float):
    kept = tuple(line for line in run().observations if chance.random() >= share)
    for one in found(replace(run(), observations=kept), steps):
        check(one)


@FEW
@given(demands, st.randoms(use_true_random=False))
def test_the_order_of_what_was_read_changes_no_waterfall(steps: Steps, chance: Random):
    streams: dict[str, list[int]] = {}
    for index, line in enumerate(run().observations):
        streams.setdefault(getattr(line, "kind", type(line).__name__), []).append(index)
    queues, merged = [list(reversed(one)) for one in streams.values()], []
    while queues:
        merged.append(chance.choice(queues).pop())
        queues = [one for one in queues if one]
    other = replace(run(), observations=tuple(run().observations[index] for index in merged))
    assert found(other, steps) == found(run(), steps)

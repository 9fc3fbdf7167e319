"""The price of recorded runs: its parts add up exactly, and nothing beats the oracle, neither run nor candidate."""
from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from elastometer.analysis.price.parts import SPLIT
from elastometer.judgement import judge
from elastometer.model.errors import SpecError
from elastometer.model.price import AlternativeName, MissSource, Part, Price
from elastometer.twin.search.answer.run import recorded
from elastometer.twin.search.score.searcher import Searcher, ranking_draws
from elastometer.twin.search.score.supplies import as_ordered
from elastometer.twin.search.vary.candidates import vary
from elastometer.twin.search.vary.grid import candidates, dimensions
from elastometer.world.bundle_reader import load_bundle

RUNS = Path(__file__).parent / "runs"
NAMES = ("cpu1", "honest-pods-a", "honest-pods-b")
CANDIDATES = {"cpu1": 200, "honest-pods-a": 1000, "honest-pods-b": 200}


@cache
def priced(name: str) -> Price:
    found = judge(load_bundle(RUNS / name)).price
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_gpu_seconds_of_a_recorded_run_add_up_to_what_was_held(name: str):
    found = priced(name)
    parts = {one.part: one.gpu_milliseconds for one in found.parts}
    assert set(parts) == set(SPLIT)
    assert sum(value or 0 for value in parts.values()) == found.held_gpu_milliseconds
    assert (found.held_gpu_milliseconds or 0) - (parts[Part.PENDING] or 0) == found.paid_gpu_milliseconds
    assert all((value or 0) > 0 for value in parts.values()), "a part that does not occur proves nothing"


@pytest.mark.parametrize("name", NAMES)
def test_no_recorded_run_beats_the_oracle_in_misses_and_gpu_seconds(name: str):
    run, oracle = (priced(name).alternative(one) for one in (AlternativeName.RUN, AlternativeName.ORACLE))
    assert run is not None
    assert oracle is not None
    assert (run.miss_source, oracle.miss_source) == (MissSource.MEASURED, MissSource.PREDICTED)
    assert None not in (run.miss_seconds, oracle.miss_seconds, run.gpu_milliseconds, oracle.gpu_milliseconds)
    assert (oracle.miss_seconds or 0) <= (run.miss_seconds or 0)
    assert (oracle.gpu_milliseconds or 0) < (run.gpu_milliseconds or 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_fixed_maximum_costs_more_and_a_fixed_minimum_misses_more(name: str):
    run, least, most = (priced(name).alternative(one) for one in (
        AlternativeName.RUN, AlternativeName.STATIC_MINIMUM, AlternativeName.STATIC_MAXIMUM))
    assert run is not None
    assert least is not None
    assert most is not None
    assert (least.miss_seconds or 0) > max(run.miss_seconds or 0, 30)
    assert (most.gpu_milliseconds or 0) > (run.gpu_milliseconds or 0)
    assert most.miss_seconds == 0


@pytest.mark.parametrize("name", NAMES)
def test_no_candidate_of_a_search_beats_the_oracle_in_misses_and_gpu_seconds(name: str):
    """Candidates and oracle go through the same draw of the same simulator. The oracle's price is the one that the
    report states, which counts no time to drain and so is lower than what the simulator makes of it."""
    run = recorded(load_bundle(RUNS / name))
    assert run.report.price is not None
    assert run.report.price.oracle is not None
    searcher, base = Searcher(run.problem), run.problem.base
    stated = run.report.price.alternative(AlternativeName.ORACLE)
    assert stated is not None
    oracle = searcher.card(as_ordered(base.scenario, run.report.price.oracle))
    assert oracle.cost >= (stated.gpu_milliseconds or 0) / 1000
    tried = cheaper = 0
    for settings in candidates(dimensions(base, tolerances=True), CANDIDATES[name], 0):
        try:
            scenario = vary(base, settings).scenario
        except SpecError:
            continue
        card = searcher.card(ranking_draws(scenario)[0])
        assert card.miss_seconds is not None
        assert oracle.miss_seconds is not None
        assert not (card.miss_seconds < oracle.miss_seconds and card.cost < oracle.cost), settings
        tried += 1
        cheaper += card.cost < (stated.gpu_milliseconds or 0) / 1000
    assert tried > 0.8 * CANDIDATES[name], "most candidates must be valid"
    assert cheaper > 0, "candidates that cost less than the oracle are those that could beat it"

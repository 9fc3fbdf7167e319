"""Users who ask again when their answer is there: one run is recorded, what-if predicts the other setting, and a live
run of that setting must be within the range that was predicted.

    pytest -m 'lab and slow' tests/e2e/test_closed_loops.py      # four runs of some four minutes

The comparison that is printed has the rows of the tables in docs/what-if.md. With ELASTOMETER_PAIRS=DIR the bundles are
kept there, or taken from there if they are there already: DIR/users-a, DIR/users-b, …
"""
from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from elastometer.cli.what_if.compare import in_words
from elastometer.twin.search.answer.compare import compare_runs
from elastometer.twin.search.answer.run import Recorded, recorded
from elastometer.twin.search.score.searcher import Searcher
from elastometer.twin.search.vary.candidates import vary
from elastometer.world.bundle_reader import load_bundle
from support.closed_pairs import PAIRS, ClosedPair, closed_test

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Runs:
    pair: ClosedPair
    a: Recorded
    b: Recorded


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: pair.name)
def runs(request: pytest.FixtureRequest, cluster: Any, module_namespace: str, tmp_path_factory: Any) -> Runs:
    kept = os.environ.get("ELASTOMETER_PAIRS")
    directory = Path(kept) if kept else tmp_path_factory.mktemp("pairs")
    directory.mkdir(parents=True, exist_ok=True)

    def run(which: str) -> Recorded:
        test = closed_test(request.param, which)
        file, out = directory / f"{test['metadata']['name']}.json", directory / test["metadata"]["name"]
        if not out.is_dir():
            file.write_text(json.dumps(test))
            code, output = cluster.run("run", str(file), "-n", module_namespace, "--out", str(out))
            assert code in (0, 1), output
        return recorded(load_bundle(out))

    return Runs(request.param, run("a"), run("b"))


def test_the_users_of_the_record_are_modelled_and_think_as_the_seed_says(runs: Runs):
    for run in (runs.a, runs.b):
        assert run.calibration.scenario.closed is not None, run.calibration.notes
        assert any(one.name == "think time" for one in run.calibration.fitted)


def test_a_live_run_of_the_other_setting_is_within_what_was_predicted(runs: Runs, capsys: pytest.CaptureFixture[str]):
    """The range over the draws, widened by how far the twin is off on the recorded run itself."""
    scenario = vary(runs.a.problem.base, runs.pair.b).scenario
    card, interval = Searcher(runs.a.problem).spread(scenario)
    live, error = runs.b.prediction_error.measured, runs.a.prediction_error
    assert interval.miss_seconds is not None
    off = max(abs((one.predicted.miss_seconds or 0) - (error.measured.miss_seconds or 0)) for one in error.draws)
    with capsys.disabled():
        print(f"\n{runs.pair.name}: objective-miss seconds {error.measured.miss_seconds} as recorded; predicted for "
              f"the other setting {card.miss_seconds} ({interval.miss_seconds[0]} to {interval.miss_seconds[1]}), live "
              f"{live.miss_seconds}; requests {error.measured.requests}, live {live.requests}")
        print("\n".join(in_words(compare_runs((f"{runs.pair.name}-a", runs.a), (f"{runs.pair.name}-b", runs.b)))))
    assert interval.miss_seconds[0] - off <= (live.miss_seconds or 0) <= interval.miss_seconds[1] + off


def test_the_users_ask_as_often_as_the_model_says(runs: Runs):
    """With the recorded random draw, within a fifth of the requests that were sent: a closed loop drifts, and pairs of
    live runs were 0 to 18 % off (docs/what-if.md)."""
    for run in (runs.a, runs.b):
        error = run.prediction_error
        assert error.recorded is not None
        assert error.recorded.predicted.requests == pytest.approx(error.measured.requests, rel=0.2)

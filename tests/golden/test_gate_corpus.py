"""How often the gate without a cluster agrees with runs: recall of harmful changes, and false alarms.

`live.json` is kept by `make gate-corpus`, with the baseline's bundles; `simulated.json` was made in virtual time by the
same model and stands in for live runs only where there are none: it measures what one recorded run and its random draw
cost, and not whether the model is right.
"""
from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from elastometer.cli.base.offline import defaulted_test, served_test
from elastometer.model.comparison import GateState
from elastometer.model.gating import GateBundle, GateTerms
from elastometer.study.gate.gate import Baseline
from elastometer.study.variants.variant_spec import patched
from elastometer.world.bundle_reader import load_bundle
from support.gate_corpus import BASE, KEPT, RECORDED, Rates, corpus, labels, rates, read_results, recorded_test

SOURCES = [name for name in ("live", "simulated") if (KEPT / f"{name}.json").exists()]
LEAST_CHANGES = 30
# What the gate is known to say otherwise than the runs: nothing. What it leaves open is counted in the printed rates.
LET_THROUGH: tuple[str, ...] = ()
FALSE_ALARMS: tuple[str, ...] = ()


@cache
def judged(source: str) -> Rates:
    """What the gate says of every change that has a label."""
    known = labels(read_results(KEPT / f"{source}.json"))
    paths = [RECORDED] if source == "simulated" else sorted(KEPT.glob(f"{BASE}-*"))
    runs = [GateBundle(path.name, defaulted_test(load_bundle(path))) for path in paths]
    test = recorded_test(paths[0])
    baseline, terms = Baseline(runs), GateTerms()
    said = {name: baseline.gate(changed(test, corpus().patches[name]), terms).state for name in known}
    return rates(said, known)


def changed(test: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The recorded test with a change, as served."""
    found = {"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest", "metadata": {"name": "demo"}}
    return {**found, "spec": served_test({**found, "spec": patched(test["spec"], patch)}).raw}


def test_the_corpus_has_enough_changes_of_both_kinds() -> None:
    assert SOURCES
    for source in SOURCES:
        known = labels(read_results(KEPT / f"{source}.json"))
        assert len(known) >= LEAST_CHANGES
        harmful = sum(label.is_harmful for label in known.values())
        assert min(harmful, len(known) - harmful) >= 10, "a corpus of one kind measures nothing"


@pytest.mark.parametrize("source", SOURCES)
def test_the_gate_lets_no_other_harmful_change_through(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = judged(source)
    with capsys.disabled():
        print(f"\n{found.in_words(source)}")
    assert found.let_through == LET_THROUGH
    assert found.harmful[GateState.REGRESSED] > 0


@pytest.mark.parametrize("source", SOURCES)
def test_the_gate_rings_no_other_false_alarm(source: str) -> None:
    assert judged(source).false_alarms == FALSE_ALARMS
    assert judged(source).harmless[GateState.HELD] > 0


def test_the_gate_agrees_with_a_pair_of_live_runs_both_ways() -> None:
    """One load under two settings: 103 s were missed under the first, 34 s under the second."""
    runs = {name: load_bundle(RECORDED.parent / name) for name in ("honest-pods-a", "honest-pods-b")}
    (slow, quick), bundles = runs, {name: GateBundle(name, run) for name, run in runs.items()}
    better = Baseline([bundles[slow]]).gate(runs[quick].spec, GateTerms())
    worse = Baseline([bundles[quick]]).gate(runs[slow].spec, GateTerms())
    assert [answer.groups[0].rows[0].measured for answer in (better, worse)] == [103, 34]
    assert (better.state, worse.state) == (GateState.HELD, GateState.REGRESSED)


def test_every_change_of_the_corpus_is_one_that_the_api_server_accepts() -> None:
    test = corpus().test
    for name, patch in corpus().patches.items():
        assert changed(test, patch)["spec"] != changed(test, {})["spec"], name


def test_live_results_come_with_the_runs_that_the_gate_replays() -> None:
    if "live" in SOURCES:
        kept = {path.name for path in KEPT.glob(f"{BASE}-*") if Path(path / "spec.json").exists()}
        runs = read_results(KEPT / "live.json").runs
        assert kept == {f"{BASE}-{run.repetition}" for run in runs if run.change == BASE}

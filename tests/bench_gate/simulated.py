"""The gate's corpus in virtual time: what `elastometer simulate` predicts of every change, from the arguments of the
stand-in and not from a run, over several random draws. It stands in for live runs and is no measurement of the gate:
the gate's twin and the simulator are one model.

    python tests/bench_gate/simulated.py        # writes tests/cases/gate_corpus/simulated.json
"""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from elastometer.cli.base.offline import served_test  # noqa: E402
from elastometer.cli.simulate.command import NOWHERE  # noqa: E402
from elastometer.cli.simulate.inputs import InputOptions, assume  # noqa: E402
from elastometer.model.prediction_basis import PredictionBasis  # noqa: E402
from elastometer.plan import TestPlan  # noqa: E402
from elastometer.study.variants.variant_spec import patched  # noqa: E402
from elastometer.twin.engine import predict  # noqa: E402
from elastometer.twin.forecast.autoscaler import planned_autoscaler  # noqa: E402
from elastometer.twin.forecast.planned import planned_scenario  # noqa: E402
from elastometer.twin.forecast.planned_load import planned_load  # noqa: E402
from elastometer.twin.forecast.predicted_run import PredictedRun  # noqa: E402
from elastometer.twin.forecast.synthetic import synthetic_bundle  # noqa: E402
from elastometer.twin.search.score.scorecard import Judge  # noqa: E402
from support.gate_corpus import (  # noqa: E402
    BASE,
    KEPT,
    RECORDED,
    CorpusRun,
    Results,
    corpus,
    recorded_test,
    write_results,
)

DRAWS = 8
# The flag that an earlier version struck out of the record, as in the demo.
DECODE = {"target": {"server": {"args": ["--standin-decode-ms-per-token=40"]}}}


def main() -> None:
    """Simulates the baseline and every change."""
    test = recorded_test(RECORDED)
    base = {"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest",
            "metadata": {"name": "demo", "namespace": "default"}, "spec": patched(test["spec"], DECODE)}
    runs = [run for name, patch in {BASE: {}, **corpus().patches}.items()
            for run in _simulated(name, {**base, "spec": patched(base["spec"], patch)})]
    write_results(KEPT / "simulated.json", Results("simulated", tuple(runs)))
    print(f"{len(runs)} simulated runs are in {KEPT / 'simulated.json'}")


def _simulated(name: str, test: dict[str, Any]) -> Iterator[CorpusRun]:
    plan = TestPlan(served_test(test), NOWHERE)
    load, autoscaler = planned_load(plan.spec.profile), planned_autoscaler(plan)
    assumed = assume(plan, load, InputOptions(None, None), None)
    gpus = sum(plan.gpus_per_replica.values()) or None
    for draw in range(DRAWS):
        scenario = planned_scenario(plan, autoscaler, assumed, load, seed=draw)
        prediction = predict(scenario)
        basis = PredictionBasis("elastometer", "", "", "", draw, ())
        terms = synthetic_bundle(PredictedRun(plan, scenario, prediction, basis, None)).terms
        card = Judge(scenario.arrivals, terms, gpus).score(prediction)
        misses = None if card.miss_seconds is None else float(card.miss_seconds)
        yield CorpusRun(name, draw + 1, "Pass" if card.holds else "Fail", misses, card.gpu_seconds)


if __name__ == "__main__":
    main()

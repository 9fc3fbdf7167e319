"""The twin's parameters, fitted from a record that the twin itself wrote, so that each of them is known beforehand."""
from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.cli.base.offline import checked_spec
from elastometer.model.bundle import Bundle, LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.units import SECOND
from elastometer.plan import Environment, TestPlan
from elastometer.twin.engine import predict
from elastometer.twin.fit.backtest import backtest, compare
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.fit.pod_requests import PodRequests
from elastometer.twin.forecast.autoscaler import planned_autoscaler
from elastometer.twin.forecast.planned import Assumed, planned_scenario
from elastometer.twin.forecast.planned_load import planned_load
from elastometer.twin.forecast.predicted_run import PredictedRun
from elastometer.twin.forecast.synthetic import synthetic_bundle
from elastometer.twin.scenario import Balancing, HpaController, Scenario
from elastometer.twin.sources import Signal

ROOT = Path(__file__).parents[3]
NOWHERE = Environment("", "", "", 0, "", "")
TRUTH = Capacity(4, 0.02, 0.0, 0.04, 0.001, join_seconds=0.05, refill_seconds=0.03)


@lru_cache(maxsize=1)
def record() -> tuple[Scenario, Bundle]:
    """The demo's load on replicas of known capacity that start in 12 s: the scenario and the bundle of its run. At six
    requests a second no decision is so close that the rounding of an instant would turn it."""
    test = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
    for stage in test["spec"]["load"]["stages"][1:3]:
        stage["endRequestsPerSecond"] = "6"
    plan = TestPlan(checked_spec("test.yaml", test), NOWHERE)
    scaler = planned_autoscaler(plan)
    assumed = Assumed(TRUTH, "", (12.0,), "")
    scenario = planned_scenario(plan, scaler, assumed, planned_load(plan.spec.profile), seed=1)
    case = PredictedRun(plan, scenario, predict(scenario), PredictionBasis("t", "c", "s", "h", 1), scaler.document)
    return scenario, replace(synthetic_bundle(case), provenance={"autoscaler": {"spec": scaler.document}})


def calibrated() -> tuple[Calibration, Bundle, DerivedRun]:
    bundle = record()[1]
    run = derive_run(bundle)
    return calibrate(run), bundle, run


def test_capacity_comes_back_as_it_was() -> None:
    found = calibrated()[0].scenario.capacity
    assert found.slots == 4
    assert found.prefill_seconds == pytest.approx(0.02, abs=0.001)
    assert found.join_seconds == pytest.approx(0.05, abs=0.002)
    assert found.refill_seconds == pytest.approx(0.03, abs=0.002)
    assert found.decode_seconds == pytest.approx(0.04, rel=0.01)
    assert found.decode_seconds_per_neighbour == pytest.approx(0.001, rel=0.1)


@pytest.mark.parametrize("args", [
    ["--max-num-seqs=4", "--shutdown-timeout=7"], ["--max_num_seqs", "4", "--shutdown_timeout", "7"],
    ["--max-num-seqs=9", "--max-num-seq=4", "--shutdown_t=7"],
])
def test_slots_and_grace_are_those_of_the_servers_flags_in_any_spelling(args: list[str]) -> None:
    bundle = record()[1]
    spec = json.loads(json.dumps(bundle.spec))
    whole = spec.get("spec", spec)
    whole["target"]["server"] |= {"args": args, "podTemplate": {}, "terminationGracePeriodSeconds": 40}
    scenario = calibrate(derive_run(replace(bundle, spec=spec))).scenario
    assert (scenario.capacity.slots, scenario.grace_seconds) == (4, 7)


def test_cold_starts_and_syncs_come_back_as_they_were() -> None:
    truth, found = record()[0], calibrated()[0].scenario
    assert len(found.cold_starts) >= 2
    assert all(seconds == pytest.approx(12.0, abs=0.02) for seconds in found.cold_starts)
    assert isinstance(found.controller, HpaController)
    assert isinstance(truth.controller, HpaController)
    period = truth.controller.spec.controller.sync_period_seconds
    assert found.controller.spec.controller.sync_period_seconds == pytest.approx(period, abs=0.05)
    assert found.controller.sources == (Signal.WAITING,)
    assert found.balancing is Balancing.UNIFORM
    assert len(found.arrivals) == len(truth.arrivals)


def test_with_the_recorded_random_draw_the_replicas_come_back_over_time() -> None:
    calibration, bundle, run = calibrated()
    difference = compare(predict(calibration.recorded), run, bundle.terms)
    assert difference.ready_percent < 3.0
    assert difference.desired_percent < 3.0


def test_the_backtest_separates_model_error_from_randomness() -> None:
    calibration, bundle, run = calibrated()
    found = backtest(calibration.scenario, run, bundle.terms, recorded=calibration.recorded, draws=5)
    assert found.recorded is not None
    assert found.recorded.ready_percent <= found.within[1]
    assert found.typical in found.draws
    assert found.measured.scale_outs >= 1
    assert found.measured.first_scale_out == pytest.approx(found.recorded.predicted.first_scale_out, abs=0.1)
    assert found.measured.scale_out_lag == pytest.approx(12.0, abs=0.1)


def test_a_request_without_token_counts_gets_those_of_its_stage_and_is_reported() -> None:
    bundle = record()[1]
    silent = tuple(replace(record, completion_tokens=None, prompt_tokens=None) if record.id % 10 == 3 else record
                   for record in bundle.requests)
    changed = replace(bundle, requests=silent)
    found = calibrate(derive_run(changed))
    assert any("reported no tokens; they are given the medians of their stage" in note for note in found.notes)
    assert all(arrival.output_tokens >= 30 for arrival in found.scenario.arrivals)


@pytest.mark.parametrize(("flaw", "words"), [
    ({"provenance": {}}, "provenance.autoscaler: must hold the HorizontalPodAutoscaler as served, is absent"),
    ({"requests": ()}, "requests: the run must have request records, which are the load to replay; it has none"),
    ({"observations": ()}, "coldStarts: at least one must have been seen from the creation of its Pod on, none was"),
])
def test_what_cannot_be_calibrated_is_named(flaw: dict[str, Any], words: str) -> None:
    bundle = replace(record()[1], **flaw)
    with pytest.raises(SpecError, match=words):
        calibrate(derive_run(bundle))


def test_records_without_pods_are_used_while_one_replica_served_alone() -> None:
    bundle = record()[1]
    nameless = replace(bundle, requests=tuple(replace(record, pod=None) for record in bundle.requests))
    found = calibrate(derive_run(nameless)).scenario.capacity
    assert found.prefill_seconds == pytest.approx(0.02, abs=0.001)
    assert found.decode_seconds == pytest.approx(0.04, rel=0.02)


def test_the_size_of_the_kv_cache_comes_back_from_its_scraped_usage() -> None:
    """Each scraped share is that of the tokens that the Pod held, prompts and output; none without scrapes."""
    bundle = record()[1]
    run = derive_run(bundle)
    evidence = run.evidence
    pod = next(record.pod for record in evidence.requests if record.pod is not None)
    requests, size = PodRequests(evidence), 500
    times = [evidence.origin + second * SECOND for second in range(20, 150, 2)]
    held = [sum(span.prompt + span.output_tokens(second)
                for span in requests.during(pod, second, second) if second < span.last)
            for second in range(20, 150, 2)]
    shares = tuple((time, tokens / size) for time, tokens in zip(times, held, strict=True))
    usage = LabelledSamples({"pod": pod}, shares)
    scraped = SeriesResult(SeriesName.KV_CACHE.value, "", SeriesOutcome.SAMPLES, "", 2.0, (usage,))
    with_usage = replace(bundle, series=(*bundle.series, scraped))
    assert calibrate(derive_run(with_usage)).scenario.capacity.kv_tokens == pytest.approx(size, rel=0.01)
    assert calibrate(run).scenario.capacity.kv_tokens is None

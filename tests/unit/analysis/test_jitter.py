"""Latencies that jump under a steady load: found where they are planted, and not where the load or the work explains
them."""
from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from elastometer.analysis.analyze import judge_run
from elastometer.model.findings import FindingName
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest
from support.levels import Level, Takes, run_of


def jittery(level: Level) -> Finding | None:
    report = judge_run(run_of([level]))
    assert report.levels, "a run without a level proves nothing"
    return next((one for one in report.findings if one.name is FindingName.JITTERY_LATENCY), None)


def noisy(seed: int, spread: float = 0.1) -> Takes:
    draw = Random(seed)
    return lambda *_: draw.uniform(1.0 - spread, 1.0 + spread)


def pausing(number: int, at: float) -> float:
    """The engine stands still for 1 s every 10 s: whatever is in flight then takes 1 s longer."""
    took = noisy(number)(number, at)
    pause = 10.0 * (at // 10.0 + 1)
    return took + 1.0 if at + took > pause else took


def test_pauses_of_the_engine_are_found_as_a_standstill_of_all_requests() -> None:
    finding = jittery(Level("level", 8, 0.0, 120.0, pausing))
    assert finding is not None
    assert "Nearly all requests in flight stood still together" in finding.evidence
    assert "windows of 30 s ('level')" in finding.evidence


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_a_third_is_no_jitter(seed: int) -> None:
    assert jittery(Level("level", 8, 0.0, 120.0, noisy(seed, 0.33))) is None


def test_longer_answers_explain_themselves() -> None:
    """One of seven answers has four times the tokens, and takes four times as long."""
    def takes(number: int, _: float) -> float:
        return 4.0 if number % 7 == 0 else 1.0

    def of(number: int, one: RecordedRequest) -> RecordedRequest:
        return replace(one, completion_tokens=80 if number % 7 == 0 else 20)
    assert jittery(Level("level", 8, 0.0, 120.0, takes, of)) is None
    assert jittery(Level("level", 8, 0.0, 120.0, takes)) is not None, "with equal tokens nothing explains it"


def test_one_slow_pod_is_named() -> None:
    def takes(number: int, _: float) -> float:
        return 2.0 if number % 5 == 0 else 1.0

    def of(number: int, one: RecordedRequest) -> RecordedRequest:
        return replace(one, pod="demo-b" if number % 5 == 0 else "demo-a")
    finding = jittery(Level("level", 8, 0.0, 120.0, takes, of))
    assert finding is not None
    assert "They are of one Pod: demo-b" in finding.evidence


def test_the_burst_with_which_a_loop_begins_is_no_jitter() -> None:
    assert jittery(Level("level", 8, 0.0, 120.0, lambda number, _: 4.0 if number < 8 else 1.0)) is None

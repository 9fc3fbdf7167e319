"""Logs of starts by release and variant, each with the bars that are true for it (tests/cases/logs)."""
from __future__ import annotations

from random import Random

import pytest
from tests.support.pod_start import LOGS, STARTED, PodStart, bars_of, log_of

from elastometer.model.measurements import ColdStart

NAMES = sorted(path.stem for path in LOGS.glob("*.log"))


def bars(start: ColdStart) -> list[str]:
    """What a case lists: the bars from the start of the container to HTTP."""
    return [f"{phase.milliseconds / 1000:.2f} {phase.label}" + (f" ({phase.model})" if phase.model else "")
            for phase in start.phases if phase.start_seconds >= STARTED and phase.name != "probe"]


def test_there_are_logs() -> None:
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_the_bars_of_a_log_are_those_that_are_true_for_it(name: str) -> None:
    lines = log_of(name)
    start = PodStart(lines, ready=lines[-1][0] + 1).cold_start()
    assert bars(start) == bars_of(name)


def test_a_server_that_does_not_log_its_http_waits_for_its_probe_from_its_routes_on() -> None:
    lines = log_of("v0.13-quiet-http")
    last = PodStart(lines, ready=lines[-1][0] + 30).cold_start().phases[-1]
    assert (last.name, last.milliseconds) == ("probe", 30_000)
    assert last.note == "it begins with the API routes, since no source showed: HTTP up"


@pytest.mark.parametrize("name", NAMES)
def test_the_bars_of_a_log_add_up_to_its_start_and_none_is_negative(name: str) -> None:
    lines = log_of(name)
    start = PodStart(lines, ready=lines[-1][0] + 1).cold_start()
    assert min(phase.milliseconds for phase in start.phases) >= 0
    assert sum(phase.milliseconds for phase in start.phases) == pytest.approx(start.cold_start.milliseconds, abs=1)


@pytest.mark.parametrize("seed", range(60))
def test_however_a_log_is_torn_its_bars_add_up_to_the_start_and_none_is_negative(seed: int) -> None:
    """Lines are lost, stamps are late, and a second start follows in the same log."""
    draw = Random(seed)
    kept, late = draw.choice((0.1, 0.5, 0.9)), draw.choice((0.0, 3.0))
    log = log_of(draw.choice(NAMES))
    lines = [(second + late * draw.random(), line) for second, line in log if draw.random() < kept]
    end = lines[-1][0] + 20 * draw.random() if lines else 0.0
    lines += [(end + second, line) for second, line in log_of(draw.choice(NAMES)) if draw.random() < 0.5]
    ready = max((second for second, _ in lines), default=5.0) + draw.random()
    restarts = draw.choice(((), (draw.random() * ready,)))
    process = draw.choice((None, -2.5, -700.0, draw.random() * ready))
    start = PodStart(sorted(lines), ready=ready, restarts=restarts, process=process).cold_start()
    assert min(phase.milliseconds for phase in start.phases) >= 0
    assert sum(phase.milliseconds for phase in start.phases) == pytest.approx(start.cold_start.milliseconds, abs=1)

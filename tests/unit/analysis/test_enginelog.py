"""Log lines of vLLM as several releases print them."""
from __future__ import annotations

import pytest

from elastometer.analysis.starts.enginelog import aborted_by_server, engine_marks
from elastometer.model.observation import LogSeen
from elastometer.model.units import SECOND


def log(*lines: tuple[float, str]) -> list[LogSeen]:
    return [LogSeen(0, "pod", "server", round(time * SECOND), line) for time, line in lines]


def marks(*lines: tuple[float, str]) -> dict[str, tuple[float, float | None]]:
    return {mark.milestone: (mark.instant / SECOND, None if mark.stated is None else mark.stated / SECOND)
            for mark in engine_marks(log(*lines))}


@pytest.mark.parametrize(("line", "milestone", "stated"), [
    ("INFO 11-21 05:00:00 [core.py:93] Initializing a V1 LLM engine (v0.33.0) with config", "configured", None),
    ("INFO 01-02 10:00:00 llm_engine.py:161] Initializing an LLM engine (v0.6.3) with config", "configured", None),
    ("(EngineCore_DP0 pid=9) INFO [gpu.py:1] Model loading took 0.93 GiB memory and 2.948211 seconds", "weightsLoaded",
     2.948211),
    ("Model loading took 14.2488 GB and 3.1 s", "weightsLoaded", 3.1),
    ("Loading weights took 1.25 seconds", "weightsLoaded", 1.25),
    ("torch.compile takes 12.34 s in total", "compiled", 12.34),
    ("torch.compile took 12.34 seconds in total", "compiled", 12.34),
    ("Directly load the compiled graph(s) for dynamic shape from the cache, took 3.141 s", "compiled", 3.141),
    ("Initial profiling/warmup run took 4.20 s", "profiled", 4.2),
    ("GPU KV cache size: 5,347,664 tokens, Maximum concurrency for 4,096 tokens per request: 1305x", "profiled", None),
    ("Graph capturing finished in 17 secs, took 0.56 GiB", "graphsCaptured", 17),
    ("INFO:     Application startup complete.", "httpUp", None),
])
def test_each_known_wording_ends_its_phase(line: str, milestone: str, stated: float | None):
    assert marks((1, "first"), (9, line))[milestone] == (9, stated)


def test_a_phase_ends_with_its_last_line_and_keeps_the_duration_that_one_of_its_lines_stated():
    found = marks((1, "first"), (4, "Initial profiling/warmup run took 0.50 s"), (5, "GPU KV cache size: 9 tokens"))
    assert found["profiled"] == (5, 0.5)


def test_lines_of_a_second_start_do_not_move_the_marks_of_the_first():
    found = marks((1, "first"), (9, "Application startup complete."), (50, "Model loading took 1 GiB and 2.0 s"),
                  (60, "Application startup complete."))
    assert found == {"firstLine": (1, None), "httpUp": (9, None)}


def test_an_eager_start_has_no_compilation_and_no_graphs():
    found = marks((1, "first"), (5, "Loading weights took 1.25 seconds"), (9, "Application startup complete."))
    assert set(found) == {"firstLine", "weightsLoaded", "httpUp"}


def test_a_log_without_lines_has_no_marks():
    assert engine_marks([]) == []


def test_the_servers_own_count_of_aborted_requests_is_read_from_its_shutdown_lines():
    assert aborted_by_server(log((1, "[shutdown] EngineCore: aborting in-flight requests count=3"))) == 3
    assert aborted_by_server(log((1, "nothing of the kind"))) is None

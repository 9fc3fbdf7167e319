"""The start-up log states the durations that it really has."""

import re
from dataclasses import replace
from pathlib import Path

from elastometer_standin.settings import DEFAULT_STARTUP, Hardware, Settings, Startup
from elastometer_standin.startup import phase_seconds, timetable, uvicorn_lines
from elastometer_standin.weights import Weights

PHASES = {
    "import": 2.0, "config": 0.5, "download": 0.0, "weights": 3.25, "compile": 4.0, "profile": 1.5,
    "graphs": 2.0, "http": 0.25,
}
SETTINGS = Settings(startup=Startup(PHASES))


def text_of(settings: Settings) -> str:
    return "\n".join(line.text for line in timetable(settings, phase_seconds(settings, "h")))


def stated(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, pattern
    return float(found.group(1))


def test_the_lines_come_in_vllms_order() -> None:
    text = text_of(SETTINGS)
    marks = [
        "vLLM server version", "non-default args", "Resolved architecture", "Using max model len",
        "Initializing a V1 LLM engine", "world_size=1", "rank 0 in world size 1", "Starting to load model",
        "Loading weights took", "Model loading took", "Using cache directory", "Dynamo bytecode transform time",
        "Compiling a graph for compile range", "torch.compile took", "Initial profiling/warmup run took",
        "Available KV cache memory", "GPU KV cache size", "Graph capturing finished", "init engine (profile",
    ]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_the_stated_durations_are_those_of_the_phases() -> None:
    text = text_of(SETTINGS)
    assert stated(r"Loading weights took ([\d.]+) seconds", text) == 3.25
    assert stated(r"torch.compile took ([\d.]+) s in total", text) == 4.0
    assert stated(r"warmup run took ([\d.]+) s", text) == 1.5
    assert stated(r"Graph capturing finished in (\d+) secs", text) == 2
    assert stated(r"warmup model\) took ([\d.]+) s", text) == 7.5


def test_the_timetable_lasts_as_long_as_its_phases() -> None:
    seconds = phase_seconds(SETTINGS, "h")
    lines = [*timetable(SETTINGS, seconds), *uvicorn_lines(SETTINGS, seconds, 1)]
    assert sum(line.after_seconds for line in lines) == sum(PHASES.values())


def test_eager_execution_neither_compiles_nor_captures() -> None:
    text = text_of(replace(SETTINGS, enforce_eager=True))
    assert "torch.compile took" not in text
    assert "Graph capturing" not in text
    assert stated(r"warmup model\) took ([\d.]+) s", text) == 1.5


def test_a_download_is_reported_only_beyond_half_a_second() -> None:
    short = replace(SETTINGS, startup=Startup({**PHASES, "download": 0.4}))
    long = replace(SETTINGS, startup=Startup({**PHASES, "download": 2.0}))
    assert "downloading" not in text_of(short)
    assert stated(r"downloading weights for .*: ([\d.]+) seconds", text_of(long)) == 2.0


def test_jitter_is_the_same_for_the_same_host_and_stays_in_its_bounds() -> None:
    settings = Settings(startup=Startup(DEFAULT_STARTUP, jitter=0.1))
    assert phase_seconds(settings, "pod-1") == phase_seconds(settings, "pod-1")
    assert phase_seconds(settings, "pod-1") != phase_seconds(settings, "pod-2")
    for name, length in phase_seconds(settings, "pod-1").items():
        assert abs(length - DEFAULT_STARTUP[name]) <= 0.1 * DEFAULT_STARTUP[name] + 1e-12


def test_weights_that_are_there_are_not_downloaded_again(tmp_path: Path) -> None:
    settings = replace(SETTINGS, startup=Startup({**PHASES, "download": 30.0}), download_once=str(tmp_path / "cache"))
    weights = Weights(settings.download_once)
    assert phase_seconds(settings, "h", has_weights=weights.are_there)["download"] == 30.0
    lines = timetable(settings, phase_seconds(settings, "h", has_weights=False))
    assert [line.text[:15] for line in lines if line.ends_download] == ["Time spent down", "Loading weights"]
    weights.keep()
    assert Weights(settings.download_once).are_there
    assert phase_seconds(settings, "h", has_weights=True)["download"] == 0.0


def test_without_a_folder_weights_are_never_kept() -> None:
    weights = Weights(None)
    weights.keep()
    assert not weights.are_there


def test_the_kv_cache_has_what_weights_and_graphs_leave_of_the_gpu() -> None:
    settings = replace(SETTINGS, hardware=Hardware(gpu_memory_gibibytes=24))
    assert stated(r"Available KV cache memory: ([\d.]+) GiB", text_of(settings)) == 20.89
    assert stated(r"Available KV cache memory: ([\d.]+) GiB", text_of(SETTINGS)) == 1.0

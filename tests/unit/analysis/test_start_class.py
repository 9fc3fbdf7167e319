"""What was there when a Pod began: a class by evidence, and never by a guess."""
from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.pod_start import PRESENT, STARTED, PodStart, log_of

from elastometer.model.measurements import ColdStart

PULLED = 'Successfully pulled image "vllm/vllm-openai:v0.32.0" in 1m12.5s (1m12.5s including waiting).'


def start_of(name: str, **seen: object) -> ColdStart:
    """The start of a log of tests/cases/logs."""
    lines = log_of(name)
    return replace(PodStart(lines, ready=lines[-1][0] + 1), **seen).cold_start()  # type: ignore[arg-type]


def facts(start: ColdStart) -> dict[str, tuple[str, str]]:
    return {fact.ingredient.value: (fact.presence.value, fact.evidence) for fact in start.start_class.facts}


@pytest.mark.parametrize(("name", "pulled", "kind"), [
    ("v0.18-download", PULLED, "Cold"),
    ("v0.11-cached-graph", PULLED, "Cold"),
    ("v0.18-download", PRESENT, "ImagePresent"),
    ("v0.7.3", PRESENT, "WeightsCached"),
    ("v0.6.5-profiling", PRESENT, "ImagePresent"),
    ("v0.9.2-lora", PRESENT, "WeightsCached"),
    ("v0.32-cpu-eager", PRESENT, "WeightsCached"),
    ("v0.11-cached-graph", PRESENT, "CompileCached"),
    ("v0.32-draft-model-tags", PRESENT, "WeightsCached"),
    ("v0.11-cached-graph", None, "Unknown"),
    ("v0.11-cached-graph", "Pulled", "Unknown"),
    ("sglang", PRESENT, "ImagePresent"),
    ("sglang", None, "Unknown"),
])
def test_the_class_is_the_last_of_what_was_there_without_a_break(name: str, pulled: str | None, kind: str) -> None:
    assert start_of(name, pulled=pulled).start_class.name == kind


@pytest.mark.parametrize(("name", "weights"), [
    ("v0.18-download", ("Absent", "downloaded in 70.1 s (log)")),
    ("v0.32-cpu-eager", ("Present", "read from the path /model (log)")),
    ("v0.21-draft-model", ("Present", "vLLM 0.21.0 logs downloads, and logged none")),
    ("v0.6.5-profiling", ("Unknown", "vLLM 0.6.5 may download without a line about it")),
    ("lost-beginning", ("Unknown", "vLLM of an unknown release may download without a line about it")),
    ("sglang", ("Unknown", "no line about weights was seen")),
])
def test_weights_were_there_if_a_release_that_logs_downloads_logged_none(name: str, weights: tuple[str, str]) -> None:
    assert facts(start_of(name))["weights"] == weights


@pytest.mark.parametrize(("name", "compilation"), [
    ("v0.18-download", ("Absent", "1 compiled, 0 loaded from a cache (log)")),
    ("v0.11-cached-graph", ("Present", "1 loaded from a cache, none compiled (log)")),
    ("v0.32-draft-model-tags", ("Absent", "1 compiled, 1 loaded from a cache (log)")),
    ("v0.32-cpu-eager", ("NotNeeded", "an eager server compiles nothing (log)")),
    ("v0.7.3", ("NotNeeded", "vLLM 0.7.3 logs compilations, and logged none")),
    ("v0.6.0-tensor-parallel", ("Unknown", "no line about a compilation was seen")),
    ("sglang", ("Unknown", "no line about a compilation was seen")),
])
def test_a_graph_that_was_compiled_was_not_in_the_cache(name: str, compilation: tuple[str, str]) -> None:
    assert facts(start_of(name))["compilation"] == compilation


def test_weights_that_are_streamed_from_a_store_were_not_there() -> None:
    lines = [(second, line.replace("org/m", "s3://bucket/m")) for second, line in log_of("v0.7.3")]
    assert facts(start_of("v0.7.3", lines=lines))["weights"] == ("Absent", "read from s3://bucket/m (log)")


@pytest.mark.parametrize(("loader", "weights"), [
    ("LoadFormat.AUTO", ("Present", "vLLM 0.7.3 logs downloads, and logged none")),
    ("fastsafetensors", ("Present", "vLLM 0.7.3 logs downloads, and logged none")),
    ("runai_streamer", ("Unknown", "the loader runai_streamer does not log whether it fetched anything")),
    ("tensorizer", ("Unknown", "the loader tensorizer does not log whether it fetched anything")),
    ("LoadFormat.DUMMY", ("NotNeeded", "random weights (log)")),
])
def test_only_loaders_that_log_downloads_show_that_there_was_none(loader: str, weights: tuple[str, str]) -> None:
    lines = [(second, line.replace("org/m'", f"org/m', load_format={loader}")) for second, line in log_of("v0.7.3")]
    assert facts(start_of("v0.7.3", lines=lines))["weights"] == weights


def test_weights_of_a_cache_on_the_node_were_there() -> None:
    lines = log_of("v0.32-draft-model-tags")
    mapped = (39.0, "(Worker pid=34) INFO [x.py:9] Mapped 290 tensors from the weight cache daemon (copy mode)")
    found = facts(start_of("v0.32-draft-model-tags", lines=sorted([*lines, mapped])))["weights"]
    assert found == ("Present", "mapped from a weight cache on the node (log)")


def test_a_url_of_the_arguments_is_not_hidden_by_the_folder_that_stands_for_it() -> None:
    """vLLM copies the small files of a model in an object store to the node, and goes on with that folder."""
    folder = "/root/.cache/vllm/assets/model_streamer/8b1a9953"
    given = (1.1, "(APIServer pid=1) INFO [u.py:1] non-default args: {'model_tag': 's3://bucket/m', 'seed': 1}")
    lines = [(second, line.replace("org/m", folder)) for second, line in log_of("v0.7.3")]
    named, unnamed = start_of("v0.7.3", lines=sorted([*lines, given])), start_of("v0.7.3", lines=lines)
    assert facts(named)["weights"] == ("Absent", "read from s3://bucket/m (log)")
    assert facts(unnamed)["weights"] == ("Absent", "streamed from an object store (log)")


@pytest.mark.parametrize(("bar", "weights"), [
    ("Downloading [model-00001-of-00002.safetensors]: 100%|###| 3.7G/3.7G",
     ("Absent", "downloaded from ModelScope (log)")),
    ("Downloading [config.json]: 100%|###| 1.2k/1.2k",
     ("Unknown", "ModelScope does not log whether it fetched anything")),
])
def test_modelscope_shows_a_download_by_its_bars_alone(bar: str, weights: tuple[str, str]) -> None:
    client = "Downloading Model from https://www.modelscope.cn to directory: /root/.cache/modelscope/hub/models/org/m"
    lines = sorted([*log_of("v0.7.3"), *((8.5, text) for text in (client, bar))])
    assert facts(start_of("v0.7.3", lines=lines))["weights"] == weights


def test_parts_of_an_engine_that_wake_one_after_another_add_and_engines_do_not() -> None:
    rest = [(60.0, "(EngineCore_DP0 pid=9) It took 0.5 seconds to fall asleep."),
            (70.0, "(EngineCore_DP0 pid=9) It took 8.0 seconds to wake up tags {'weights'}."),
            (80.0, "(EngineCore_DP0 pid=9) It took 0.5 seconds to fall asleep."),
            (90.0, "(EngineCore_DP0 pid=9) It took 1.0 seconds to wake up tags {'weights'}."),
            (90.1, "(EngineCore_DP1 pid=8) It took 1.1 seconds to wake up tags {'weights'}."),
            (91.0, "(EngineCore_DP0 pid=9) It took 0.4 seconds to wake up tags {'kv_cache'}.")]
    woken = start_of("v0.11-cached-graph", lines=[*log_of("v0.11-cached-graph"), *rest], ready=92)
    assert woken.start_class.evidence == "woken in 1.4 s (log)"
    assert [phase.milliseconds for phase in woken.phases if phase.label == "wake-up from sleep mode"] == [44000.0]


def test_an_engine_that_woke_before_its_pod_was_ready_makes_a_woken_start() -> None:
    lines = [*log_of("v0.11-cached-graph"), (60.0, "It took 0.500000 seconds to fall asleep."),
             (90.0, "It took 1.250000 seconds to wake up tags {'weights', 'kv_cache'}.")]
    woken = start_of("v0.11-cached-graph", lines=lines, ready=91)
    assert (woken.start_class.name, woken.start_class.evidence) == ("Woken", "woken in 1.2 s (log)")
    assert [(phase.label, phase.milliseconds) for phase in woken.phases][-2:] == [
        ("wake-up from sleep mode", 43000.0), ("probe tax", 1000.0)]
    assert start_of("v0.11-cached-graph", lines=lines, ready=48).start_class.name == "CompileCached"


@pytest.mark.parametrize(("message", "kind"), [
    ('Successfully pulled image "v" in 322ms (322ms total). Image size: 8120000000 bytes.', "WeightsCached"),
    ('Successfully pulled image "v" in 1m2s (1m2s including waiting). Image size: 8120000000 bytes.', "Cold"),
    ('Successfully pulled image "v" in 322ms (322ms including waiting)', "Cold"),
])
def test_a_pull_that_only_asked_the_registry_found_the_image_on_the_node(message: str, kind: str) -> None:
    assert start_of("v0.7.3", pulled=message).start_class.name == kind


def test_an_image_of_another_container_says_nothing_of_the_servers() -> None:
    assert start_of("v0.7.3", fetched=PULLED).start_class.name == "WeightsCached"
    alone = start_of("v0.7.3", fetched=PULLED, pulled=None)
    assert (alone.start_class.name, alone.image) == ("Unknown", None)


def test_a_process_that_is_older_than_its_pod_was_restored() -> None:
    restored = start_of("uvicorn-only", process=-600)
    assert (restored.start_class.name, restored.start_class.evidence) == (
        "Restored", "the process is 595 s older than its Pod (Prometheus)")
    assert restored.scraped.process_start is not None
    assert sum(phase.milliseconds for phase in restored.phases) == restored.cold_start.milliseconds
    assert start_of("uvicorn-only", process=-20).start_class.name == "ImagePresent"


@pytest.mark.parametrize("args", [
    ("snapshot", "restore", "--snapshot-dir", "/snapshots/m"),
    ("exec vllm snapshot restore --snapshot-dir=/snapshots/m",),
])
def test_a_container_that_restores_a_snapshot_makes_a_restored_start(args: tuple[str, ...]) -> None:
    restored = start_of("uvicorn-only", lines=[(0.0, "INFO:     GET /health")], ready=9, args=args)
    assert (restored.start_class.name, restored.start_class.evidence) == (
        "Restored", "the container runs `snapshot restore` (Pod)")
    assert start_of("uvicorn-only", ready=None, args=args).start_class.name == "ImagePresent"
    assert start_of("v0.7.3", args=("snapshot", "create")).start_class.name == "WeightsCached"


def test_a_log_of_criu_shows_a_restored_process() -> None:
    lines = [(0.0, "(00.412345) Restore finished successfully. Tasks resumed."), (1.0, "INFO:     GET /health")]
    assert start_of("uvicorn-only", lines=lines).start_class.name == "Restored"


def test_a_container_that_failed_before_it_served_makes_one_bar_of_its_failed_starts() -> None:
    lines = log_of("failed-then-started")
    start = start_of("failed-then-started", restarts=(25.0,), process=26.5)
    bars = [(phase.label, phase.milliseconds / 1000) for phase in start.phases if phase.start_seconds >= STARTED]
    assert bars == [("failed starts", 28.0), ("process start", 1.5), ("first log line", 3.5), ("engine process", 6.0),
                    ("model built", 2.0), ("weights", 6.0), ("memory profile", 6.0), ("HTTP up", 2.0),
                    ("probe tax", 1.0)]
    assert sum(phase.milliseconds for phase in start.phases) == start.cold_start.milliseconds
    assert lines[4] == (30.0, "INFO 10-26 21:47:50 [api_server.py:1839] vLLM API server version 0.9.0")


def test_a_restart_after_the_pod_was_ready_is_not_part_of_its_start() -> None:
    start = start_of("v0.7.3", restarts=(300.0,))
    assert "failed starts" not in [phase.label for phase in start.phases]
    assert start.phases[-1].label == "probe tax"


def test_a_start_that_never_got_ready_has_the_bars_that_it_reached() -> None:
    lines = log_of("failed-then-started")[:4]
    start = start_of("failed-then-started", lines=lines, ready=None)
    assert [phase.label for phase in start.phases][-3:] == ["engine process", "model built", "weights"]
    assert start.cold_start.milliseconds is None

"""vLLM's start-up as a timetable: which log line is printed how long after the one before it.

Pure. The durations that the lines state are those of the timetable, so whatever reads the log can be checked against
them. File names are vLLM's; line numbers are guesses.
"""

import random
from dataclasses import dataclass

from elastometer_standin import VLLM_VERSION
from elastometer_standin.settings import GPU_MEMORY_UTILIZATION, Settings

# Amounts like those of Qwen2.5-0.5B, for lines whose wording is imitated; they say nothing about this process.
GIB_OF_WEIGHTS = 0.93
GIB_OF_GRAPHS = 0.26
GIB_OF_CACHE = 1.0
"""Where no GPU is shown."""
COMPILE_CACHE = "/root/.cache/vllm/torch_compile_cache/5f2ba9c1d0/rank_0_0/backbone"
COMPILE_PARTS = (("dynamo", 0.25), ("backend", 0.75))
"""Shares of the compile phase: bytecode transform, then the graph itself."""


@dataclass(frozen=True, slots=True)
class Line:
    """One log line, printed after this many seconds of work; `source` None means uvicorn's form of line."""

    after_seconds: float
    source: str | None
    text: str
    engine: bool = False
    ends_download: bool = False
    """Whether the weights are there once this line is printed."""


def phase_seconds(settings: Settings, hostname: str, *, has_weights: bool = False) -> dict[str, float]:
    """Seconds of each phase with this host's jitter.

    Eager execution neither compiles nor captures graphs; a host that has the weights does not download them.
    """
    # Seeded by name and phase: a restarted container takes as long as before, and replicas differ from each other.
    jitter = settings.startup.jitter
    seconds = {
        name: length * (1.0 + jitter * random.Random(f"{hostname}:{name}").uniform(-1.0, 1.0))
        for name, length in settings.startup.seconds.items()
    }
    if settings.enforce_eager:
        seconds |= {"compile": 0.0, "graphs": 0.0}
    if has_weights:
        seconds["download"] = 0.0
    return seconds


def timetable(settings: Settings, seconds: dict[str, float]) -> list[Line]:
    """The lines of the engine's start-up, in order; `uvicorn_lines` follow them."""
    lines = [
        Line(seconds["import"], "startup.py:38", f"vLLM server version {VLLM_VERSION}, serving model {settings.model}"),
        Line(0.0, "startup.py:150", f"non-default args: {{'model': '{settings.model}'}}"),
        Line(0.0, "model.py:733", "Resolved architecture: Qwen2ForCausalLM"),
        Line(0.0, "model.py:1745", f"Using max model len {settings.limits.max_model_len}"),
        Line(
            seconds["config"],
            "core.py:77",
            f"Initializing a V1 LLM engine (v{VLLM_VERSION}) with config: model='{settings.model}', "
            f"max_seq_len={settings.limits.max_model_len}, enforce_eager={settings.enforce_eager}",
            engine=True,
        ),
        *_worker(),
        *_weights(settings, seconds),
    ]
    # vLLM says this before the engine starts, which is between the model's length and the engine's configuration.
    if settings.enforce_eager:
        lines.insert(4, Line(0.0, "vllm.py:500", "Enforce eager set, disabling torch.compile and CUDAGraphs."))
    else:
        lines += _compile(seconds["compile"])
    lines += _profile(settings, seconds)
    return lines


def uvicorn_lines(settings: Settings, seconds: dict[str, float], pid: int) -> list[Line]:
    """The last lines before the port listens; `Application startup complete.` is printed once it does."""
    return [
        Line(
            seconds["http"],
            "api_server.py:1351",
            f"Starting vLLM server on http://{settings.host}:{settings.port}",
        ),
        Line(0.0, None, f"INFO:     Started server process [{pid}]"),
        Line(0.0, None, "INFO:     Waiting for application startup."),
    ]


def _worker() -> list[Line]:
    """The engine of one accelerator is its own worker: no process, and no time of its own."""
    place = "world_size=1 rank=0 local_rank=0 distributed_init_method=tcp://127.0.0.1:41001 backend=nccl"
    rank = "rank 0 in world size 1 is assigned as DP rank 0, PP rank 0, PCP rank 0, TP rank 0, EP rank N/A"
    return [Line(0.0, "parallel_state.py:1906", place, True), Line(0.0, "parallel_state.py:2350", rank, True)]


def _weights(settings: Settings, seconds: dict[str, float]) -> list[Line]:
    download, load = seconds["download"], seconds["weights"]
    lines = [Line(0.0, "gpu_model_runner.py:4120", f"Starting to load model {settings.model}...", True)]
    if download > 0.5:  # vLLM's own threshold for this line
        text = f"Time spent downloading weights for {settings.model}: {download:.6f} seconds"
        lines.append(Line(download, "weight_utils.py:510", text, engine=True, ends_download=True))
        download = 0.0
    text = f"Loading weights took {load:.2f} seconds"
    lines.append(Line(download + load, "default_loader.py:308", text, engine=True, ends_download=True))
    took = f"Model loading took {GIB_OF_WEIGHTS} GiB memory and {load + seconds['download']:.6f} seconds"
    return [*lines, Line(0.0, "gpu_model_runner.py:4216", took, True)]


def _compile(total: float) -> list[Line]:
    dynamo, backend = (share * total for _, share in COMPILE_PARTS)
    cache = f"Using cache directory: {COMPILE_CACHE} for vLLM's torch.compile"
    return [
        Line(0.0, "backends.py:916", cache, True),
        Line(dynamo, "backends.py:976", f"Dynamo bytecode transform time: {dynamo:.2f} s", True),
        Line(
            backend,
            "backends.py:323",
            f"Compiling a graph for compile range (1, 2048) takes {backend:.2f} s",
            True,
        ),
        Line(0.0, "monitor.py:34", f"torch.compile took {total:.2f} s in total", True),
    ]


def _profile(settings: Settings, seconds: dict[str, float]) -> list[Line]:
    profile, graphs, compiled = seconds["profile"], seconds["graphs"], seconds["compile"]
    limits = settings.limits
    tokens = limits.num_gpu_blocks * limits.block_size
    capacity = (
        f"GPU KV cache size: {tokens:,} tokens, Maximum concurrency for {limits.max_model_len:,} tokens "
        f"per request: {tokens / limits.max_model_len:.2f}x"
    )
    lines = [
        Line(profile, "monitor.py:53", f"Initial profiling/warmup run took {profile:.2f} s", True),
        Line(0.0, "gpu_worker.py:424", f"Available KV cache memory: {_gib_of_cache(settings):.2f} GiB", True),
        Line(0.0, "kv_cache_utils.py:1319", capacity, True),
    ]
    if not settings.enforce_eager:
        text = f"Graph capturing finished in {graphs:.0f} secs, took {GIB_OF_GRAPHS} GiB"
        lines.append(Line(graphs, "gpu_model_runner.py:5246", text, True))
    whole = (
        f"init engine (profile, create kv cache, warmup model) took {compiled + profile + graphs:.2f} s "
        f"(compilation: {compiled:.2f} s)"
    )
    return [*lines, Line(0.0, "core.py:281", whole, True)]


def _gib_of_cache(settings: Settings) -> float:
    """What the weights and the graphs leave of the memory that vLLM reserves."""
    total = settings.hardware.gpu_memory_gibibytes
    graphs = 0.0 if settings.enforce_eager else GIB_OF_GRAPHS
    return max(0.0, total * GPU_MEMORY_UTILIZATION - GIB_OF_WEIGHTS - graphs) if total else GIB_OF_CACHE

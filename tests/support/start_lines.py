"""Lines of a start as vLLM's releases print them: what the source of each release writes, with made-up values."""
from __future__ import annotations

from dataclasses import dataclass

# Every release of which the source was read. There is no source package of 0.15.
RELEASES = (
    "0.6.0", "0.6.1", "0.6.2", "0.6.3", "0.6.4", "0.6.5", "0.6.6", "0.7.0", "0.7.3", "0.8.0", "0.8.5", "0.9.0", "0.9.2",
    "0.10.0", "0.10.2", "0.11.0", "0.11.1", "0.12.0", "0.13.0", "0.14.0", "0.16.0", "0.17.0", "0.18.0", "0.19.0",
    "0.20.0", "0.21.0", "0.22.0", "0.23.0", "0.24.0", "0.25.0", "0.26.0", "0.27.0", "0.28.0", "0.29.0", "0.30.0",
    "0.31.0", "0.32.0", "0.33.0",
)


@dataclass(frozen=True, slots=True)
class Printed:
    """A line that the releases from `first` to `last` print, the milestone that it is, and the seconds that it states.
    """

    first: str
    last: str
    text: str
    milestone: str
    took: float | None = None
    model: str | None = None


PRINTED = (
    Printed("0.6.0", "0.14.0", "vLLM API server version 0.11.0", "argumentsParsed"),
    Printed("0.6.0", "0.8.5", "args: Namespace(host=None, port=8000, model='org/model')", "argumentsParsed"),
    Printed("0.9.0", "0.33.0", "non-default args: {'model': 'org/model', 'max_model_len': 2048}", "argumentsParsed"),
    Printed("0.16.0", "0.33.0", "  █▄█▀ █     █     █     █  version 0.32.0", "argumentsParsed"),
    Printed("0.16.0", "0.33.0", "vLLM server version 0.32.0, serving model org/model", "argumentsParsed"),
    Printed("0.6.4", "0.9.2", "This model supports multiple tasks: {'embed', 'generate'}. Defaulting to 'generate'.",
            "modelResolved"),
    Printed("0.9.2", "0.33.0", "Using max model len 2048", "modelResolved"),
    Printed("0.10.2", "0.33.0", "Resolved architecture: Qwen2ForCausalLM", "modelResolved"),
    Printed("0.6.0", "0.7.0", "Initializing an LLM engine (v0.6.5) with config: model='org/model', tokenizer='x'",
            "configured"),
    Printed("0.7.3", "0.10.2", "Initializing a V0 LLM engine (v0.8.5) with config: model='org/model', dtype=auto",
            "configured"),
    Printed("0.7.3", "0.33.0", "Initializing a V1 LLM engine (v0.21.0) with config: model='org/model', dtype=auto",
            "configured"),
    Printed("0.6.0", "0.10.2", "Worker ready; awaiting tasks", "workerStarted"),
    Printed("0.11.1", "0.33.0", "world_size=2 rank=1 local_rank=1 distributed_init_method=tcp://127.0.0.1:4001 "
            "backend=nccl", "workerStarted"),
    Printed("0.8.0", "0.8.5", "rank 0 in world size 2 is assigned as DP rank 0, PP rank 0, TP rank 0", "distributed"),
    Printed("0.9.0", "0.11.1", "rank 0 in world size 2 is assigned as DP rank 0, PP rank 0, TP rank 0, EP rank 0",
            "distributed"),
    Printed("0.12.0", "0.33.0", "rank 1 in world size 2 is assigned as DP rank 0, PP rank 0, PCP rank 0, TP rank 1, EP "
            "rank N/A, EPLB rank N/A", "distributed"),
    Printed("0.6.0", "0.33.0", "Starting to load model org/model...", "loadStarted"),
    Printed("0.32.0", "0.33.0", "Initializing model took 0.172111 seconds", "modelBuilt", 0.172111),
    Printed("0.7.3", "0.33.0", "Time spent downloading weights for org/model: 42.125000 seconds", "downloaded", 42.125),
    Printed("0.6.0", "0.8.0", "Loading model weights took 14.9888 GB", "weightsLoaded"),
    Printed("0.8.0", "0.33.0", "Loading weights took 5.92 seconds", "weightsLoaded", 5.92),
    Printed("0.8.0", "0.8.0", "Model loading took 0.9264 GB and 3.101211 seconds", "weightsLoaded", 3.101211),
    Printed("0.8.5", "0.27.0", "Model loading took 7.6785 GiB and 2.195456 seconds", "weightsLoaded", 2.195456),
    Printed("0.11.1", "0.33.0", "Model loading took 21.91 GiB memory and 152.000000 seconds", "weightsLoaded", 152),
    Printed("0.8.5", "0.33.0", "Loading drafter model...", "weightsLoaded"),
    Printed("0.6.5", "0.33.0", "Dynamo bytecode transform time: 3.70 s", "compiled", 3.7),
    Printed("0.32.0", "0.33.0", "[eagle_head] Dynamo bytecode transform time: 0.70 s", "compiled", 0.7, "eagle_head"),
    Printed("0.6.5", "0.9.2", "Compiling a graph for general shape takes 12.34 s", "compiled", 12.34),
    Printed("0.6.5", "0.12.0", "Compiling a graph for shape 8 takes 1.25 s", "compiled", 1.25),
    Printed("0.10.0", "0.12.0", "Compiling a graph for dynamic shape takes 12.34 s", "compiled", 12.34),
    Printed("0.13.0", "0.33.0", "Compiling a graph for compile range (1, 32768) takes 58.00 s", "compiled", 58),
    Printed("0.32.0", "0.33.0", "[backbone] Compiling a graph for compile range (1, 8192) takes 58.00 s", "compiled",
            58),
    Printed("0.7.3", "0.8.0", "Directly load the compiled graph for shape None from the cache", "compiled"),
    Printed("0.8.5", "0.12.0", "Directly load the compiled graph(s) for shape None from the cache, took 3.141 s",
            "compiled", 3.141),
    Printed("0.10.0", "0.12.0", "Directly load the compiled graph(s) for dynamic shape from the cache, took 5.920 s",
            "compiled", 5.92),
    Printed("0.13.0", "0.33.0", "Directly load the compiled graph(s) for compile range (1, 8192) from the cache, took "
            "0.512 s", "compiled", 0.512),
    Printed("0.11.1", "0.33.0", "Directly load AOT compilation from path /root/.cache/vllm/torch_compile_cache/torch_"
            "aot_compile/5f2ba9/rank_0_0/model", "compiled"),
    Printed("0.6.5", "0.17.0", "torch.compile takes 12.34 s in total", "compiled", 12.34),
    Printed("0.18.0", "0.33.0", "torch.compile took 66.00 s in total", "compiled", 66),
    Printed("0.18.0", "0.33.0", "torch.compile and initial profiling/warmup run together took 66.00 s in total",
            "compiled", 66),
    Printed("0.18.0", "0.33.0", "Initial profiling/warmup run took 0.40 s", "profiled", 0.4),
    Printed("0.6.4", "0.6.4", "Memory profiling results: total_gpu_memory=79.10GiB", "profiled"),
    Printed("0.6.5", "0.10.2", "Memory profiling takes 11.94 seconds", "profiled", 11.94),
    Printed("0.6.5", "0.6.5", "Memory profiling took 28.21 seconds", "profiled", 28.21),
    Printed("0.9.2", "0.33.0", "Available KV cache memory: 18.38 GiB", "profiled"),
    Printed("0.20.0", "0.33.0", "Explicitly set (1.0/6.0) GiB for KV cache on node 0.", "profiled"),
    Printed("0.20.0", "0.33.0", "Auto set (2.5/6.0) GiB for KV cache on node 0, with 3.0 GiB requested memory",
            "profiled"),
    Printed("0.6.0", "0.6.6", "# GPU blocks: 27825, # CPU blocks: 2048", "cacheSized"),
    Printed("0.6.0", "0.6.6", "# CPU blocks: 2048", "cacheSized"),
    Printed("0.7.0", "0.11.0", "# cuda blocks: 7191, # CPU blocks: 512", "cacheSized"),
    Printed("0.8.0", "0.33.0", "GPU KV cache size: 133,000 tokens", "cacheSized"),
    Printed("0.30.0", "0.33.0", "CPU KV cache size: 2,097,152 tokens, Maximum concurrency for 2,048 tokens per "
            "request: 1024.00x", "cacheSized"),
    Printed("0.6.0", "0.6.3", "Capturing the model for CUDA graphs. This may lead to unexpected consequences",
            "captureStarted"),
    Printed("0.6.4", "0.10.2", "Capturing cudagraphs for decoding. This may lead to unexpected consequences",
            "captureStarted"),
    Printed("0.6.0", "0.6.3", "Graph capturing finished in 12 secs.", "graphsCaptured", 12),
    Printed("0.6.4", "0.33.0", "Graph capturing finished in 14 secs, took 0.63 GiB", "graphsCaptured", 14),
    Printed("0.31.0", "0.33.0", "Encoder graph capturing finished in 3 secs, took 0.20 GiB (12 graphs)",
            "graphsCaptured", 3),
    Printed("0.19.0", "0.33.0", "Encoder CUDA graph capture complete. Captured 4 graphs across 2 paths.",
            "graphsCaptured"),
    Printed("0.6.5", "0.19.0", "init engine (profile, create kv cache, warmup model) took 46.66 seconds", "engineReady",
            46.66),
    Printed("0.20.0", "0.33.0", "init engine (profile, create kv cache, warmup model) took 215.77 s (compilation: "
            "73.00 s)", "engineReady", 215.77),
    Printed("0.7.3", "0.9.0", "Starting vLLM API server on http://0.0.0.0:8000", "routesReady"),
    Printed("0.9.2", "0.17.0", "Starting vLLM API server 0 on http://0.0.0.0:8000", "routesReady"),
    Printed("0.18.0", "0.33.0", "Starting vLLM server on http://0.0.0.0:8000", "routesReady"),
    Printed("0.6.0", "0.33.0", "INFO:     Application startup complete.", "httpUp"),
    Printed("0.7.3", "0.8.0", "It took 1.250000 seconds to wake up.", "woken", 1.25),
    Printed("0.8.5", "0.33.0", "It took 0.800000 seconds to wake up tags {'weights', 'kv_cache'}.", "woken", 0.8),
)


def numbers(release: str) -> tuple[int, ...]:
    """A release that can be compared."""
    return tuple(int(number) for number in release.split("."))


def prints(first: str, last: str, release: str) -> bool:
    """Whether the release is among those from the first to the last."""
    return numbers(first) <= numbers(release) <= numbers(last)

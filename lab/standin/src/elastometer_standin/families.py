"""Tables of vLLM 0.33's metric families, and the process metrics that prometheus_client adds to them.

Names, buckets and help texts are copied from vLLM's `v1/metrics/loggers.py` and were compared with a running
vLLM 0.32 (https://github.com/vllm-project/vllm/blob/main/vllm/v1/metrics/loggers.py). Do not reword them.
"""

import os
import resource

from elastometer_standin.metrics import Family, Value

TTFT_BUCKETS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
    1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
)
TOKEN_GAP_BUCKETS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
    0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)
LATENCY_BUCKETS = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0,
    40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0,
)
STEP_BUCKETS = tuple(float(n) for n in (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384))

WAITING_BY_REASON_HELP = (
    "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; "
    "'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). "
    "Sum of all reasons equals vllm:num_requests_waiting."
)
SLEEP_HELP = (
    "Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake; "
    "weights_offloaded = 1 means sleep level 1; discard_all = 1 means sleep level 2."
)
EXTERNAL_QUERIES_HELP = (
    "External prefix cache queries from KV connector cross-instance cache sharing, "
    "in terms of number of queried tokens."
)
FOR_UTILIZATION = "(for Model Flops Utilization calculations)"
CACHED_BY_SOURCE_HELP = (
    "Prefix-cache hit tokens by the cache tier that supplied them: device (local HBM), host (offloaded to DRAM), disk, "
    "p2p (transferred from another vLLM instance) or external_unspecified. Counted at admission; sums to "
    "vllm:prefix_cache_hits + vllm:external_prefix_cache_hits."
)
EXTERNAL_HITS_HELP = EXTERNAL_QUERIES_HELP.replace("queries", "hits").replace("queried", "cached")

PLAIN_COUNTERS = (
    ("vllm:prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens."),
    ("vllm:prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens."),
    ("vllm:external_prefix_cache_queries", EXTERNAL_QUERIES_HELP),
    ("vllm:external_prefix_cache_hits", EXTERNAL_HITS_HELP),
    ("vllm:mm_cache_queries", "Multi-modal cache queries, in terms of number of queried items."),
    ("vllm:mm_cache_hits", "Multi-modal cache hits, in terms of number of cached items."),
    ("vllm:num_preemptions", "Cumulative number of preemption from the engine."),
    ("vllm:prompt_tokens", "Number of prefill tokens processed."),
    ("vllm:prompt_tokens_cached", "Number of cached prompt tokens (local + external)."),
    ("vllm:generation_tokens", "Number of generation tokens processed."),
    ("vllm:estimated_flops_per_gpu", f"Estimated number of floating point operations per GPU {FOR_UTILIZATION}."),
    ("vllm:estimated_read_bytes_per_gpu", f"Estimated number of bytes read from memory per GPU {FOR_UTILIZATION}."),
    ("vllm:estimated_write_bytes_per_gpu", f"Estimated number of bytes written to memory per GPU {FOR_UTILIZATION}."),
)
LENGTH_HISTOGRAMS = (
    ("vllm:request_prompt_tokens", "Number of prefill tokens processed."),
    ("vllm:request_generation_tokens", "Number of generation tokens processed."),
    (
        "vllm:request_max_num_generation_tokens",
        "Histogram of maximum number of requested generation tokens.",
    ),
    ("vllm:request_params_max_tokens", "Histogram of the max_tokens request parameter."),
    (
        "vllm:request_prefill_kv_computed_tokens",
        "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
    ),
)
TIME_HISTOGRAMS = (
    ("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", TTFT_BUCKETS),
    ("vllm:inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", TOKEN_GAP_BUCKETS),
    (
        "vllm:request_time_per_output_token_seconds",
        "Histogram of time_per_output_token_seconds per request.",
        TOKEN_GAP_BUCKETS,
    ),
    ("vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", LATENCY_BUCKETS),
    (
        "vllm:request_queue_time_seconds",
        "Histogram of time spent in WAITING phase for request.",
        LATENCY_BUCKETS,
    ),
    (
        "vllm:request_inference_time_seconds",
        "Histogram of time spent in RUNNING phase for request.",
        LATENCY_BUCKETS,
    ),
    (
        "vllm:request_prefill_time_seconds",
        "Histogram of time spent in PREFILL phase for request.",
        LATENCY_BUCKETS,
    ),
    (
        "vllm:request_decode_time_seconds",
        "Histogram of time spent in DECODE phase for request.",
        LATENCY_BUCKETS,
    ),
    ("vllm:iteration_tokens_total", "Histogram of number of tokens per engine_step.", STEP_BUCKETS),
    (
        "vllm:request_num_preemptions",
        "Histogram of the number of times a request was preempted.",
        (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0),
    ),
    ("vllm:request_params_n", "Histogram of the n request parameter.", (1.0, 2.0, 5.0, 10.0, 20.0)),
)
PROMPT_SOURCES = ("local_compute", "local_cache_hit", "external_kv_transfer")
CACHE_SOURCES = ("device", "host", "p2p", "disk", "external_unspecified")


def process_families(started: float) -> list[Family]:
    """The families of prometheus_client's process collector; without /proc those of memory and files are left out."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    families = [
        _unlabelled(
            "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", started
        ),
        _unlabelled(
            "process_cpu_seconds",
            "counter",
            "Total user and system CPU time spent in seconds.",
            usage.ru_utime + usage.ru_stime,
        ),
    ]
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            virtual, resident = (int(part) * resource.getpagesize() for part in statm.read().split()[:2])
        open_fds = len(os.listdir("/proc/self/fd"))
    except OSError:
        return families
    soft_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return [
        _unlabelled("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", virtual),
        _unlabelled("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", resident),
        *families,
        _unlabelled("process_open_fds", "gauge", "Number of open file descriptors.", open_fds),
        _unlabelled("process_max_fds", "gauge", "Maximum number of open file descriptors.", soft_limit),
    ]


def _unlabelled(name: str, kind: str, documentation: str, value: float) -> Family:
    return Family(name, kind, documentation, {(): Value(float(value))})

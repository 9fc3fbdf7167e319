"""vLLM's metrics by their names in Prometheus, and the series of a bundle that each one fills."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.model.bundle import SeriesName

PREFIX = "vllm:"
WAITING, RUNNING = "vllm:num_requests_waiting", "vllm:num_requests_running"
PREEMPTIONS, REJECTIONS = "vllm:num_preemptions_total", "vllm:admission_rejections_total"
# The last one is the name in older releases.
KV_CACHE, OLD_KV_CACHE = "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"
SERIES: Mapping[str, SeriesName] = {
    WAITING: SeriesName.WAITING, RUNNING: SeriesName.RUNNING, KV_CACHE: SeriesName.KV_CACHE,
    OLD_KV_CACHE: SeriesName.KV_CACHE,
}

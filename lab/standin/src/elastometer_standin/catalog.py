"""The metrics of one server: the families that /metrics shows, and how engine events change them.

What a family counts, and when, follows vLLM (https://docs.vllm.ai/en/stable/usage/metrics.html).
"""

from collections import Counter

from elastometer_standin.engine import Engine, Finish, Rejection, Sequence
from elastometer_standin.families import (
    CACHE_SOURCES,
    CACHED_BY_SOURCE_HELP,
    LENGTH_HISTOGRAMS,
    PLAIN_COUNTERS,
    PROMPT_SOURCES,
    SLEEP_HELP,
    TIME_HISTOGRAMS,
    WAITING_BY_REASON_HELP,
    process_families,
)
from elastometer_standin.metrics import Family, Histogram, Labels, Value, one_two_five, render
from elastometer_standin.settings import GPU_MEMORY_UTILIZATION, Settings


class Catalog:
    """All metric families of one server. It implements the engine's `Recorder`."""

    def __init__(self, settings: Settings, started: float) -> None:
        self.settings = settings
        self.started = started
        self.own: list[Family] = []
        """Families of the stand-in's own, which are not vLLM's and stand after them."""
        self._base: Labels = (("engine", "0"), ("model_name", settings.model_name))
        self._families: dict[str, Family] = {}
        self._rejections = {rejection: Value() for rejection in Rejection}
        self._declare_gauges()
        self._declare_counters()
        self._declare_histograms()

    def on_step(self, tokens: int, gaps: Counter[float]) -> None:
        """Count one engine step. First tokens are counted by `on_first_token`, so `gaps` has all the others."""
        # Gaps are counted by length, because in one step most sequences have the same: one observation for them all.
        generated = gaps.total()
        if tokens:
            self.histogram("vllm:iteration_tokens_total").observe(tokens)
        self.value("vllm:generation_tokens").inc(generated)
        latency = self.histogram("vllm:inter_token_latency_seconds")
        for gap, times in gaps.items():
            latency.observe(gap, times)

    def on_first_token(self, seq: Sequence, now: float) -> None:
        """Count the prompt now and not on arrival, as vLLM does: a request that never ran adds no prompt tokens."""
        self.histogram("vllm:time_to_first_token_seconds").observe(now - seq.arrived)
        self.value("vllm:generation_tokens").inc()
        self.value("vllm:prompt_tokens").inc(seq.prompt_tokens)
        self.value("vllm:prompt_tokens_by_source", ("source", "local_compute")).inc(seq.prompt_tokens)
        # There is no prefix cache here, so every query is a miss and vllm:prefix_cache_hits stays 0.
        self.value("vllm:prefix_cache_queries").inc(seq.prompt_tokens)

    def on_preemption(self) -> None:
        self.value("vllm:num_preemptions").inc()

    def on_rejection(self, rejection: Rejection) -> None:
        self._rejections[rejection].inc()

    def on_finish(self, seq: Sequence, now: float) -> None:
        """Fill the per-request histograms as vLLM does; a request that never ran has zero prefill and decode time."""
        finish = seq.finish or Finish.ERROR
        self.value("vllm:request_success", ("finished_reason", finish.value)).inc()
        scheduled = now if seq.scheduled_at is None else seq.scheduled_at
        first = now if seq.first_token_at is None else seq.first_token_at
        last = first if seq.last_token_at is None else seq.last_token_at
        decode = last - first
        observations = {
            "vllm:e2e_request_latency_seconds": now - seq.arrived,
            "vllm:request_queue_time_seconds": scheduled - seq.arrived,
            "vllm:request_prefill_time_seconds": first - scheduled,
            "vllm:request_decode_time_seconds": decode,
            "vllm:request_inference_time_seconds": last - scheduled,
            "vllm:request_time_per_output_token_seconds": (decode / (seq.generated - 1) if seq.generated > 1 else 0.0),
            "vllm:request_prompt_tokens": seq.prompt_tokens,
            "vllm:request_generation_tokens": seq.generated,
            # The longest of the n answers of a request; n is always 1 here.
            "vllm:request_max_num_generation_tokens": seq.generated,
            "vllm:request_params_max_tokens": seq.max_tokens,
            "vllm:request_params_n": 1,
            "vllm:request_num_preemptions": seq.preemptions,
            "vllm:request_prefill_kv_computed_tokens": seq.prompt_tokens,
        }
        for name, observed in observations.items():
            self.histogram(name).observe(observed)

    def on_http(self, handler: str, method: str, status: int) -> None:
        """Count one HTTP reply by class of status, as prometheus-fastapi-instrumentator does for vLLM."""
        family = self._families["http_requests"]
        labels = (("handler", handler), ("method", method), ("status", f"{status // 100}xx"))
        child = family.children.setdefault(labels, Value())
        if isinstance(child, Value):
            child.inc()

    def render(self, engine: Engine) -> bytes:
        """The whole /metrics page, with gauges read from the engine at this instant."""
        waiting, held = len(engine.waiting), len(engine.held)
        self.value("vllm:num_requests_running").value = len(engine.running)
        self.value("vllm:num_requests_waiting").value = waiting + held
        self.value("vllm:num_requests_waiting_by_reason", ("reason", "capacity")).value = waiting
        self.value("vllm:num_requests_waiting_by_reason", ("reason", "deferred")).value = held
        self.value("vllm:kv_cache_usage_perc").value = engine.kv_usage
        own = [family for family in self.own if family.children]
        return render([*process_families(self.started), *self._families.values(), *own])

    def value(self, name: str, *extra: tuple[str, str]) -> Value:
        """The gauge or counter with vLLM's two base labels and these extra ones."""
        child = self._families[name].children[self._labels(extra)]
        if not isinstance(child, Value):
            raise TypeError(f"{name} is a histogram and has no single value")
        return child

    def histogram(self, name: str) -> Histogram:
        """The histogram with vLLM's two base labels."""
        child = self._families[name].children[self._base]
        if not isinstance(child, Histogram):
            raise TypeError(f"{name} is not a histogram")
        return child

    def _labels(self, extra: tuple[tuple[str, str], ...]) -> Labels:
        return (*self._base, *extra) if extra else self._base

    def _family(self, name: str, kind: str, documentation: str) -> Family:
        family = Family(name, kind, documentation, created=self.started)
        self._families[name] = family
        return family

    def _declare(self, name: str, kind: str, documentation: str, label: str = "", *values: str) -> None:
        # Every label value exists from the start with 0, as in vLLM: an absent series would read as "no data".
        family = self._family(name, kind, documentation)
        for extra in [((label, value),) for value in values] if label else [()]:
            family.children[self._labels(extra)] = Value()

    def _declare_gauges(self) -> None:
        self._declare("vllm:num_requests_running", "gauge", "Number of requests in model execution batches.")
        self._declare("vllm:num_requests_waiting", "gauge", "Number of requests waiting to be processed.")
        self._declare(
            "vllm:num_requests_waiting_by_reason",
            "gauge",
            WAITING_BY_REASON_HELP,
            "reason",
            "capacity",
            "deferred",
        )
        states = ("awake", "weights_offloaded", "discard_all")
        self._declare("vllm:engine_sleep_state", "gauge", SLEEP_HELP, "sleep_state", *states)
        self.value("vllm:engine_sleep_state", ("sleep_state", "awake")).value = 1
        self._declare("vllm:kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.")
        info = self._family("vllm:cache_config_info", "gauge", "Information of the LLMEngine CacheConfig")
        info.children[self._cache_config()] = Value(1.0)

    def _cache_config(self) -> Labels:
        # 9 of the 37 labels of a running vLLM 0.32: those that say something about capacity, and the fixed ones.
        limits = self.settings.limits
        tokens = limits.num_gpu_blocks * limits.block_size
        return (
            ("block_size", str(limits.block_size)),
            ("cache_dtype", "auto"),
            ("enable_prefix_caching", "False"),
            ("engine", "0"),
            ("gpu_memory_utilization", str(GPU_MEMORY_UTILIZATION)),
            ("kv_cache_max_concurrency", f"{tokens / limits.max_model_len:.2f}"),
            ("kv_cache_size_tokens", str(tokens)),
            ("num_gpu_blocks", str(limits.num_gpu_blocks)),
            ("num_gpu_blocks_override", str(limits.num_gpu_blocks)),
        )

    def _declare_counters(self) -> None:
        for name, documentation in PLAIN_COUNTERS:
            self._declare(name, "counter", documentation)
        self._declare(
            "vllm:prompt_tokens_by_source",
            "counter",
            "Number of prompt tokens by source.",
            "source",
            *PROMPT_SOURCES,
        )
        name = "vllm:prompt_tokens_cached_by_source"
        self._declare(name, "counter", CACHED_BY_SOURCE_HELP, "source", *CACHE_SOURCES)
        reasons = tuple(finish.value for finish in Finish)
        self._declare(
            "vllm:request_success",
            "counter",
            "Count of successfully processed requests.",
            "finished_reason",
            *reasons,
        )
        text = "Number of admission attempts rejected by a queue limit, by reason."
        family = self._family("vllm:admission_rejections", "counter", text)
        # Requests are rejected before an engine is chosen, so vLLM gives this family no `engine` label.
        model = ("model_name", self.settings.model_name)
        for rejection in Rejection:
            family.children[(model, ("reason", rejection.value))] = self._rejections[rejection]
        # No child yet: which handlers, methods and statuses there are shows only in the replies.
        self._family("http_requests", "counter", "Total number of requests by method, status and handler.")

    def _declare_histograms(self) -> None:
        lengths = one_two_five(self.settings.limits.max_model_len)
        shapes = [*((name, text, lengths) for name, text in LENGTH_HISTOGRAMS), *TIME_HISTOGRAMS]
        for name, documentation, bounds in shapes:
            self._family(name, "histogram", documentation).children[self._base] = Histogram(bounds)

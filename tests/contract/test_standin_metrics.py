"""The stand-in's /metrics names, kinds and labels are those of vLLM 0.33; a wrong one would silence an autoscaler."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from elastometer_standin.catalog import Catalog
from elastometer_standin.engine import Engine, Finish, Rejection, Sequence
from elastometer_standin.metrics import number_text, one_two_five
from elastometer_standin.settings import EngineLimits, Pace, Settings

SETTINGS = Settings(model="m", limits=EngineLimits(num_gpu_blocks=100, max_model_len=1000))
PLAIN = ("engine", "model_name")

FAMILIES = {
    "vllm:admission_rejections": ("counter", ("model_name", "reason")),
    "vllm:e2e_request_latency_seconds": ("histogram", PLAIN),
    "vllm:engine_sleep_state": ("gauge", (*PLAIN, "sleep_state")),
    "vllm:estimated_flops_per_gpu": ("counter", PLAIN),
    "vllm:estimated_read_bytes_per_gpu": ("counter", PLAIN),
    "vllm:estimated_write_bytes_per_gpu": ("counter", PLAIN),
    "vllm:external_prefix_cache_hits": ("counter", PLAIN),
    "vllm:external_prefix_cache_queries": ("counter", PLAIN),
    "vllm:generation_tokens": ("counter", PLAIN),
    "vllm:inter_token_latency_seconds": ("histogram", PLAIN),
    "vllm:iteration_tokens_total": ("histogram", PLAIN),
    "vllm:kv_cache_usage_perc": ("gauge", PLAIN),
    "vllm:mm_cache_hits": ("counter", PLAIN),
    "vllm:mm_cache_queries": ("counter", PLAIN),
    "vllm:num_preemptions": ("counter", PLAIN),
    "vllm:num_requests_running": ("gauge", PLAIN),
    "vllm:num_requests_waiting": ("gauge", PLAIN),
    "vllm:num_requests_waiting_by_reason": ("gauge", (*PLAIN, "reason")),
    "vllm:prefix_cache_hits": ("counter", PLAIN),
    "vllm:prefix_cache_queries": ("counter", PLAIN),
    "vllm:prompt_tokens": ("counter", PLAIN),
    "vllm:prompt_tokens_by_source": ("counter", (*PLAIN, "source")),
    "vllm:prompt_tokens_cached": ("counter", PLAIN),
    "vllm:prompt_tokens_cached_by_source": ("counter", (*PLAIN, "source")),
    "vllm:request_decode_time_seconds": ("histogram", PLAIN),
    "vllm:request_generation_tokens": ("histogram", PLAIN),
    "vllm:request_inference_time_seconds": ("histogram", PLAIN),
    "vllm:request_max_num_generation_tokens": ("histogram", PLAIN),
    "vllm:request_num_preemptions": ("histogram", PLAIN),
    "vllm:request_params_max_tokens": ("histogram", PLAIN),
    "vllm:request_params_n": ("histogram", PLAIN),
    "vllm:request_prefill_kv_computed_tokens": ("histogram", PLAIN),
    "vllm:request_prefill_time_seconds": ("histogram", PLAIN),
    "vllm:request_prompt_tokens": ("histogram", PLAIN),
    "vllm:request_queue_time_seconds": ("histogram", PLAIN),
    "vllm:request_success": ("counter", ("engine", "finished_reason", "model_name")),
    "vllm:request_time_per_output_token_seconds": ("histogram", PLAIN),
    "vllm:time_to_first_token_seconds": ("histogram", PLAIN),
}
"""vllm:* families of a freshly started server, `cache_config_info` and the `_created` companions aside."""

GONE = (
    "vllm:gpu_cache_usage_perc",
    "vllm:time_per_output_token_seconds",
    "vllm:num_requests_swapped",
    "vllm:cpu_cache_usage_perc",
    "vllm:gpu_prefix_cache_queries",
)


def page(catalog: Catalog | None = None, engine: Engine | None = None) -> str:
    catalog = catalog or Catalog(SETTINGS, 1.7e9)
    return catalog.render(engine or Engine(SETTINGS.limits, Pace(), catalog)).decode()


def samples(text: str) -> dict[str, float]:
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line and not line.startswith("#")
    }


def test_the_families_their_kinds_and_their_labels_are_vllms() -> None:
    seen = {}
    for family in text_string_to_metric_families(page()):
        if family.name.startswith("vllm:") and not family.name.endswith("_created"):
            labels = sorted({name for sample in family.samples for name in sample.labels} - {"le"})
            seen[family.name] = (family.type, tuple(labels))
    assert seen.pop("vllm:cache_config_info")[0] == "gauge"
    assert seen == FAMILIES


def test_counters_end_in_total_and_every_counter_and_histogram_has_its_created_companion() -> None:
    text = page()
    for name, (kind, _) in FAMILIES.items():
        shown = f"{name}_total" if kind == "counter" else name
        assert f"# TYPE {shown} {kind}\n" in text
        assert f"# HELP {shown} " in text
        assert (f"# TYPE {name}_created gauge\n" in text) == (kind != "gauge")


def test_the_names_that_vllm_dropped_are_not_there() -> None:
    text = page()
    assert not [name for name in GONE if name in text]


def test_the_process_reports_when_it_started() -> None:
    assert samples(page())["process_start_time_seconds"] == 1.7e9


def test_labels_are_sorted_and_hostile_model_names_are_escaped() -> None:
    settings = replace(SETTINGS, model='a"\n\\b')
    text = page(Catalog(settings, 0.0))
    assert 'vllm:num_requests_running{engine="0",model_name="a\\"\\n\\\\b"} 0.0' in text
    assert list(text_string_to_metric_families(text))


def test_the_queue_gauges_follow_the_engine_and_the_reasons_sum_to_the_whole() -> None:
    catalog = Catalog(SETTINGS, 0.0)
    engine = Engine(replace(SETTINGS.limits, max_num_seqs=1), Pace(), catalog)
    for _ in range(3):
        engine.add(Sequence(160, 5, Finish.STOP, 0.0, 10))
    engine.begin_step(0.0)
    read = samples(page(catalog, engine))
    base = '{engine="0",model_name="m"}'
    assert read[f"vllm:num_requests_running{base}"] == 1
    assert read[f"vllm:num_requests_waiting{base}"] == 2
    assert read['vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"}'] == 2
    assert read[f"vllm:kv_cache_usage_perc{base}"] == pytest.approx(0.1)


def test_counters_and_histograms_agree_with_what_was_served() -> None:
    catalog = Catalog(SETTINGS, 0.0)
    engine = Engine(SETTINGS.limits, Pace(1000.0, 0.0, 50.0), catalog)
    engine.add(Sequence(100, 5, Finish.STOP, 0.0, 10))
    now = 0.0
    while (end := engine.begin_step(now)) is not None:
        engine.end_step(end)
        now = end
    catalog.on_rejection(Rejection.REQUESTS)
    read = samples(page(catalog, engine))
    base = '{engine="0",model_name="m"}'
    assert read[f"vllm:prompt_tokens_total{base}"] == 100
    assert read[f"vllm:generation_tokens_total{base}"] == 5
    assert read['vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"}'] == 1
    assert read['vllm:admission_rejections_total{model_name="m",reason="max_num_queued_reqs"}'] == 1
    assert read[f"vllm:time_to_first_token_seconds_sum{base}"] == pytest.approx(0.1)
    assert read[f"vllm:inter_token_latency_seconds_count{base}"] == 4
    assert read[f"vllm:request_time_per_output_token_seconds_sum{base}"] == pytest.approx(0.05)
    assert read[f"vllm:e2e_request_latency_seconds_sum{base}"] == pytest.approx(0.3)
    assert read[f"vllm:iteration_tokens_total_sum{base}"] == 105
    assert read['vllm:request_prompt_tokens_bucket{engine="0",le="100.0",model_name="m"}'] == 1
    assert read['vllm:request_prompt_tokens_bucket{engine="0",le="50.0",model_name="m"}'] == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.0"), (12.5, "12.5"), (123456, "123456.0"), (1234567, "1.234567e+06"), (float("inf"), "+Inf")],
)
def test_numbers_look_as_prometheus_client_writes_them(value: float, text: str) -> None:
    assert number_text(value) == text


def test_length_buckets_go_in_one_two_five_steps_to_the_context() -> None:
    assert one_two_five(1000) == (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    assert one_two_five(128)[-1] == 100

"""What happens in the synthetic run, written down: its spec, its scaling decisions, its pods and their log lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

LOAD_START = datetime(2026, 3, 4, 10, 0, 0, tzinfo=UTC)
TEST, NAMESPACE = "demo", "team-a"
UID = "5f2c8a10-77aa-4a6e-9b1e-3f6f2a1d9c00"
SERVER = f"{TEST}-server"
LABELS = {"elastometer.dev/test": TEST, "app.kubernetes.io/component": "server",
          "app.kubernetes.io/managed-by": "elastometer"}
STAGES: list[dict[str, Any]] = [
    {"name": "calm", "type": "Rate", "durationSeconds": 30, "endRequestsPerSecond": "1", "arrivals": "Constant"},
    {"name": "ramp", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": "6", "arrivals": "Constant"},
    {"name": "plateau", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": "6", "arrivals": "Constant"},
    {"name": "drop", "type": "Rate", "durationSeconds": 30, "startRequestsPerSecond": "1",
     "endRequestsPerSecond": "0.5", "arrivals": "Constant"},
]
SPEC: dict[str, Any] = {
    "target": {
        "model": {"name": "Qwen/Qwen2.5-0.5B-Instruct"},
        "server": {"image": "elastometer/standin:0.1.0", "port": 8000, "probePeriodSeconds": 1,
                   "args": ["--max-num-seqs=4"], "terminationGracePeriodSeconds": 40},
    },
    "autoscaler": {"type": "HorizontalPodAutoscaler", "horizontalPodAutoscaler": {
        "minReplicas": 1, "maxReplicas": 4,
        "metrics": [{"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"},
                                              "target": {"type": "AverageValue", "averageValue": "2"}}}],
        "behavior": {
            "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max",
                        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]},
            "scaleDown": {"stabilizationWindowSeconds": 100, "selectPolicy": "Max",
                          "policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}]}}}},
    "load": {"seed": 7, "workers": 2, "connection": {"policy": "PerRequest"}, "stages": STAGES},
    "objectives": [
        {"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99},
        {"name": "first-token-calm", "indicator": "TimeToFirstToken", "percentile": 95, "maximumMilliseconds": 500,
         "stageName": "calm"},
        {"name": "first-token-plateau", "indicator": "TimeToFirstToken", "percentile": 95,
         "maximumMilliseconds": 2000, "stageName": "plateau"},
        {"name": "scale-out", "indicator": "ScaleOutLag", "percentile": 95, "maximumMilliseconds": 20000},
        {"name": "cold-start", "indicator": "ColdStart", "percentile": 95, "maximumMilliseconds": 30000},
    ],
    "measurement": {"scrapePeriodSeconds": 2, "settleSeconds": 60},
}
# (decided, from, to, reason of the event)
DECISIONS = [
    (58.214, 1, 2, "pods metric vllm_num_requests_waiting above target"),
    (73.231, 2, 3, "pods metric vllm_num_requests_waiting above target"),
    (88.219, 3, 4, "pods metric vllm_num_requests_waiting above target"),
    (193.240, 4, 2, "All metrics below target"),
    (208.228, 2, 1, "All metrics below target"),
]
# name, created, deleted, gone
PODS = [
    ("demo-server-7c9d4f8b6-2xkqp", -42.310, None, None),
    ("demo-server-7c9d4f8b6-lm4zt", 58.262, 193.288, 195.913),
    ("demo-server-7c9d4f8b6-9hvwd", 73.284, 193.291, 194.870),
    ("demo-server-7c9d4f8b6-t8r5n", 88.266, 208.276, 209.402),
]
ENGINE = [  # seconds after the process started, line
    (1.120, "[importing.py:53] Triton is installed but 0 active driver(s) found"),
    (2.031, "[api_server.py:1977] vLLM API server version 0.33.0"),
    (2.044, "[api_utils.py:286] non-default args: {'model': 'Qwen/Qwen2.5-0.5B-Instruct', 'max_num_seqs': 4}"),
    (2.215, "[model.py:733] Resolved architecture: Qwen2ForCausalLM"),
    (2.415, "[core.py:93] Initializing a V1 LLM engine (v0.33.0) with config: model='Qwen/Qwen2.5-0.5B-Instruct'"),
    (2.472, "[parallel_state.py:1906] world_size=1 rank=0 local_rank=0 distributed_init_method=file:///x backend=nccl"),
    (2.483, "[parallel_state.py:2350] rank 0 in world size 1 is assigned as DP rank 0, PP rank 0, TP rank 0"),
    (2.490, "[gpu_model_runner.py:4979] Starting to load model Qwen/Qwen2.5-0.5B-Instruct..."),
    (2.950, "[base_loader.py:82] Initializing model took 0.455000 seconds"),
    (4.210, "[weight_utils.py:538] Time spent downloading weights for Qwen/Qwen2.5-0.5B-Instruct: 1.255000 seconds"),
    (5.402, "[default_loader.py:501] Loading weights took 1.18 seconds"),
    (5.422, "[gpu_model_runner.py:3338] Model loading took 0.93 GiB memory and 2.928211 seconds"),
    (5.930, "[backends.py:1148] Dynamo bytecode transform time: 0.20 s"),
    (7.130, "[backends.py:393] Compiling a graph for compile range (1, 2048) takes 1.20 s"),
    (7.135, "[monitor.py:34] torch.compile took 1.40 s in total"),
    (7.536, "[gpu_worker.py:298] Available KV cache memory: 61.20 GiB"),
    (7.540, "[kv_cache_utils.py:1087] GPU KV cache size: 5,347,664 tokens"),
    (9.441, "[gpu_model_runner.py:4244] Graph capturing finished in 1 secs, took 0.31 GiB"),
    (9.462, "[core.py:281] init engine (profile, create kv cache, warmup model) took 4.03 s"),
    (9.520, "[entry.py:140] Starting vLLM server on http://0.0.0.0:8000"),
    (9.545, "Application startup complete."),
]


def at(seconds: float, digits: int = 6) -> str:
    """RFC 3339 of an instant in seconds from the start of the load."""
    text = (LOAD_START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return (text[: 20 + digits] if digits else text[:19]) + "Z"


def second(seconds: float) -> str:
    """The API's stamp: a whole second, cut off."""
    return at(seconds, 0)


def stamp_of(seconds: float) -> str:
    return (LOAD_START + timedelta(seconds=seconds)).strftime("%m-%d %H:%M:%S")


def ready_times() -> list[tuple[str, float, float]]:
    """(pod, first instant as an endpoint, last one)."""
    return [(name, created + 1.184 + ENGINE[-1][0] + 0.412 + 0.025, (deleted or 1e9) + 0.02)
            for name, created, deleted, _ in PODS]

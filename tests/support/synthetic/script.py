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
    (2.031, "[api_server.py:1977] vLLM API server version 0.33.0"),
    (2.415, "[core.py:93] Initializing a V1 LLM engine (v0.33.0) with config: model='Qwen/Qwen2.5-0.5B-Instruct'"),
    (5.422, "[gpu_model_runner.py:3338] Model loading took 0.93 GiB memory and 2.948211 seconds"),
    (7.430, "[monitor.py:34] torch.compile takes 2.00 s in total"),
    (8.236, "[gpu_worker.py:298] Available KV cache memory: 61.20 GiB"),
    (8.240, "[kv_cache_utils.py:1087] GPU KV cache size: 5,347,664 tokens"),
    (9.441, "[gpu_model_runner.py:4244] Graph capturing finished in 1 secs, took 0.31 GiB"),
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

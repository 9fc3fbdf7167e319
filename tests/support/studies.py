"""Studies for tests."""
from __future__ import annotations

import copy
from typing import Any

_TEMPLATE: dict[str, Any] = {
    "target": {
        "model": {"name": "Qwen/Qwen2.5-0.5B-Instruct"},
        "server": {"image": "vllm/vllm-openai:v0.33.0",
                   "args": ["--max-num-seqs=4", "--max-model-len", "4096", "--enable-prefix-caching"]},
    },
    "autoscaler": {
        "type": "HorizontalPodAutoscaler",
        "horizontalPodAutoscaler": {
            "minReplicas": 2, "maxReplicas": 5,
            "metrics": [{"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"},
                                                  "target": {"type": "AverageValue", "averageValue": "2"}}}],
        },
    },
    "load": {
        "tasks": [{"name": "poem", "prompt": "Write a poem."}],
        "stages": [{"name": "steady", "type": "Rate", "durationSeconds": 30, "endRequestsPerSecond": "2"}],
    },
    "objectives": [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}],
}


def study_body(*variants: dict[str, Any], name: str = "scalers", **spec: Any) -> dict[str, Any]:
    """A study as served, of the given variants or of one that is the template."""
    return copy.deepcopy({
        "apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityStudy",
        "metadata": {"name": name, "namespace": "staging", "uid": "0a1b2c3d-0000-4000-8000-000000000001",
                     "generation": 1},
        "spec": {"template": _TEMPLATE, "variants": list(variants) or [{"name": "queue"}], **spec},
    })

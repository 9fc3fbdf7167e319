"""`cloud-autoscale`: a chat API on one to five instances that scale on CPU (001).

The amounts are the document's, section by section; its measured numbers are nowhere, for they are what is asked.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from description.server import GPU, VLLM_IMAGE, resources, standin, vllm
from description.size import Size

POEMS = ("请写一首描写秋天的七言绝句", "创作一首关于爱情的现代诗", "用李白风格写一首山水诗")
QUESTION = "用户:你觉得人工智能未来会取代人类吗?\n助手:"
MOST = 5
# More than 70 % and less than 30 %, as a target with a tolerance.
TARGET, TOLERANCE = 50, "0.4"
ALONE = "alone"


def introduction(size: Size) -> list[str]:
    """What the head of the manifest says."""
    return [
        "How many users does a chat API bear that scales on CPU from one to five instances, does scaling happen, does "
        "it help, and where are users served best? The first variant is that run; the others ask one instance for "
        "other answers, and with other flags. Other settings of the autoscaler are predicted from the run (whatIf).",
        "More than 70 % for a minute adds an instance, less than 30 % for three minutes removes one: one HPA with a "
        "target of 50 % and a tolerance of 0.4 in both directions. How many at once the document does not say: one Pod "
        "a minute.",
        *(["Against the stand-in, in about eleven minutes: a tenth of the users, windows of two sync periods of the "
           "HPA out and four in (30 and 60 s), one Pod per 15 s. The climb's steps are as long as these windows need."]
          if size.is_smoke else
          ["A third of the time in each stage, to see it run before the full one; the steps of the climb are as long "
           "as the autoscaler's windows need."] if size.time > 1 else []),
    ]


def manifest(size: Size) -> dict[str, Any]:
    """The ElasticityStudy."""
    return {
        "apiVersion": "elastometer.dev/v1alpha1",
        "kind": "ElasticityStudy",
        "metadata": {"name": "cloud-autoscale"},
        "spec": {
            "template": {
                "target": {"model": {"name": "Qwen/Qwen2.5-0.5B-Instruct"}, "server": _server(size)},
                "autoscaler": {"type": "HorizontalPodAutoscaler", "horizontalPodAutoscaler": _scaler(size)},
                "load": {
                    "seed": 7,
                    "timeoutSeconds": 30,
                    "connection": {"policy": "SpreadOverPods"},
                    "tasks": _tasks(),
                    "stages": list(_stages(size)),
                },
                "objectives": [
                    {"name": "served", "indicator": "RequestSuccess", "minimumPercent": "99"},
                    {"#": "Success, mean, P99 and a steady rate, as the document calls a service healthy.",
                     "name": "health", "preset": "Health", "stageName": "crowd"},
                ],
                "measurement": {
                    "scrapePeriodSeconds": size.of(5, 2),
                    "settleSeconds": size.of(420, 20),
                    "readyDeadlineSeconds": size.of(900, 120),
                },
            },
            "variants": list(_variants(size)),
            "baseline": ALONE,
            "#": "Tokens, sampling and think time are parts of the load; here they are what is compared.",
            "allowDifferent": True,
            "repetitions": size.of(3, 2),
            "parallelism": size.of(1, 3),
        },
    }


def _server(size: Size) -> dict[str, Any]:
    """CPU requests equal limits, because utilization is of the request."""
    if not size.is_smoke:
        cores = {"cpu": "4", "memory": "16Gi"}
        return vllm(VLLM_IMAGE, ["--max-num-seqs=64", "--max-model-len=4096", "--gpu-memory-utilization=0.9"],
                    resources(cores, {**cores, GPU: "1"}))
    return standin([
        "--max-num-seqs=64", "--max-model-len=4096",
        "--standin-prefill-tokens-per-second=20000", "--standin-prefill-overhead-ms=5",
        "--standin-decode-ms-per-token=5", "--standin-cpu-ms-per-token=0.45",
        "--standin-answer-tokens=160",
    ], resources({"cpu": "150m", "memory": "96Mi"}, {"cpu": "150m", "memory": "512Mi", GPU: "1"}))


def _scaler(size: Size) -> dict[str, Any]:
    pod = [{"type": "Pods", "value": 1, "periodSeconds": size.of(60, 15)}]
    return {
        "minReplicas": 1,
        "maxReplicas": MOST,
        "metrics": [_cpu(TARGET)],
        "behavior": {
            "scaleUp": {"stabilizationWindowSeconds": size.of(60, 30), "tolerance": TOLERANCE, "policies": pod},
            "scaleDown": {"stabilizationWindowSeconds": size.of(180, 60), "tolerance": TOLERANCE, "policies": pod},
        },
    }


def _cpu(percent: int) -> dict[str, Any]:
    return {"type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}


def _tasks(**changed: Any) -> list[dict[str, Any]]:
    """The document's two tasks; `changed` goes into both."""
    chat = {
        "name": "chat",
        "messages": [{"role": "user", "content": QUESTION}],
        "maximumTokens": {"minimum": 100, "maximum": 100},
        "sampling": {"topP": _always("0.9"), "frequencyPenalty": _always("0.5"), "seed": "PerRequest"},
    }
    poem = {
        "name": "poem",
        "messages": [{"role": "user", "content": "{{ theme }}"}],
        "dataset": {"inline": [{"theme": theme} for theme in POEMS]},
        "maximumTokens": {"minimum": 64, "maximum": 128},
        "sampling": {"temperature": {"minimum": "0.7", "maximum": "0.9"}, "seed": "PerRequest"},
    }
    sampling = changed.pop("sampling", {})
    return [{**task, **changed, "sampling": {**task["sampling"], **sampling}} for task in (poem, chat)]


def _stages(size: Size) -> Iterator[dict[str, Any]]:
    yield _quiet("idle", size.seconds(60, at_least=15))
    yield {"name": "baseline", "type": "Users", "users": size.people(50), "durationSeconds": size.seconds(300),
           "thinkTimeSeconds": _think(1, 3), "role": "Baseline"}
    yield {
        "#": "Each step is judged once the autoscaler has had time to act on it.",
        "name": "climb", "type": "Knee", "of": "Users", "start": size.people(50), "step": size.people(50),
        "maximum": size.people(400), "stepSeconds": size.of(300, 40), "warmupSeconds": size.of(180, 25),
        "soakSeconds": size.seconds(600), "thinkTimeSeconds": _think(1, 3),
        "objectives": [
            {"indicator": "RequestSuccess", "minimumPercent": "99"},
            {"indicator": "RequestLatency", "percentile": 99, "maximumMilliseconds": 2000},
            {"indicator": "RequestLatency", "statistic": "Mean", "maximumMilliseconds": 1000},
        ],
    }
    yield {"#": "Until it has scaled in.", **_quiet("scale-in", size.of(600, 100))}
    yield {
        "name": "crowd", "type": "Users", "users": size.people(200), "spawnPerSecond": str(size.people(10)),
        "durationSeconds": size.seconds(600, at_least=100), "warmupSeconds": 30, "thinkTimeSeconds": _think(1, 3),
    }


def _quiet(name: str, seconds: object) -> dict[str, Any]:
    return {"name": name, "type": "Rate", "durationSeconds": seconds, "endRequestsPerSecond": "0", "role": "Quiet"}


def _variants(size: Size) -> Iterator[dict[str, Any]]:
    yield {
        "#": "The document's run. Its load is another one, so that it is reported but not compared.",
        "name": "main", "repetitions": 1, "compared": False,
        "patch": {"whatIf": list(_what_if(size))},
    }
    yield {"#": "One instance and a steady crowd, so that nothing but the variant differs.", **_alone(size, ALONE)}
    for tokens in (64, 128, 500):
        exactly = {"minimum": tokens, "maximum": tokens}
        yield _alone(size, f"tokens-{tokens}", tasks=_tasks(maximumTokens=exactly))
    for name, temperature in (("temperature-low", "0.2"), ("temperature-high", "1.2")):
        yield _alone(size, name, tasks=_tasks(sampling={"temperature": _always(temperature)}))
    yield _alone(size, "sequences-8", args=["--max-num-seqs=8"])
    yield _alone(size, "batch-512", args=["--max-num-batched-tokens=512"])
    yield _alone(size, "think-2", think=_think(2, 2))


def _alone(size: Size, name: str, *, tasks: list[dict[str, Any]] | None = None, args: list[str] | None = None,
           think: dict[str, str] | None = None) -> dict[str, Any]:
    stage = {"name": "steady", "type": "Users", "users": size.people(50), "durationSeconds": size.seconds(300),
             "warmupSeconds": size.seconds(30, at_least=5), "thinkTimeSeconds": think or _think(1, 3)}
    return {"name": name, "patch": {
        "autoscaler": {"type": "None", "replicas": 1},
        **({"target": {"server": {"args": args}}} if args else {}),
        "load": {**({"tasks": tasks} if tasks else {}), "stages": [stage]},
        "objectives": [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": "99"}],
    }}


def _what_if(size: Size) -> Iterator[dict[str, Any]]:
    for percent in (60, 80):
        yield {"name": f"cpu-{percent}", "set": {"target": percent}}
    for seconds in size.of((30, 120), (15, 60)):
        yield {"name": f"window-{seconds}", "set": {"behavior.scaleUp.stabilizationWindowSeconds": seconds}}
    for replicas in (2, 3):
        yield {"name": f"minimum-{replicas}", "set": {"minReplicas": replicas}}
    yield {"#": "A queue in place of CPU.", "name": "queue", "set": {"metric": "waiting", "target": 2}}


def _think(minimum: int, maximum: int) -> dict[str, str]:
    return {"minimum": str(minimum), "maximum": str(maximum)}


def _always(number: str) -> dict[str, str]:
    return {"minimum": number, "maximum": number}

"""`all-in-one`: one small model on CPUs with two tasks by prompt, at fixed concurrency (000).

The amounts are the document's, section by section; its measured numbers are nowhere, for they are what is asked.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from description.server import VLLM_CPU_IMAGE, resources, standin, vllm
from description.size import Size
from description.texts import CHAT_TEXTS, GLAD, GLAD_TEXTS, MOOD_WORDS, SAD, SAD_TEXTS, rows_of_lengths

LEVELS = (1, 2, 8, 16, 20)
COMPARED_LEVELS = (8, 20)
ANSWER_TOKENS = 64
WORKERS, SEQUENCES = (1, 2, 4), (8, 16, 32)
TODAY = "workers-2"
MARKER = "情感判断"
JUDGE = f"判断用户这句话的情绪，只回答以下之一：{GLAD}、{SAD}。"
CHAT = "你是贴心的聊天助手。先原样写出标记 {{ canary }}，再自然地接着聊。"


def introduction(size: Size) -> list[str]:
    """What the head of the manifest says."""
    return [
        "One small model on CPUs, two tasks by prompt: how do response times change from 1 to 20 at once, does memory "
        "climb, and does a task get another task's answer? The first variant is that run; the others have levels 8 and "
        "20 alone, for other numbers of workers and sequences.",
        "The document's concurrency was users with a pause of about 2 s: its 3 errors are 0.17 % of 1,765 requests, "
        "which is 20 users in 300 s at one request per 3.4 s. Held concurrency, as here, is the harder load.",
        *(["Against the stand-in, in about seven minutes: a tenth of the time at each level, the document's "
           "concurrency."] if size.is_smoke else
          ["A third of the time at each level, to see it run before the full one."] if size.time > 1 else []),
    ]


def manifest(size: Size) -> dict[str, Any]:
    """The ElasticityStudy."""
    return {
        "apiVersion": "elastometer.dev/v1alpha1",
        "kind": "ElasticityStudy",
        "metadata": {"name": "all-in-one"},
        "spec": {
            "template": {
                "target": {"model": {"name": "Qwen/Qwen1.5-0.5B-Chat"}, "server": _server(size)},
                "autoscaler": {"type": "None", "replicas": 1},
                "load": {
                    "seed": 7,
                    "timeoutSeconds": 60,
                    "retries": 1,
                    "connection": {"policy": "SpreadOverPods"},
                    "taskOrder": "Alternating",
                    "fingerprints": {"lines": "All"},
                    "tasks": _tasks(),
                    "stages": list(_stages(size)),
                },
                "objectives": [*_on_requests(), *_on_the_rest()],
                "measurement": {
                    "scrapePeriodSeconds": size.of(2, 1),
                    "settleSeconds": size.of(60, 10),
                    "readyDeadlineSeconds": size.of(900, 120),
                    "inputCharacterBounds": [15, 30, 45, 60, 90, 120],
                },
            },
            "variants": list(_variants(size)),
            "baseline": TODAY,
            "repetitions": size.of(3, 2),
            "parallelism": size.of(1, 4),
        },
    }


def _server(size: Size) -> dict[str, Any]:
    """Two workers, which the document found to be best on its two of four cores."""
    args = ["--api-server-count=2", "--max-num-seqs=16", "--max-model-len=2048"]
    if not size.is_smoke:
        cores = resources({"cpu": "4", "memory": "4Gi"}, {"cpu": "4", "memory": "12Gi"})
        return vllm(VLLM_CPU_IMAGE, args, {"env": [{"name": "VLLM_CPU_KVCACHE_SPACE", "value": "2"}], **cores})
    words = ",".join(f"{label}={'|'.join(words)}" for label, words in MOOD_WORDS.items())
    return standin([
        *args,
        "--standin-cores=2",
        "--standin-prefill-tokens-per-second=8000", "--standin-prefill-overhead-ms=10",
        "--standin-decode-ms-per-token=8", "--standin-decode-slowdown=0.02",
        "--standin-answer-tokens=40",
        f"--standin-label-words={words}",
        "--standin-memory-base-mb=96", "--standin-memory-kb-per-stream=1024", "--standin-memory-return-seconds=2",
    ], resources({"cpu": "150m", "memory": "192Mi"}, {"memory": "512Mi"}))


def _tasks() -> list[dict[str, Any]]:
    moods = [{"text": text, "mood": mood} for mood, texts in ((GLAD, GLAD_TEXTS), (SAD, SAD_TEXTS)) for text in texts]
    lengths = list(rows_of_lengths())
    return [
        {"#": "Which of two labels? Without sampling, as the document has it.", **_judging("emotion", "text", moods)},
        {
            "name": "chat",
            "messages": [{"role": "system", "content": CHAT}, {"role": "user", "content": "{{ text }}"}],
            "dataset": {"inline": [{"text": text} for text in CHAT_TEXTS]},
            "maximumTokens": _exactly(ANSWER_TOKENS),
            "sampling": {"temperature": _always("0.7"), "repetitionPenalty": _always("1.2")},
            "checks": [{"type": "Excludes", "texts": [GLAD, SAD, MARKER]}, {"type": "Crosstalk"},
                       {"type": "Readable"}],
        },
        {"#": "From 15 to 120 characters, and what is no natural language; then the same, cut to 50 characters at the "
              "end of a clause.", **_judging("emotion-whole", "text", lengths), "groupBy": "kind"},
        {**_judging("emotion-cut", "cut", lengths), "groupBy": "kind"},
    ]


def _judging(name: str, field: str, rows: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "name": name,
        "messages": [{"role": "system", "content": JUDGE}, {"role": "user", "content": f"{{{{ {field} }}}}"}],
        "dataset": {"inline": rows},
        "maximumTokens": _exactly(ANSWER_TOKENS),
        "sampling": {"temperature": _always("0")},
        "checks": [{"type": "Label", "labels": [GLAD, SAD], "expected": "{{ mood }}"}, {"type": "Crosstalk"}],
    }


def _stages(size: Size) -> Iterator[dict[str, Any]]:
    yield _quiet("idle", size.seconds(30, at_least=15))
    for streams in LEVELS:
        yield _level(size, streams)
        yield _quiet(f"after-{streams}", 15)
    yield {"name": "lengths", "type": "Concurrency", "concurrency": 2, "requests": size.of(440, 220),
           "tasks": ["emotion-whole", "emotion-cut"]}
    yield _quiet("end", size.seconds(60, at_least=15))


def _quiet(name: str, seconds: int) -> dict[str, Any]:
    """A memory that is back within 5 s is seen to be so, and to stay so, in 15 s."""
    return {"name": name, "type": "Rate", "durationSeconds": seconds, "endRequestsPerSecond": "0", "role": "Quiet"}


def _level(size: Size, streams: int) -> dict[str, Any]:
    return {"name": f"level-{streams}", "type": "Concurrency", "concurrency": streams,
            "durationSeconds": size.seconds(300), "tasks": ["emotion", "chat"]}


def _on_requests() -> list[dict[str, Any]]:
    return [
        {"name": "served", "indicator": "RequestSuccess", "minimumPercent": "99.8"},
        {"name": "within-3-s", "indicator": "RequestLatency", "percentile": 99, "maximumMilliseconds": 3000},
    ]


def _on_the_rest() -> list[dict[str, Any]]:
    return [
        {"name": "memory-growth", "indicator": "MemoryGrowth", "maximumMebibytes": 100},
        {"name": "memory-return", "indicator": "MemoryReturn", "maximumMilliseconds": 5000},
        {"name": "own-answers", "indicator": "AnswerCheck", "checkType": "Crosstalk", "minimumPercent": "100"},
        {"name": "labels", "indicator": "AnswerCheck", "checkType": "Label", "minimumPercent": "95",
         "taskName": "emotion"},
    ]


def _variants(size: Size) -> Iterator[dict[str, Any]]:
    yield {"#": "The document's run. Its load is another one, so that it is reported but not compared.",
           "name": "main", "repetitions": 1, "compared": False}
    alone = {"load": {"stages": [_level(size, streams) for streams in COMPARED_LEVELS]}, "objectives": _on_requests()}
    for name, flag, values in (("workers", "api-server-count", WORKERS), ("sequences", "max-num-seqs", SEQUENCES)):
        for value in values:
            yield {"name": f"{name}-{value}",
                   "patch": {"target": {"server": {"args": [f"--{flag}={value}"]}}, **alone}}


def _exactly(number: int) -> dict[str, int]:
    return {"minimum": number, "maximum": number}


def _always(number: str) -> dict[str, str]:
    return {"minimum": number, "maximum": number}

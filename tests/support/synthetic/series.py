"""What Prometheus and the workers counted in the synthetic run: the stored series, and the workers' summaries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from elastometer_loadgen.base.record import KEYS
from support.synthetic.script import LOAD_START, PODS, at


def series(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Prometheus had, on a grid of two seconds."""
    base = LOAD_START.timestamp()
    common = {"start": at(-60, 0), "end": at(240, 0), "stepSeconds": 2, "outcome": "Samples"}
    lives = [(name, created + 1.184, deleted or 240.0) for name, created, deleted, _ in PODS]

    def answer(name: str, query: str, value: Callable[[str, float, float], float]) -> dict[str, Any]:
        found = []
        for pod_name, started, ended in lives:
            grid = [2.0 * step for step in range(-30, 121) if started + 2.1 <= 2.0 * step <= ended]
            samples = [[base + time, f"{value(pod_name, started, time):g}" if name != "process_start_time_seconds"
                        else f"{base + started:.2f}"] for time in grid]
            found.append({"labels": {"pod": pod_name}, "samples": samples})
        return {"name": name, "query": query, **common, "series": found}

    def epoch(text: str | None) -> float:
        return 1e9 if text is None else (datetime.fromisoformat(text) - LOAD_START).total_seconds()

    pod, send, first_token, over = KEYS["pod"], KEYS["send"], KEYS["first_token"], KEYS["end"]
    times = [(item[pod], epoch(item[send]), epoch(item[first_token]), epoch(item[over])) for item in records]

    def waiting(name: str, _: float, time: float) -> float:
        return sum(1 for who, sent, first, _end in times if who == name and sent <= time < first)

    def running(name: str, _: float, time: float) -> float:
        return sum(1 for who, _sent, first, end in times if who == name and first <= time < end)

    def finished(name: str, _: float, time: float) -> float:
        return sum(1 for who, _sent, _first, end in times if who == name and end <= time)

    return [
        answer("requests_waiting", "sum by (pod) (vllm:num_requests_waiting{…})", waiting),
        answer("requests_running", "sum by (pod) (vllm:num_requests_running{…})", running),
        answer("requests_finished_total", "sum by (pod, finished_reason) (vllm:request_success_total{…})", finished),
        answer("process_start_time_seconds", "max by (pod) (process_start_time_seconds{…})", lambda *_: 0.0),
        answer("up", "max by (pod) (up{…})", lambda *_: 1.0),
        {"name": "autoscaler_desired_replicas", "query": "max by (horizontalpodautoscaler) (…)", **common,
         "outcome": "NoData", "series": []},
    ]


def summaries(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"worker": worker, "incarnation": f"uid-{worker}", "planned": share, "sent": share, "skipped": 0,
         "records": share, "startTime": at(0), "endTime": at(181), "fellBehind": False, "boundMilliseconds": 50,
         "lateness": {"p50Milliseconds": 0.9, "p99Milliseconds": 1.6, "maximumMilliseconds": 3.1},
         "loopLag": {"p99Milliseconds": 0.8, "maximumMilliseconds": 2.2}, "cpuShare": 0.11}
        for worker in (0, 1)
        for share in (sum(1 for item in records if item["worker"] == worker),)]

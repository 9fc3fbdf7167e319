"""The requests of the synthetic run: arrivals without randomness, and the queue that each replica serves them from."""

from __future__ import annotations

import heapq
import random
from typing import Any

from elastometer_loadgen.base.record import KEYS
from support.synthetic.script import PODS, STAGES, at, ready_times


def arrivals() -> list[tuple[float, str]]:
    """Evenly spaced in the integral of the rate: the k-th request at the instant where the integral reaches k."""
    found, clock, total, count, rate = [], 0.0, 0.0, 0, 1.0
    for stage in STAGES:
        end, length = float(stage["endRequestsPerSecond"]), stage["durationSeconds"]
        rate = float(stage.get("startRequestsPerSecond", end if clock == 0 else rate))
        for step in range(length * 1000):
            total += (rate + (end - rate) * step / (length * 1000)) / 1000
            if total >= count + 1:
                count += 1
                found.append((clock + step / 1000, stage["name"]))
        clock, rate = clock + length, end
    return found


def requests() -> list[dict[str, Any]]:
    """The queue: each request takes the replica with the fewest in it among the endpoints of its moment."""
    rng = random.Random(7)
    slots: dict[str, list[float]] = {name: [-1e9] * 4 for name, _, _ in ready_times()}
    records = []
    for number, (moment, stage) in enumerate(arrivals()):
        late = 0.0004 + 0.0012 * rng.random()
        alive = [name for name, up, down in ready_times() if up <= moment < down]
        # kube-proxy picks blindly; the new replica starts with an empty queue and no backlog moves to it.
        chosen = rng.choice(alive)
        free = heapq.heappop(slots[chosen])
        tokens = rng.randint(30, 50)
        begin = max(moment + late + 0.003, free) + 0.022 + 0.006 * rng.random()
        end = begin + 0.040 * (tokens - 1)
        heapq.heappush(slots[chosen], end)
        records.append(record(number, stage, moment, late, begin, end, tokens, chosen))
    return records


def record(number: int, stage: str, moment: float, late: float, begin: float, end: float, tokens: int,
           chosen: str) -> dict[str, Any]:
    return line(
        id=number, worker=number % 2, stage=stage, task="poem", intended=at(moment), send=at(moment + late),
        connect=at(moment + late + 0.001), first_byte=at(begin - 0.001), first_token=at(begin), last_token=at(end),
        end=at(end + 0.001), chunks=tokens, prompt_tokens=14, completion_tokens=tokens, finish_reason="length",
        status=200, outcome="Success", error=None, pod=chosen, address="10.96.0.40:8000",
        fingerprint=f"{(number * 7919) % 65536:04x}")


def line(**fields: Any) -> dict[str, Any]:
    """Fields of a request record, by the keys that the load generator writes them with."""
    return {KEYS[field]: value for field, value in fields.items()}


def lose(records: list[dict[str, Any]]) -> None:
    """Two requests that never succeed: one refused in the crush, one cut off by a dying replica."""
    refused = records[300]
    for field in ("connect", "first_byte", "first_token", "last_token", "finish_reason", "status", "pod",
                  "prompt_tokens", "completion_tokens"):
        refused[KEYS[field]] = None
    refused |= line(outcome="Refused", error="connection refused", chunks=0, end=refused[KEYS["send"]])
    cut = dict(record(len(records), "drop", 179.4, 0.001, 192.2, 193.6, 36, PODS[1][0]))
    cut |= line(outcome="Aborted", finish_reason="abort", completion_tokens=21, chunks=21)
    records.append(cut)

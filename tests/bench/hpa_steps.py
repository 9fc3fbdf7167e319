"""Measures what one HPA sync costs the model, and how long it takes to replay a day.

    python tests/bench/hpa_steps.py [--syncs 2000] [--rounds 3]

CPU time on one core. The day has a sync every 15 s with 20 Pods and a Pods metric; it is written as a trace file and
read back the way `elastometer hpa replay` reads it.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.recording import Recording
from elastometer.hpa.replay import replay
from elastometer.hpa.settings import HpaSpec
from elastometer.hpa.state import State
from elastometer.hpa.step import step
from elastometer.hpa.trace import recording_from
from elastometer.world.trace_reader import read_recordings

PERIOD_SECONDS = 15
DAY_SYNCS = 24 * 3600 // PERIOD_SECONDS
TARGET = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"}, "maxReplicas": 2000}
RULES = {"scaleUp": {"policies": [{"type": "Percent", "value": 100, "periodSeconds": 60}]},
         "scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}}
FLAGS = {"tolerance": 0.1, "downscaleStabilizationSeconds": 300, "cpuInitializationPeriodSeconds": 300,
         "initialReadinessDelaySeconds": 30, "syncPeriodSeconds": PERIOD_SECONDS}
METRICS: dict[str, dict[str, Any]] = {
    "External": {"type": "External", "external": {
        "metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "2"}}},
    "Pods": {"type": "Pods", "pods": {
        "metric": {"name": "waiting"}, "target": {"type": "AverageValue", "averageValue": "2"}}},
    "Resource": {"type": "Resource", "resource": {
        "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 200}}},
}


def world(metric: str, pods: int, syncs: int) -> dict[str, Any]:
    """A trace with a slow wave of load; every tenth Pod has no sample, so that missing Pods cost what they cost."""
    spec = {**TARGET, "metrics": [METRICS[metric]], "behavior": RULES}
    return {"name": f"{metric}-{pods}", "controller": FLAGS, "hpa": spec,
            "syncs": [sync_input(metric, pods, index) for index in range(syncs)]}


def sync_input(metric: str, pods: int, index: int) -> dict[str, Any]:
    """What the autoscaler sees in one sync of that trace."""
    at = PERIOD_SECONDS * index + 0.246570998  # not a whole second, as in real traces
    value = int(2000 + 900 * math.sin(index / 40))
    names = [f"server-{number:04d}" for number in range(pods)]
    answer: dict[str, Any] = {"values": [f"{value * pods}m"]} if metric == "External" else {"samples": [
        {"pod": name, "value": f"{value}m", "timestampSeconds": at - 10, "windowSeconds": 30}
        for number, name in enumerate(names) if number % 10]}
    return {"atSeconds": at, "specReplicas": pods, "statusReplicas": pods, "metrics": [answer], "pods": [
        {"name": name, "phase": "Running", "ready": True, "readyTransitionSeconds": -3590, "startSeconds": -3600,
         "deleting": False, "requests": {"cpu": "1"}} for name in names]}


def seconds_per_sync(recording: Recording, rounds: int) -> float:
    """The best of the rounds: whatever else runs on the machine can only add to it."""
    best = math.inf
    for _ in range(rounds):
        state, spec = State(), recording.spec
        began = time.process_time()
        for sync in recording.syncs:
            state, _ = step(state, spec, sync.input)
        best = min(best, (time.process_time() - began) / len(recording.syncs))
    return best


def replay_a_day() -> None:
    """Print how long it takes to read a day's trace and to decide its syncs, separately."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "day.jsonl"
        path.write_bytes(orjson.dumps(world("Pods", 20, DAY_SYNCS)) + b"\n")
        size = path.stat().st_size / 1e6
        began = time.process_time()
        recording = next(read_recordings(path))
        read = time.process_time()
        replay(recording)
        print(f"a day, {len(recording.syncs)} syncs of 20 Pods ({size:.0f} MB): read in {read - began:.2f} s, "
              f"decided in {time.process_time() - read:.2f} s")


def main() -> None:
    """Prints one line per metric type and number of Pods, and then the day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--syncs", type=int, default=2000, help="syncs per recording (a twentieth with 1,000 Pods)")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the best counts")
    options = parser.parse_args()
    spec: HpaSpec = parse_hpa(TARGET)
    assert spec.maximum == TARGET["maxReplicas"]
    print(f"{'metric':<10}{'Pods':>6}{'us/sync':>10}{'syncs/s':>10}")
    for pods in (10, 20, 1000):
        for metric in METRICS:
            syncs = options.syncs if pods < 1000 else options.syncs // 20
            seconds = seconds_per_sync(recording_from(world(metric, pods, syncs)), options.rounds)
            print(f"{metric:<10}{pods:>6}{seconds * 1e6:>10.1f}{1 / seconds:>10.0f}")
    replay_a_day()


if __name__ == "__main__":
    main()

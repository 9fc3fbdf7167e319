"""Measures what one prediction of the simulator ("the twin") costs: a 30-minute run on up to 20 replicas.

    python tests/bench/twin_predict.py [--requests 7500] [--rounds 7]

One core. The load comes in waves on replicas of 4 slots. An HPA on the mean number of waiting requests moves between 2
and 20 replicas, or is held at 20. A search of 1,000 candidates costs a thousand times this, and also judges each one.
"""

import argparse
import math
import random
import time
from dataclasses import replace

from elastometer.hpa.settings import Behavior, HpaSpec, Metric, MetricType, Policy, PolicyType, ScalingRules, TargetType
from elastometer.model.capacity import Capacity
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Arrival, HpaController, MetricsPath, Scenario
from elastometer.twin.sources import Signal

SECONDS = 1800.0
REPLICAS = 20
CANDIDATES, CORES = 1000, 2


def controller(minimum: int) -> HpaController:
    """Targets two waiting requests per replica; scale-in waits for two minutes."""
    up = ScalingRules((Policy(PolicyType.PERCENT, 100, 15), Policy(PolicyType.PODS, 4, 15)), stabilization_seconds=0)
    down = ScalingRules((Policy(PolicyType.PERCENT, 100, 15),), stabilization_seconds=120)
    metric = Metric(MetricType.PODS, "vllm_num_requests_waiting", TargetType.AVERAGE_VALUE, 2000)
    return HpaController(HpaSpec(minimum, REPLICAS, (metric,), Behavior(up, down)), (Signal.WAITING,))


def scenario(requests: int) -> Scenario:
    """Three waves of random arrivals, always the same ones."""
    rng, at, mean = random.Random(1), 0.0, requests / SECONDS
    arrivals = []
    while at < SECONDS:
        at += rng.expovariate(mean * (1.0 - 0.7 * math.cos(at / SECONDS * 6 * math.pi)))
        arrivals.append(Arrival(at, rng.randrange(50, 400), rng.randrange(50, 150), 0))
    return Scenario(
        arrivals=tuple(arrivals), capacity=Capacity(4, 0.02, 0.0001, 0.04, 0.001, 0.06, 0.04),
        cold_starts=(30.0, 40.0, 60.0), path=MetricsPath(15.0), controller=controller(2), initial_replicas=2,
        start_seconds=0.0, horizon_seconds=SECONDS + 300, drain_seconds=6.0,
    )


def cost(case: Scenario, rounds: int) -> float:
    """The least CPU time of one prediction, in seconds: whatever else runs on the machine can only add to it."""
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        predict(case)
        spent.append(time.process_time() - start)
    return min(spent)


def main() -> None:
    """Prints one line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=7500, help="requests of the run")
    parser.add_argument("--rounds", type=int, default=7, help="repetitions, of which the best counts")
    options = parser.parse_args()
    moving = scenario(options.requests)
    fixed = replace(moving, controller=controller(REPLICAS), initial_replicas=REPLICAS)
    for name, case in (("2 to 20 replicas", moving), ("20 replicas", fixed)):
        spent, prediction = cost(case, options.rounds), predict(case)
        count = len(case.arrivals)
        print(f"{name}: {1000 * spent:.1f} ms a prediction of {count} requests and {len(prediction.syncs)} syncs "
              f"({1e6 * spent / count:.2f} µs a request in all); {CANDIDATES} on {CORES} cores: "
              f"{CANDIDATES * spent / CORES:.1f} s")


if __name__ == "__main__":
    main()

"""Users and Concurrency: the twin against the real stand-in and the real load generator over loopback, one replica.

    python tests/bench/closed_loops_standin.py          # about four minutes

Both loads are recorded. Each is then predicted with the capacity that was fitted to itself, and with the one fitted to
the other, so that neither the throughput nor the latency of the predicted load was seen before. The machine should have
nothing else to do: a stand-in that is short of CPU shows a capacity that it does not have.
"""
from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.demand_standin import SLOTS, Load, bundle_run, document, run_load, serve
from elastometer.analysis.capacity.fit import fit_capacity
from elastometer.analysis.run import DerivedRun
from elastometer.model.capacity import Capacity
from elastometer.model.units import SECOND
from elastometer.twin.engine import predict
from elastometer.twin.fit.closed_load import ClosedPart, closed_part
from elastometer.twin.fit.recorded_arrivals import recorded_arrivals
from elastometer.twin.prediction import Prediction
from elastometer.twin.scenario import MetricsPath, Scenario, ScheduledController
from elastometer_loadgen.base.measures import nearest_rank
from support.ports import free_port

TOKENS = ((8, 24), (60, 120))
USERS = [{"name": "calm", "type": "Users", "durationSeconds": 60, "users": 24, "spawnPerSecond": "2",
          "thinkTimeSeconds": {"minimum": "1", "maximum": "3"}}]
CONCURRENCY = [{"name": name, "type": "Concurrency", "durationSeconds": 30, "concurrency": number}
               for name, number in (("two", 2), ("eight", 8), ("all", 16), ("queue", 24))]
LOADS = {"Users": USERS, "Concurrency": CONCURRENCY}
# How far apart requests may be with a run's own capacity, in stages that have enough of them.
ALLOWED, FEWEST = 0.10, 100


@dataclass(frozen=True)
class Measured:
    name: str
    run: DerivedRun
    capacity: Capacity
    part: ClosedPart
    stages: Sequence[dict[str, Any]]


def record(name: str, folder: Path, port: int) -> Measured:
    stages = LOADS[name]
    records, summary = run_load(folder, port, name, Load(name, TOKENS, 0.0), stages)
    test = document("all")
    words = " ".join(["word"] * 120)
    test["spec"]["load"] = {"seed": 3, "timeoutSeconds": 120, "stages": stages, "tasks": [
        {"name": f"t{number}", "messages": [{"role": "user", "content": words}],
         "maximumTokens": {"minimum": low, "maximum": high}} for number, (low, high) in enumerate(TOKENS)]}
    run = bundle_run(records, summary, test, {})
    part = closed_part(run.evidence, recorded_arrivals(run.evidence)[0])
    assert isinstance(part, ClosedPart), part
    return Measured(name, run, fit_capacity(run)[0], part, stages)


def predicted(of: Measured, by: Measured) -> Prediction:
    """The load of one run on one replica of the capacity that the other run shows."""
    end = max(one.end or 0 for one in of.run.evidence.requests)
    return predict(Scenario(
        arrivals=of.part.arrivals, closed=of.part.load, capacity=by.capacity, cold_starts=(1.0,),
        path=MetricsPath(1.0), controller=ScheduledController(()), initial_replicas=1, start_seconds=0.0,
        horizon_seconds=of.run.evidence.seconds(end) + 5))


def requests_apart(of: Measured) -> list[float]:
    """By which share the predicted requests of each stage differ from those that were sent."""
    found = predicted(of, of)
    counts = [(sum(one.stage == stage["name"] for one in of.run.evidence.requests),
               sum(arrival.stage == index for arrival in found.arrivals)) for index, stage in enumerate(of.stages)]
    return [mine / theirs - 1 for theirs, mine in counts if theirs >= FEWEST]


def compared(of: Measured, by: Measured) -> list[str]:
    """A row per stage: requests, mean latency and p95 of the first token, measured and predicted."""
    found = predicted(of, by)
    rows = []
    for index, stage in enumerate(of.stages):
        seen = [((one.first_token - one.intended) / SECOND, (one.end - one.intended) / SECOND)
                for one in of.run.evidence.requests
                if one.stage == stage["name"] and one.first_token is not None and one.end is not None]
        made = [(first - arrival.at, last - arrival.at) for arrival, first, last in
                zip(found.arrivals, found.first_token, found.ended, strict=True)
                if arrival.stage == index and last == last]
        rows.append(f"| {of.name} {stage['name']} | {by.name} | {_pair(len(seen), len(made), 0)} | "
                    f"{_pair(_mean(seen), _mean(made), 3)} | {_pair(_p95(seen), _p95(made), 3)} |")
    return rows


def _pair(measured: float, predicted: float, digits: int) -> str:
    return f"{measured:.{digits}f} → {predicted:.{digits}f} ({100 * (predicted / measured - 1):+.1f} %)"


def _mean(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(last for _, last in pairs) / len(pairs)


def _p95(pairs: Sequence[tuple[float, float]]) -> float:
    return nearest_rank(sorted(first for first, _ in pairs), 95) or 0.0


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        server = serve(folder, port)
        try:
            found = [record(load, folder, port) for load in LOADS]
        finally:
            server.kill()
            server.wait()
    for one in found:
        print(*(f"{fitted.name} {fitted.value} {fitted.unit}: {fitted.source}" for fitted in one.part.fitted), sep="\n")
        print(one.capacity)
    print(f"one replica of {SLOTS} slots\n| load, stage | capacity from | requests | mean latency, s | TTFT p95, s |\n"
          "|---|---|---|---|---|")
    for of in found:
        for by in found:
            print(*compared(of, by), sep="\n")
    if any(abs(apart) > ALLOWED for of in found for apart in requests_apart(of)):
        sys.exit(f"more than {100 * ALLOWED:.0f} % apart in requests")


if __name__ == "__main__":
    main()

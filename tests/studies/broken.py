"""Runs each study against a stand-in that misbehaves, and says of each trouble what the report made of it.

    make studies-broken [RUNS="start oom"]      # or: python tests/studies/broken.py [--only NAME ...] [--parallel 2]

Exit code 1 if a trouble was not found, was found where none was planted, or was found another number of times than the
stand-in says that it injected.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from elastometer.model.bundle_files import COLUMNS_OF, REPORT_JSON, REQUESTS, SERIES  # noqa: E402
from elastometer.world.columns.series import series_lines  # noqa: E402
from elastometer_lab.demo import Cluster, make_namespace, prepare  # noqa: E402
from elastometer_lab.errors import LabError  # noqa: E402
from elastometer_lab.studies import GPUS, OUT  # noqa: E402
from support.broken_studies import INJECTED, BrokenRun, Outcome, broken_runs, manifest_of, outcomes  # noqa: E402

NAMESPACE = "studies-broken"
RUN_SECONDS = 900


def main() -> int:
    """Prints a table of what was planted, what was found and the evidence."""
    options = _options()
    wanted = [run for run in broken_runs() if not options.only or run.name in options.only]
    try:
        cluster = prepare(options.cluster, keda=False, gpus=GPUS)
    except LabError as error:
        print(f"studies-broken: {error}", file=sys.stderr)
        return 4
    with ThreadPoolExecutor(options.parallel) as pool:
        found = list(zip(wanted, pool.map(lambda run: _outcomes(cluster, run), wanted), strict=True))
    flaws = [line for run, result in found for line in _print(run, result)]
    print(f"{len(flaws)} flaws" if flaws else "every trouble was found, named and dated, and nothing else")
    return 1 if flaws else 0


QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
# What one Pod has downloaded is there for the next.
CACHE = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "cache"},
         "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cluster", choices=("lab", "kind", "current"), default="lab", help="which cluster (lab)")
    parser.add_argument("--only", nargs="*", help="these runs only")
    parser.add_argument("--parallel", type=int, default=2, help="runs at a time (default: 2)")
    return parser.parse_args()


def _outcomes(cluster: Cluster, run: BrokenRun) -> list[Outcome]:
    """One run through the command line, in a namespace of its own, since a quota counts for a namespace."""
    namespace, out = f"{NAMESPACE}-{run.name}", OUT.parent / "studies-broken" / run.name
    make_namespace(cluster, namespace)
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    if run.quota:
        for one in (QUOTA | {"spec": {"hard": dict(run.quota)}}, CACHE):
            subprocess.run(["kubectl", "-n", namespace, "apply", "-f", "-"], input=json.dumps(one), text=True,
                           check=True, env=environment, capture_output=True)
    subprocess.run(["rm", "-rf", str(out)], check=True)
    command = [sys.executable, "-m", "elastometer.cli.main", "run", "-", "--replace", "-n", namespace,
               "--out", str(out)]
    ended = subprocess.run(command, input=json.dumps(manifest_of(run), ensure_ascii=False), text=True, env=environment,
                           capture_output=True, check=False, timeout=RUN_SECONDS)
    if (not run.variants and not (out / COLUMNS_OF[REQUESTS]).exists()) or not (out / REPORT_JSON).exists():
        return [Outcome(one.trouble, "-", "", f"no report: {ended.stderr[-300:]}") for one in run.planted]
    report = json.loads((out / REPORT_JSON).read_bytes())
    return list(outcomes(run, report, [] if run.variants else _records(out), {} if run.variants else injected_in(out)))


def _records(bundle: Path) -> list[dict[str, Any]]:
    """As in the bundle, under the names of the load generator; what each check found, by its type."""
    rows = pl.read_parquet(bundle / COLUMNS_OF[REQUESTS]).rows(named=True)
    return [{**row, "checks": {one["check"]: one["failure"] for one in row["checks"] or ()}} for row in rows]


def injected_in(bundle: Path) -> dict[str, int]:
    """What the stand-in says that it injected, by fault: the highest value of its own counter."""
    counts: dict[str, int] = {}
    for line in map(json.loads, series_lines(bundle / COLUMNS_OF[SERIES])):
        if line.get("name") != INJECTED:
            continue
        for one in line["series"]:
            values = [float(value) for _, value in one["samples"] if value is not None]
            counts[one["labels"]["fault"]] = int(max(values, default=0))
    return counts


def _print(run: BrokenRun, found: list[Outcome]) -> list[str]:
    flaws = []
    for one in found:
        print(f"{run.name:10} {one.trouble}\n           found: {one.found}. {one.evidence}")
        if one.flaw is not None:
            flaws.append(f"{run.name}: {one.trouble}: {one.flaw}")
            print(f"           FLAW: {one.flaw}")
    return flaws


if __name__ == "__main__":
    sys.exit(main())

"""How long judging takes, and how much memory, for runs from 10,000 requests on, each in a process of its own.

    python tests/bench_judge/judge.py [--requests 10000 100000 1000000] [--keep DIR]

Read from Parquet and written as all four files. Beside it, on the same file and in the same minute, three short scripts
compute the same percentiles of three latencies by stage, and nothing else: the ratios say what the rest of a report
costs. The numbers depend on the machine; the ratios and the growth from size to size hardly do.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from judge_bundles import OBSERVATIONS, write_bundle  # noqa: E402

SIZES = (10_000, 100_000, 1_000_000)
JUDGE = """
from pathlib import Path
from time import perf_counter as now
began = now()
from elastometer.judgement import judge
from elastometer.render.files import render_all
from elastometer.world.bundle_reader import load_bundle
imported = now()
bundle = load_bundle(Path(sys.argv[1]))
read = now()
report = judge(bundle)
judged = now()
files = render_all(report)
rendered = now()
assert len(files) == 4 and all(files.values()), files.keys()
assert report.load[-1].count == int(sys.argv[2]), report.load[-1].count
found |= {"import": imported - began, "read": read - imported, "judge": judged - read, "render": rendered - judged,
          "pageBytes": len(files["report.html"])}
"""
DUCKDB = """
import duckdb
duckdb.sql("SET enable_progress_bar = false")
where = f"'{sys.argv[1]}/requests.parquet'"
milli = lambda one, other: f"(epoch_ns({one}) - epoch_ns({other})) / 1e6"
wait, whole = milli("firstTokenTime", "intendedTime"), milli("endTime", "intendedTime")
pace = f"({milli('lastTokenTime', 'firstTokenTime')}) / nullif(completionTokens - 1, 0)"
parts = ", ".join(f"quantile_disc({one}, [0.5, 0.95, 0.99, 1.0])" for one in (wait, whole, pace))
rows = duckdb.sql(f"SELECT stage, count(*), {parts} FROM {where} GROUP BY ROLLUP (stage)").fetchall()
assert max(row[1] for row in rows) == int(sys.argv[2]), rows
"""
PANDAS = """
import pandas
columns = ["stage", "intendedTime", "firstTokenTime", "lastTokenTime", "endTime", "completionTokens"]
frame = pandas.read_parquet(f"{sys.argv[1]}/requests.parquet", columns=columns)
frame["wait"] = frame.firstTokenTime - frame.intendedTime
frame["whole"] = frame.endTime - frame.intendedTime
frame["pace"] = (frame.lastTokenTime - frame.firstTokenTime) / (frame.completionTokens - 1)
shares, measures = [0.5, 0.95, 0.99, 1.0], ["wait", "whole", "pace"]
by_stage = frame.groupby("stage", observed=True)[measures].quantile(shares, interpolation="lower")
total = frame[measures].quantile(shares, interpolation="lower")
assert len(frame) == int(sys.argv[2]), len(frame)
"""
POLARS = """
import polars as pl
wait, whole = pl.col("firstTokenTime") - pl.col("intendedTime"), pl.col("endTime") - pl.col("intendedTime")
pace = (pl.col("lastTokenTime") - pl.col("firstTokenTime")).cast(pl.Int64) / (pl.col("completionTokens") - 1)
frame = pl.scan_parquet(f"{sys.argv[1]}/requests.parquet").select("stage", wait=wait, whole=whole, pace=pace)
parts = [pl.col(name).quantile(share, "lower").alias(f"{name}{share}")
         for name in ("wait", "whole", "pace") for share in (0.5, 0.95, 0.99, 1.0)]
by_stage, total = pl.collect_all([frame.group_by("stage").agg(pl.len(), *parts), frame.select(pl.len(), *parts)])
assert total.item(0, 0) == int(sys.argv[2]), total
"""
FRAME = """
import json, resource, sys, time
start, found = time.perf_counter(), {{}}
{script}
found["seconds"] = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_SELF)
found |= {{"cpu": usage.ru_utime + usage.ru_stime, "megabytes": usage.ru_maxrss / 1024}}
print(json.dumps(found))
"""
SCRIPTS = {"elastometer": JUDGE, "duckdb": DUCKDB, "pandas": PANDAS, "polars": POLARS}


def measured(script: str, bundle: Path, requests: int) -> dict[str, float] | None:
    """One run in a process of its own; None where its library is not installed."""
    done = subprocess.run([sys.executable, "-c", FRAME.format(script=script), str(bundle), str(requests)],
                          capture_output=True, text=True, check=False, env=os.environ | {"PYTHONHASHSEED": "0"})
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _write(home: Path, requests: int, observations: int) -> None:
    """In a process of its own: a child's peak of memory begins with what its parent had."""
    writer = get_context("spawn").Process(target=write_bundle, args=(home, requests, observations))
    writer.start()
    writer.join()
    if writer.exitcode:
        raise SystemExit(f"the bundle of {requests} requests was not written: exit code {writer.exitcode}")


def main() -> None:
    """Prints a row for each size and program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, nargs="+", default=SIZES)
    parser.add_argument("--observations", type=int, default=OBSERVATIONS)
    parser.add_argument("--keep", type=Path, help="keep the bundles here, and use those that are there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for size in options.requests:
            home = (options.keep or Path(scratch)) / f"run-{size}"
            if not (home / "manifest.json").exists():
                _write(home, size, min(options.observations, max(1000, size)))
            rows = {name: measured(script, home, size) for name, script in SCRIPTS.items()}
            ours = rows["elastometer"] or {}
            for name, row in rows.items():
                print(_words(size, name, row, ours["seconds"]), flush=True)


def _words(size: int, name: str, row: dict[str, float] | None, ours: float) -> str:
    if row is None:
        return f"{size:>10,} {name:<12} is not installed"
    parts = ", ".join(f"{key} {row[key]:.2f}" for key in ("import", "read", "judge", "render") if key in row)
    page = f", page {row['pageBytes'] / 1e6:.2f} MB" if "pageBytes" in row else f", {ours / row['seconds']:.1f} times"
    return (f"{size:>10,} {name:<12} {row['seconds']:7.2f} s {row['megabytes']:7.0f} MB, "
            f"CPU {row['cpu']:.2f} s{page}{f' ({parts})' if parts else ''}")


if __name__ == "__main__":
    main()

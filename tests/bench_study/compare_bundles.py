"""How long `elastometer compare` takes for 60 sealed runs of 10,000 requests: four variants of 15 runs, whose reports
are reused and not judged again.

    python tests/bench_study/compare_bundles.py [--bundles 60] [--requests 10000]

One run is judged; the others have its report with other numbers, and are archives as they are fetched. Measured is the
whole command: its start, reading, comparing, and writing the page, Markdown, JSON and JUnit. The limit is 5 s of wall
time on two cores that have nothing else to do; CPU seconds are printed as well, because on a busy machine only they are
comparable.
"""
from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import orjson
import zstandard

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "bench_judge")]

from judge_bundles import write_bundle  # noqa: E402

from elastometer.judgement import judge  # noqa: E402
from elastometer.model.bundle_files import REPORT_JSON, REPORTS  # noqa: E402
from elastometer.render.files import render_all  # noqa: E402
from elastometer.world.bundle_reader import load_bundle  # noqa: E402

BUNDLES, REQUESTS, MAX_SECONDS = 60, 10_000, 5.0
VARIANTS = {"queue": 1.0, "cpu": 1.3, "keda": 1.02, "always-four": 1.6}
NOISE = 0.05


def main() -> int:
    """Writes the bundles, compares them, and prints the measurement; 1 if it took too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", type=int, default=BUNDLES)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        size = write_bundles(root, options.bundles, options.requests)
        seconds, cpu, found = compare(root)
    compared = sum(one["compared"] for one in found["variants"])
    if compared != options.bundles:
        raise RuntimeError(f"{options.bundles} runs must have been compared, were {compared}")
    print(f"{compared} bundles of {options.requests:,} requests ({size / 1e6:.1f} MB together): {seconds:.2f} s wall, "
          f"{cpu:.2f} s CPU, {found['judged']} differences from the baseline judged (limit {MAX_SECONDS:g} s)")
    return 0 if seconds <= MAX_SECONDS else 1


def write_bundles(root: Path, count: int, requests: int) -> int:
    """One archive for each run below a directory for each variant; their size in bytes."""
    sealed = write_bundle(root / "sealed", requests)
    for name, content in render_all(judge(load_bundle(sealed))).items():
        (sealed / name).write_bytes(content)
    report = orjson.loads((sealed / REPORT_JSON).read_bytes())
    if report["load"][-1]["count"] != requests:
        raise RuntimeError(f"the report must be of {requests} requests, is of {report['load'][-1]['count']}")
    rng = Random(1)
    for number in range(count):
        variant = list(VARIANTS)[number % len(VARIANTS)]
        path = root / "runs" / variant / f"run-{number}.tar.zst"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_archive(sealed, _other(report, f"uid-{number}", VARIANTS[variant], rng)))
    return sum(path.stat().st_size for path in root.rglob("*.tar.zst"))


def _other(report: dict[str, Any], uid: str, factor: float, rng: Random) -> bytes:
    """The report of another run: its latencies and its cost are multiplied by the factor of its variant, with noise."""
    other = json.loads(json.dumps(report)) | {"uid": uid}
    for key in ("timeToFirstToken", "timePerOutputToken", "latency"):
        row = other["load"][-1][key]
        row |= {name: round(row[name] * factor * (1 + rng.gauss(0, NOISE)), 1) for name in ("p50", "p95", "p99")}
    price = other["price"]
    for name in ("paidGpuMilliseconds", "paidReplicaMilliseconds"):
        price[name] = round(price[name] * factor * (1 + rng.gauss(0, NOISE)))
    price["alternatives"][0]["missSeconds"] = round(60 / factor + rng.gauss(0, 3))
    return orjson.dumps(other)


def _archive(sealed: Path, report: bytes) -> bytes:
    """The bundle as it is fetched, with this report; the other forms of the report are left out."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path in sorted(sealed.iterdir()):
            if path.name not in REPORTS:
                tar.add(path, arcname=path.name)
        entry = tarfile.TarInfo(REPORT_JSON)
        entry.size = len(report)
        tar.addfile(entry, io.BytesIO(report))
    return zstandard.ZstdCompressor().compress(stream.getvalue())


def compare(root: Path) -> tuple[float, float, dict[str, Any]]:
    """Wall seconds, CPU seconds and the comparison of the whole command."""
    command = [sys.executable, "-m", "elastometer.cli.main", "compare",
               *(str(root / "runs" / name) for name in VARIANTS), "--out", str(root / "out")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    path = root / "out" / REPORT_JSON
    if not path.exists():
        raise RuntimeError(f"the command must write {REPORT_JSON}; it ended with {done.returncode}: {done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, json.loads(path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())

"""How late our own sends are against their schedule, from the records."""

import json
import shutil
from datetime import datetime
from pathlib import Path

from contenders import OURS
from one_run import measure, rank
from workloads import Workload


def late_sends(load: Workload) -> dict[str, float]:
    """Milliseconds between intended and sent: p50, p99 and maximum of one run."""
    _, out = measure(OURS, load)
    late = sorted(_lateness_ms(line) for line in (Path(out) / "run" / "requests.jsonl").open())
    shutil.rmtree(out, ignore_errors=True)
    found = {"p50": rank(late, 50), "p99": rank(late, 99), "max": late[-1]}
    print(f"{load.name}: " + ", ".join(f"{name} {value:.2f} ms late" for name, value in found.items()), flush=True)
    return found


def _lateness_ms(line: str) -> float:
    record = json.loads(line)
    sent, intended = (datetime.fromisoformat(record[name]) for name in ("sendTime", "intendedTime"))
    return (sent - intended).total_seconds() * 1000

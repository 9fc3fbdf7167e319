"""How late elastometer-load sends its requests, compared with their schedule, from its own records."""

import shutil
from datetime import datetime
from typing import Any

from contenders import OURS, own_records
from one_run import measure, rank
from workloads import Workload


def late_sends(load: Workload) -> dict[str, float]:
    """Milliseconds between the intended and the actual time of sending: p50, p99 and maximum of one run."""
    _, out = measure(OURS, load)
    late = sorted(_lateness_ms(record) for record in own_records(out))
    shutil.rmtree(out, ignore_errors=True)
    found = {"p50": rank(late, 50), "p99": rank(late, 99), "max": late[-1]}
    print(f"{load.name}: " + ", ".join(f"{name} {value:.2f} ms late" for name, value in found.items()), flush=True)
    return found


def _lateness_ms(record: dict[str, Any]) -> float:
    sent, intended = (datetime.fromisoformat(record[name]) for name in ("sendTime", "intendedTime"))
    return (sent - intended).total_seconds() * 1000

"""While a load runs, Prometheus and a reader of the log can follow it; when it is over the counts are the records'."""

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.ports import free_port

StandIn = Callable[..., AbstractContextManager[str]]
PROFILE = """
tasks: [{name: t, prompt: x, maximumTokens: 400}]
stages: [{name: s, type: Rate, durationSeconds: 3, endRequestsPerSecond: "20", arrivals: Constant}]
"""


def scraped(port: int) -> dict[str, float]:
    """Sums over all labels, by name; empty until somebody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


@pytest.mark.timeout(90)
def test_a_run_can_be_followed(tmp_path: Path, standin: StandIn) -> None:
    port = free_port()
    profile = tmp_path / "profile.yaml"
    profile.write_text("endpoint: Completions" + PROFILE)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "elastometer_loadgen", "run", str(profile), f"--out={out}", f"--metrics={port}"]
    seen: list[dict[str, float]] = []
    with standin(tmp_path / "standin.log") as url:
        run = subprocess.Popen([*command, f"--target={url}"], stderr=subprocess.PIPE)
        while run.poll() is None:
            if values := scraped(port):
                seen.append(values)
            time.sleep(0.05)
    assert run.returncode in (0, 3)
    assert run.stderr is not None
    log = run.stderr.read().decode()
    assert (
        len(re.findall(r"^s: sent \d+/60, in flight \d+, ok \d+, failed 0, TTFT p50 \d+ ms, p99 \d+ ms$", log, re.M))
        >= 3
    )
    for earlier, later in pairwise(seen):
        for name in ("elastometer_load_offered_total", "elastometer_load_sent_total"):
            assert earlier.get(name, 0) <= later.get(name, 0) <= 60
    for values in seen:
        sent, over = values.get("elastometer_load_sent_total", 0), values.get("elastometer_load_requests_total", 0)
        assert values["elastometer_load_in_flight"] == sent - over
        assert values["elastometer_load_offered_total"] >= sent
    assert any(values["elastometer_load_in_flight"] > 1 for values in seen)
    assert orjson.loads((out / "summary.json").read_bytes())["records"] == 60

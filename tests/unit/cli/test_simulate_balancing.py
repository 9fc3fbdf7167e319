"""The demo, simulated under each connection policy: what the finding of a pinned backlog counts follows the model."""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from elastometer.cli.main import main

DEMO = Path(__file__).parents[3] / "manifests" / "samples" / "demo.yaml"


def simulated(policy: str, directory: Path) -> dict[str, Any]:
    main(["simulate", str(DEMO), "--draws", "1", "--set", f"load.connection.policy={policy}", "--out", str(directory)])
    found: dict[str, Any] = json.loads((directory / "report.json").read_text())
    return found


def pinned_seconds(report: dict[str, Any]) -> float:
    found = [one["evidence"] for one in report["findings"] if one["name"] == "BacklogPinned"]
    match = re.match(r"For (\d+) s", found[0]) if found else None
    return float(match[1]) if match is not None else 0.0


def test_a_balancer_by_queue_leaves_the_least_of_a_backlog_pinned(tmp_path: Path) -> None:
    """What built up on the first replica before the others were Ready stays there under any balancing."""
    reports = {policy: simulated(policy, tmp_path / policy) for policy in ("Reuse", "PerRequest", "SpreadOverPods")}
    kept, uniform, least = (pinned_seconds(report) for report in reports.values())
    assert kept > uniform > 2 * least
    first = [report["load"][-1]["timeToFirstToken"]["p95"] for report in reports.values()]
    assert first[0] > first[1] > first[2]
    assert all(abs(report["load"][-1]["inFlight"]["scrapedPercent"]) < 2 for report in reports.values())

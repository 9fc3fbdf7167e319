"""A whole run, made up and always the same: calm, ramp, plateau and drop against a server that starts in ten seconds.

    seconds   0        30        90       150      180        240
    load      1/s      1→6/s     6/s      1→0.5/s  (settle)
    replicas  1        1 2 3 4   4        4        4→2→1

The queue is simulated (four sequences a replica, 40 ms a token); scaling decisions, instants and log lines are written
down below. Chance comes from one seed. Run as a script, it writes the run into the directory given.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from elastometer_loadgen.base.record import KEYS
from support.synthetic.observations import observe
from support.synthetic.requests import lose, requests
from support.synthetic.script import NAMESPACE, SPEC, TEST, UID, at
from support.synthetic.series import series, summaries


def write_run(directory: Path) -> Path:
    """The run directory, as it is when a run has just ended and nothing was compacted yet."""
    (directory / "workers").mkdir(parents=True, exist_ok=True)
    records = requests()
    lose(records)
    test = {"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest",
            "metadata": {"name": TEST, "namespace": NAMESPACE, "uid": UID}, "spec": SPEC}
    documents: dict[str, dict[str, Any]] = {
        "spec.json": test, "plan.json": {}, "start.json": {"startTime": at(0)},
        "provenance.json": {"kubernetesVersion": "v1.35.1", "nodes": [
            {"name": "node-1", "kubeletVersion": "v1.35.1", "gpus": "nvidia.com/gpu=8"}]}}
    for name, value in documents.items():
        (directory / name).write_text(json.dumps(value, sort_keys=True))
    write_lines(directory / "observations.jsonl", observe())
    write_lines(directory / "series.jsonl", series(records))
    for summary in summaries(records):
        worker = summary["worker"]
        mine = sorted((item for item in records if item["worker"] == worker), key=lambda item: item[KEYS["end"]])
        write_lines(directory / "workers" / f"{worker}-uid-{worker}.jsonl", mine)
        (directory / "workers" / f"{worker}-uid-{worker}.summary.json").write_text(json.dumps(summary))
    return directory


def write_lines(path: Path, items: list[dict[str, Any]]) -> None:
    """One JSON document a line."""
    path.write_text("".join(json.dumps(item) + "\n" for item in items))


if __name__ == "__main__":
    print(write_run(Path(sys.argv[1])))

"""The synthetic run with answers that were looked at: a Knee in the place of ramp and plateau, checks, and retries.

    seconds   0      30       60       90       120      150    180
    load      calm   2/s      4/s      6/s ✕    soak 4/s        drop

Every answer of the task 'extract' is held to a schema and looked at for another request's mark; the more replicas'
queues fill, the more answers break. Run as a script, it writes the run into the directory given.
"""
from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

from elastometer_loadgen.base.record import KEYS
from support.synthetic.requests import line
from support.synthetic.run import write_lines, write_run
from support.synthetic.script import NAMESPACE, SPEC, TEST, UID, at
from support.synthetic.series import summaries

CLIMB: dict[str, Any] = {
    "name": "climb", "type": "Knee", "of": "Rate", "start": 2, "step": 2, "stepSeconds": 30, "maximum": 6,
    "soakSeconds": 30}
TASKS = [
    {"name": "extract", "prompt": "…", "checks": [{"type": "JSONSchema"}, {"type": "Crosstalk"}, {"type": "Recall"}]},
    {"name": "poem", "prompt": "…", "checks": [{"type": "MinimumTokens"}]},
]
OBJECTIVES = [
    {"name": "json-valid", "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": 95},
    {"name": "json-valid-calm", "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": 99,
     "stageName": "calm", "taskName": "extract"},
    {"name": "remembers", "indicator": "AnswerCheck", "checkType": "Recall", "minimumPercent": 90},
]
FAILED = "RequestSuccess must be at least 100 %, was 99.44 %"


def test() -> dict[str, Any]:
    spec = copy.deepcopy(SPEC)
    calm, _, _, drop = spec["load"]["stages"]
    spec["load"] |= {"stages": [calm, CLIMB, drop], "tasks": TASKS, "retries": 1, "workers": 1}
    spec["objectives"] = [*OBJECTIVES, *(one for one in spec["objectives"] if one.get("stageName") != "plateau")]
    return {"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest",
            "metadata": {"name": TEST, "namespace": NAMESPACE, "uid": UID}, "spec": spec}


def looked_at(record: dict[str, Any]) -> dict[str, Any]:
    """The record with a task, what its checks found, and now and then a first attempt that was lost."""
    number, task = record["id"], "poem" if record["id"] % 4 == 3 else "extract"
    stage = record["stage"] if record["stage"] in ("calm", "drop") else "climb"
    again = number % 50 == 7
    first = line(outcome="Refused", status=None, error="connection refused", pod=None, address=None,
                 end=record[KEYS["send"]])
    found = checks(number, task, stage) if record["outcome"] == "Success" else None
    return record | line(worker=0, task=task, stage=stage, checks=found, attempts=2 if again else 1,
                         first_attempt=first if again else None)


def checks(number: int, task: str, stage: str) -> dict[str, Any]:
    if task == "poem":
        return {"MinimumTokens": "TooShort" if number % 16 == 3 and stage == "climb" else None}
    failure = None
    if stage == "climb" and number % 3 == 1:
        failure = ("MissingField:works", "UnfinishedJSON", "QuotedNumber:items[].price")[number % 5 % 3]
    return {"JSONSchema": failure, "Crosstalk": "ForeignCanary" if number in (250, 401) else
            "OtherTask" if number == 333 else None}


def knee() -> dict[str, Any]:
    def step(value: int, start: float, failed: str | None) -> dict[str, Any]:
        return {"value": value, "startTime": at(start), "endTime": at(start + 30), "failed": failed}
    return {"stage": "climb", "of": "Rate", "good": 4, "soak": step(4, 120, None),
            "steps": [step(2, 30, None), step(4, 60, None), step(6, 90, FAILED)]}


def write_answers(directory: Path) -> Path:
    """The run directory, as it is when a run has just ended and nothing was compacted yet."""
    write_run(directory)
    shards = sorted((directory / "workers").glob("*.jsonl"))
    records = [looked_at(json.loads(row)) for shard in shards for row in shard.read_text().splitlines()]
    for path in (*shards, *(directory / "workers").glob("*.json")):
        path.unlink()
    summary = {**summaries(records)[0], "knees": [knee()]}
    write_lines(directory / "workers" / "0-uid-0.jsonl", sorted(records, key=lambda record: record[KEYS["end"]]))
    (directory / "workers" / "0-uid-0.summary.json").write_text(json.dumps(summary))
    (directory / "spec.json").write_text(json.dumps(test(), sort_keys=True))
    return directory


if __name__ == "__main__":
    print(write_answers(Path(sys.argv[1])))

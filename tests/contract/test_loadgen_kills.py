"""A worker killed by SIGKILL and started again with the same incarnation: no id twice, none lost sight of."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest
from zstandard import ZstdDecompressor

from elastometer_loadgen.base.turns import conversation_of, turn_of
from elastometer_loadgen.base.users import request_id

StandIn = Callable[..., AbstractContextManager[str]]
HEAD = """
timeoutSeconds: 30
latenessBoundMilliseconds: 10000
tasks:
  - name: talk
    maximumTokens: 40
    messages: [{role: user, content: a}, {role: assistant, generated: true}, {role: user, content: b}]
"""
KNEE = "type: Knee, start: 4, step: 2, maximum: 8, soakSeconds: 1, " \
       "objectives: [{indicator: RequestSuccess, minimumPercent: 1}]"
STAGES = {
    "sweep": "type: Sweep, inputTokens: [16, 64], outputTokens: 20, requestsEach: 20",
    "count": "type: Concurrency, concurrency: 4, requests: 60",
    "users": f"{KNEE}, of: Users, stepSeconds: 1, thinkTimeSeconds: '0.1'",
    "rate": f"{KNEE}, of: Rate, stepSeconds: 3",
}
AFTER = "{name: after, type: Rate, durationSeconds: 1, endRequestsPerSecond: '10', arrivals: Constant}"


def records_in(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = ZstdDecompressor().decompressobj().decompress(data)
    return [orjson.loads(line) for line in data.splitlines(keepends=True) if line.endswith(b"\n")]


def killed_and_finished(folder: Path, url: str, kind: str) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """How many records the first process left, all records, and the summary."""
    profile, out = folder / "profile.yaml", folder / "out"
    profile.write_text(f"{HEAD}stages:\n  - {{name: {kind}, {STAGES[kind]}}}\n  - {AFTER}\n")
    command = [sys.executable, "-m", "elastometer_loadgen", "run", str(profile), f"--target={url}", f"--out={out}"]
    command.append("--incarnation=pod-a")
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        enough = 12
        while len(records_in(out / "requests.jsonl")) < enough and first.poll() is None:
            time.sleep(0.01)
        assert first.poll() is None, "a worker that was not killed proves nothing"
    finally:
        first.kill()
        first.wait()
    left = len(records_in(out / "requests.jsonl"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "continuing from an earlier incarnation; its last request ended at 20" in done.stderr
    return left, records_in(out / "requests.jsonl.zst"), orjson.loads((out / "summary.json").read_bytes())


@pytest.mark.timeout(100)
@pytest.mark.parametrize("kind", list(STAGES))
def test_a_killed_worker_goes_on_repeats_nothing_and_says_what_it_missed(
    tmp_path: Path, standin: StandIn, kind: str
) -> None:
    with standin(tmp_path / "log") as url:
        left, records, summary = killed_and_finished(tmp_path, url, kind)
    assert 12 <= left < len(records)
    ids = [record["id"] for record in records]
    assert len(ids) == len(set(ids))
    assert summary["dropped"]["duplicateRequests"] == 0
    (account,) = summary["generators"]
    (gap,) = account["interruptions"]
    first_sent = min(record["sendTime"] for record in records)
    assert account["startTime"] <= first_sent < gap["fromTime"] < gap["toTime"]
    assert not (tmp_path / "out" / "journal.jsonl").exists()
    assert not [record for record in records if gap["fromTime"] < record["sendTime"] < gap["toTime"]]
    assert account["records"] == account["sent"] == len(records)
    assert account["planned"] == account["sent"] + account["skipped"]
    asked = {number for number in ids if turn_of(number) == 1}
    # A conversation that the kill cut has its first turn, and its second one is skipped.
    turns = Counter(conversation_of(number) for number in ids)
    cut = sum(turns[number] == 1 for number in asked) if kind != "sweep" else 0
    wanted = {"sweep": 40, "count": 60}
    if kind in wanted:
        expected = {request_id(0, 0, number) for number in range(wanted[kind])}
        assert {number for number in asked if number >= request_id(0, 0, 0)} == expected
    after = [number for number in asked if number < 10]
    assert sorted(after) == list(range(10))
    if kind in STAGES.keys() - wanted.keys():
        (knee,) = account["knees"]
        assert [step["value"] for step in knee["steps"]] == [4, 6, 8]
        assert (knee["good"], knee["soak"]["value"], len(knee["interrupted"])) == (8, 8, 1)
    given_out = range(request_id(0, 0, 0), max(asked) + 1) if kind == "rate" else ()
    missed = [number for number in given_out if number not in asked]
    assert account["skipped"] == cut + 2 * len(missed)

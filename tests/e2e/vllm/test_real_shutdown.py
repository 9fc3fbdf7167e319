"""A real vLLM that is asked to end in the middle of streams: each request is classed by what was on the wire."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from support.relay import Relay

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STREAMS = 6
LOST = {"Aborted", "Truncated", "Stalled", "ResetBeforeAnswer", "Refused", "ServerError"}
PROFILE = {
    "timeoutSeconds": 120,
    "idleTimeoutSeconds": 10,
    "tasks": [{"name": "long", "messages": [{"role": "user", "content": "Say more."}], "maximumTokens": 2500}],
    "stages": [{"name": "six", "type": "Concurrency", "concurrency": STREAMS, "durationSeconds": 15}],
}


@dataclass(frozen=True)
class Ended:
    """The records of a run in whose middle the server was asked to end, and what was on the wire."""

    records: list[dict[str, Any]]
    heard: dict[int, Any]
    asked_at: datetime

    def under_way(self) -> list[dict[str, Any]]:
        """Those that were in flight when the server was asked to end."""
        at = self.asked_at.isoformat(timespec="microseconds")
        return [record for record in self.records if record["sendTime"] < at.replace("+00:00", "Z") < record["endTime"]]

    def misread(self) -> list[tuple[str, str]]:
        """Where the record and the second reader of the bytes name different classes."""
        pairs = [(record["outcome"], on_the_wire(self.heard.get(record["id"]))) for record in self.records]
        return [(ours, wire) for ours, wire in pairs if ours not in wire.split(" or ")]


def on_the_wire(heard: Any) -> str:
    """The class of what a second reader saw. What never came to be read was refused, or cut off unread."""
    if heard is None:
        return "Refused or ResetBeforeAnswer"
    if heard.status is None:
        return "ResetBeforeAnswer"
    if heard.status >= 500 or heard.error is not None:
        return "ServerError"
    if heard.finish_reason == "abort":
        return "Aborted"
    if heard.given_up:
        return "Stalled"
    return "Success" if heard.done else "Truncated"


def end_in_mid_stream(server: Any, out: Path) -> Ended:
    (out / "profile.yaml").write_text(json.dumps(PROFILE))
    command = [sys.executable, "-m", "elastometer_loadgen", "run", str(out / "profile.yaml"), f"--out={out / 'run'}"]
    with Relay(server.port) as relay:
        run = subprocess.Popen([*command, f"--target={relay.url}"], env={**os.environ, "ELASTOMETER_API_KEY": ""})
        try:
            wait_until_streaming(server)
            asked_at = datetime.now(UTC)
            server.process.terminate()
            run.wait(200)
        finally:
            run.kill()
            run.wait()
        heard = relay.heard()
    packed = (out / "run/requests.jsonl.zst").read_bytes()
    lines = zstandard.ZstdDecompressor().stream_reader(packed).read().splitlines()
    return Ended([json.loads(line) for line in lines], heard, asked_at)


def wait_until_streaming(server: Any) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        counted = server.counters()
        if counted["vllm:num_requests_running"] == STREAMS and counted["vllm:generation_tokens_total"] > 20 * STREAMS:
            return
        time.sleep(0.1)
    raise AssertionError("the streams did not begin within 60 s")


@pytest.fixture
def ended(
    serve: Callable[..., AbstractContextManager[Any]], tmp_path: Path
) -> Callable[..., Ended]:
    def run(*arguments: str) -> Ended:
        with serve(tmp_path / "log", *arguments) as server:
            found = end_in_mid_stream(server, tmp_path)
        print(f"\n{Counter(record['outcome'] for record in found.records)}")
        return found

    return run


def test_after_a_signal_to_end_every_stream_is_lost_and_counted_as_it_was_lost(ended: Callable[..., Ended]) -> None:
    found = ended()
    assert found.misread() == []
    assert len(found.under_way()) == STREAMS
    assert {record["outcome"] for record in found.under_way()} <= LOST - {"Refused"}
    assert {record["outcome"] for record in found.records} <= LOST | {"Success"}


def test_with_a_grace_period_every_stream_ends_whole_and_new_requests_are_lost(ended: Callable[..., Ended]) -> None:
    found = ended("--shutdown-timeout=120")
    assert found.misread() == []
    assert [record["outcome"] for record in found.under_way()] == STREAMS * ["Success"]
    last = max(record["sendTime"] for record in found.under_way())
    later = [record for record in found.records if record["sendTime"] > last]
    assert later
    assert {record["outcome"] for record in later} <= LOST

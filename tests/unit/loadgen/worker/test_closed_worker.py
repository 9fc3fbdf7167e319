"""A whole worker in closed-loop stages, against a server on loopback: what it sends, and how it sums up."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer_loadgen.base.target import Target, parse_target
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.profile.profile import Profile, parse_profile
from elastometer_loadgen.results.publish import publish
from elastometer_loadgen.results.summary import finished_earlier
from elastometer_loadgen.worker.assignment import Assignment
from elastometer_loadgen.worker.process import ExitCode
from elastometer_loadgen.worker.worker import Worker

GOOD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
KNEE = {"name": "knee", "type": "Knee", "of": "Users", "start": 2, "step": 2, "stepSeconds": 5, "maximum": 4,
        "soakSeconds": 5, "thinkTimeSeconds": "0.01",
        "objectives": [{"indicator": "RequestLatency", "maximumMilliseconds": 60_000}]}
CROWD = {"name": "users", "type": "Users", "durationSeconds": 1, "users": 3, "thinkTimeSeconds": "0.02"}
COUNT = {"name": "count", "type": "Concurrency", "concurrency": 2, "requests": 5}


@pytest.fixture
async def target(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Target]:
    monkeypatch.setattr("elastometer_loadgen.worker.worker.prepare_process", lambda: None)
    monkeypatch.setattr("elastometer_loadgen.worker.membership.LEAD_SECONDS", 0.01)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(row for row in head.split(b"\r\n") if row.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            writer.write(GOOD)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    running = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield parse_target(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")
    running.close()


def profile(*stages: dict[str, Any]) -> Profile:
    """The profile with its seconds shortened to tenths."""
    parsed = parse_profile({"latenessBoundMilliseconds": 10_000, "stages": list(stages)})
    short = {"duration_seconds", "step_seconds", "soak_seconds"}
    shortened = (
        dataclasses.replace(stage, **{
            field.name: Fraction(getattr(stage, field.name), 10)
            for field in dataclasses.fields(stage) if field.name in short
        })
        for stage in parsed.stages
    )
    return dataclasses.replace(parsed, stages=tuple(shortened))


def written(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    records = [orjson.loads(row) for row in (folder / "requests.jsonl").read_bytes().splitlines()]
    return records, orjson.loads((folder / "summary.json").read_bytes())


async def test_each_request_of_a_closed_loop_is_recorded_and_planned_as_it_is_sent(
    target: Target, tmp_path: Path
) -> None:
    worker = Worker(Assignment(profile=profile(CROWD, COUNT), target=target, out=tmp_path), Spool(tmp_path))
    assert await worker.run() is ExitCode.CARRIED_OUT
    records, summary = written(tmp_path)
    by_stage = {name: [record for record in records if record["stage"] == name] for name in ("users", "count")}
    assert len(by_stage["count"]) == 5
    assert len(by_stage["users"]) >= 3
    assert len({record["id"] for record in records}) == len(records)
    assert all(record["intendedTime"] <= record["sendTime"] for record in records)
    assert summary["planned"] == summary["sent"] == summary["records"] == len(records)
    assert (summary["unsent"], summary["cappedUsers"]) == (0, 0)
    assert "knees" not in summary


async def test_the_summary_counts_the_users_that_were_stopped_by_maximumRequests(
    target: Target, tmp_path: Path
) -> None:
    capped = profile(CROWD | {"maximumRequests": 6})
    worker = Worker(Assignment(profile=capped, target=target, out=tmp_path), Spool(tmp_path))
    assert await worker.run() is ExitCode.CARRIED_OUT
    records, summary = written(tmp_path)
    assert (len(records), summary["sent"], summary["cappedUsers"]) == (6, 6, 3)
    assert publish([tmp_path], tmp_path / "merged")["cappedUsers"] == 3


async def test_the_summary_says_what_a_knee_found(target: Target, tmp_path: Path) -> None:
    worker = Worker(Assignment(profile=profile(KNEE), target=target, out=tmp_path), Spool(tmp_path))
    assert await worker.run() is ExitCode.CARRIED_OUT
    (knee,) = written(tmp_path)[1]["knees"]
    assert (knee["stage"], knee["of"], knee["good"]) == ("knee", "Users", 4)
    assert [(step["value"], step["failed"]) for step in knee["steps"]] == [(2, None), (4, None)]
    assert knee["steps"][0]["endTime"] == knee["steps"][1]["startTime"]
    assert knee["soak"]["value"] == 4


async def test_a_worker_stopped_in_a_closed_loop_does_not_count_as_finished(target: Target, tmp_path: Path) -> None:
    endless = parse_profile({"stages": [CROWD | {"durationSeconds": 600}]})
    spool = Spool(tmp_path, "pod-a")
    worker = Worker(Assignment(profile=endless, target=target, out=tmp_path, incarnation="pod-a"), spool)
    running = asyncio.ensure_future(worker.run())
    while not spool.size:
        await asyncio.sleep(0.002)
    worker.stop()
    assert await running is ExitCode.NOT_CARRIED_OUT
    assert written(tmp_path)[1]["unsent"] == 1
    assert finished_earlier(tmp_path, "pod-a") is None


async def test_a_restart_within_stages_of_unknown_end_is_refused(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Spool(tmp_path, "pod-a")
    first.append(orjson.dumps({"id": 0}) + b"\n")
    first.close()
    assignment = Assignment(profile=profile(COUNT), target=target, out=tmp_path, incarnation="pod-a")
    assert await Worker(assignment, Spool(tmp_path, "pod-a")).run() is ExitCode.NOT_CARRIED_OUT
    assert "it is not known when the stages of an earlier incarnation ended" in capsys.readouterr().err

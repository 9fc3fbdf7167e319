"""The process that judges: what becomes of a run when it is ended, has too little memory, or fails."""
from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from elastometer.controller.judging.__main__ import main
from elastometer.controller.judging.memory import LEAST, MEBIBYTE, RESERVE, container_limit, judging_bound, own_use
from elastometer.controller.judging.supervise import JUDGING, JUDGING_ATTEMPTS, OUT_OF_MEMORY, command, judged
from elastometer.controller.session import Session
from elastometer.model.bundle_files import REPORTS
from elastometer.model.spec import parse
from elastometer.model.status import Status
from elastometer.plan import TestPlan
from elastometer.world.run_store import RunStore
from support.daemon_run import ENVIRONMENT, Run
from support.synthetic.run import write_run

ENDS = {
    "killed": f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})",
    "out of memory": f"raise SystemExit({OUT_OF_MEMORY})",
    "error": "raise ValueError('a line of the log')",
}


class Program:
    """Stands for the process that judges, and counts how often it is begun."""

    def __init__(self, source: str) -> None:
        self.source, self.begun = source, 0

    def __call__(self, directory: Path, most: int | None) -> list[str]:
        self.begun += 1
        return [sys.executable, "-c", self.source]


def store_of(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "run")


def note(store: RunStore) -> dict[str, Any]:
    return store.read_json(JUDGING) or {}


@pytest.mark.parametrize(("end", "begun", "said"), [
    ("killed", JUDGING_ATTEMPTS, "ended by SIGKILL"), ("out of memory", 1, "took more than its memory"),
    ("error", 1, "judging the run failed")])
async def test_what_would_fail_again_is_not_repeated_and_why_is_noted(tmp_path: Path, end: str, begun: int, said: str):
    store, program = store_of(tmp_path), Program(ENDS[end])
    assert await judged(store, {}, program) == {}
    assert program.begun == begun
    assert said in note(store)["reason"]
    assert "elastometer judge" in note(store)["reason"], "what to do"


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
async def test_a_library_that_is_refused_memory_ends_the_process_in_its_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals,
):
    monkeypatch.setattr("elastometer.controller.judging.supervise.container_limit", lambda: 2048 * MEBIBYTE)
    store, program = store_of(tmp_path), Program(f"import os; os.kill(os.getpid(), {int(number)})")
    assert await judged(store, {}, program) == {}
    assert program.begun == 1
    assert "took more than its memory of" in note(store)["reason"]


async def test_attempts_that_the_operator_did_not_survive_count(tmp_path: Path):
    store, program = store_of(tmp_path), Program(ENDS["killed"])
    store.write_json(JUDGING, {"attempts": JUDGING_ATTEMPTS - 1})
    assert await judged(store, {}, program) == {}
    assert program.begun == 1
    assert await judged(store, {}, program) == {}
    assert program.begun == 1, "given up for good"
    assert "reason" in note(store)


async def test_a_run_is_judged_in_another_process_which_gives_all_files(tmp_path: Path):
    store = RunStore(write_run(tmp_path))
    files = await judged(store, {})
    assert set(files) == set(REPORTS)
    assert json.loads(files["report.json"])["verdict"]
    assert not store.path(JUDGING).exists()


async def test_the_loop_goes_on_while_a_run_is_judged_and_a_cancelled_wait_ends_the_process(tmp_path: Path):
    ready = tmp_path / "pid"
    source = f"import os, signal; open({str(ready)!r}, 'w').write(str(os.getpid())); signal.pause()"
    waiting = asyncio.create_task(judged(store_of(tmp_path), {}, Program(source)))
    while not (ready.exists() and ready.read_text()):
        await asyncio.sleep(0.001)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(ProcessLookupError):
        os.kill(int(ready.read_text()), 0)


async def test_too_little_memory_ends_the_process_and_not_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("elastometer.controller.judging.supervise.JUDGING_SECONDS", 20.0)
    store = RunStore(write_run(tmp_path))
    assert await judged(store, {}, lambda run, _: command(run, 60 * MEBIBYTE)) == {}
    assert "memory" in note(store)["reason"]


async def test_a_process_that_stalls_is_ended_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("elastometer.controller.judging.supervise.JUDGING_SECONDS", 0.2)
    store, program = store_of(tmp_path), Program("import signal; signal.pause()")
    assert await judged(store, {}, program) == {}
    assert program.begun == 1
    assert "did not end within 0.2 s" in note(store)["reason"]


async def test_the_status_says_why_there_is_no_report(run: Run):
    session = Session(run.context, TestPlan(parse(run.body), ENVIRONMENT))
    await session.open(Status())
    session.store.write_json(JUDGING, {"attempts": 3, "reason": "judging the run took more than its memory"})
    seen = await session.snapshot(run.world.clock.now(), cleaning=False)
    assert seen.judging_flaw == "judging the run took more than its memory"
    await session.close()


@pytest.mark.parametrize(("files", "limit"), [
    ({"memory.max": "2147483648\n"}, 2147483648), ({"memory.max": "max\n"}, None), ({}, None),
    ({"memory/memory.limit_in_bytes": "1073741824"}, 1073741824),
    ({"memory/memory.limit_in_bytes": "9223372036854771712"}, None)])
def test_the_containers_limit_is_read_from_either_version_of_cgroups(
    tmp_path: Path, files: dict[str, str], limit: int | None,
):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert container_limit(tmp_path) == limit


def test_the_bound_leaves_the_operator_what_it_uses_and_may_grow_by():
    assert judging_bound(None, 1) is None
    assert judging_bound(2048 * MEBIBYTE, 150 * MEBIBYTE) == (2048 - 150) * MEBIBYTE - RESERVE
    assert judging_bound(256 * MEBIBYTE, 150 * MEBIBYTE) == LEAST
    assert own_use() > 10 * MEBIBYTE


def test_the_program_is_the_one_that_the_operator_runs():
    assert main.__module__ == command(Path("run"), None)[2] + ".__main__"


@pytest.fixture
def run(world: Any, tmp_path: Path, demo_body: dict[str, Any]) -> Run:
    demo_body["metadata"].update(namespace="lab", name="demo", uid="11111111-now")
    return Run(world, tmp_path, demo_body)


class EndingProcess:
    """A process that ends when `ended` is set, and answers nothing."""

    returncode = 0

    def __init__(self) -> None:
        self.ended: asyncio.Future[tuple[bytes, bytes]] = asyncio.get_running_loop().create_future()

    async def communicate(self) -> tuple[bytes, bytes]:
        return await self.ended


async def test_the_end_of_the_operator_is_noticed_even_as_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    process, begun = EndingProcess(), asyncio.Event()

    async def begin(*_: object, **__: object) -> EndingProcess:
        begun.set()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", begin)
    judging = asyncio.create_task(judged(store_of(tmp_path), {}))
    await begun.wait()
    await asyncio.sleep(0)
    process.ended.set_result((b"{}", b""))
    judging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await judging

"""The daemon of a study cut at any of its awaits, again and again: each run is made once and none is lost."""
from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer.controller.study import act
from elastometer.controller.study.daemon import run_study
from support.studies import study_body
from support.study_daemon import ANSWER, MAPS, StudyDaemon, answering

CPU = {"name": "cpu", "patch": {"autoscaler": {"horizontalPodAutoscaler": {"minReplicas": 1}}}}
KILLS = 12


@pytest.mark.parametrize("seed", range(6))
async def test_a_daemon_that_is_cut_anywhere_makes_each_run_once_and_one_report(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int,
) -> None:
    monkeypatch.setattr(act, "PROGRAM", answering(ANSWER))
    chance = random.Random(seed)
    daemon = StudyDaemon(world, tmp_path, study_body({"name": "queue"}, CPU, repetitions=2, parallelism=2))
    playing = asyncio.create_task(daemon._play({"scalers-cpu-2": None}))
    cut = 0
    while cut < KILLS and not daemon.has_ended():
        task = asyncio.create_task(run_study(daemon.context, daemon.body, lambda: 1, daemon.stopped, daemon.announce))
        for _ in range(chance.randrange(1, 120)):
            await asyncio.sleep(0.001 if chance.random() < 0.3 else 0)
        cut += 1
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        daemon.body = {**daemon.body, "status": {
            key: value for key, value in daemon.last.items() if value is not None}}
    await daemon.restart_and(daemon.has_ended)
    playing.cancel()
    assert cut > 2
    names = ["scalers-queue-1", "scalers-cpu-1", "scalers-queue-2", "scalers-cpu-2"]
    assert daemon.cluster.created == names
    assert daemon.states() == {**dict.fromkeys(names, "Judged"), "scalers-cpu-2": "NotCarriedOut"}
    record = orjson.loads(world.api.objects[MAPS]["scalers-study"]["data"]["study.json"])
    assert {run["name"]: run["state"] for run in record["runs"]} == daemon.states()
    assert list(world.api.objects[MAPS]) == ["scalers-study"]

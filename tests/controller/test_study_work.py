"""The process that compares the runs of a study and searches better settings, and what becomes of it."""
from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer.controller.judging.memory import MEBIBYTE
from elastometer.controller.judging.supervise import JUDGING
from elastometer.controller.study import act
from elastometer.controller.study.decision import StudyAction, StudyDecision
from elastometer.controller.study.manifest import CONFIG_MAP_BYTES, report_map
from elastometer.controller.study.runs import with_facts, with_planned
from elastometer.controller.study.session import StudySession
from elastometer.controller.study.work import main
from elastometer.model.names import Names
from elastometer.model.study_names import StudyNames
from elastometer.model.study_parse import parse_study
from elastometer.model.study_snapshot import RecordFact, RunFact, StudySnapshot
from elastometer.model.study_status import StudyStatus
from support.studies import study_body
from support.study_daemon import MAPS, ROOT, StudyDaemon, answering
from support.synthetic.run import write_run

CPU = {"name": "cpu", "patch": {"autoscaler": {"horizontalPodAutoscaler": {"minReplicas": 1}}}}
TUNE = {"from": "queue", "candidates": 4, "confirm": 1}


@pytest.fixture
async def session(world: Any, tmp_path: Path) -> StudySession:
    body = study_body({"name": "queue"}, CPU, tune=TUNE)
    daemon = StudyDaemon(world, tmp_path, body)
    session = StudySession(daemon.context, parse_study(body), lambda: 1)
    session.files.directory.mkdir(parents=True)
    return session


def judged(session: StudySession, write: Any) -> StudyStatus:
    """Each run with a record, as `write` makes it."""
    planned = with_planned(session.study, StudyStatus(start_time=session.context.clock.now()))
    for run in planned.runs:
        path = session.context.data / Names("staging", run.name, "00000001-x").run_directory
        write(path)
    facts = {run.name: RunFact("00000001-x", ended=True, carried_out=True, verdict="Pass") for run in planned.runs}
    records = {run.name: RecordFact(True, 100) for run in planned.runs}
    return with_facts(planned, StudySnapshot(1, runs=facts, records=records))


def golden(path: Path) -> None:
    path.mkdir(parents=True)
    shutil.copy(ROOT / "tests/golden/report.json", path / "report.json")
    (path / "spec.json").write_text("{}")


def program_of(source: str) -> Any:
    return lambda directory, most: [sys.executable, "-S", "-c", source]


async def compare(session: StudySession, status: StudyStatus, of: str = "all") -> None:
    await act.act_on_study(session, StudyDecision(StudyAction.COMPARE, status, 1.0, of=of))


async def test_the_runs_are_compared_in_another_process_by_their_own_reports(session: StudySession) -> None:
    await compare(session, judged(session, golden))
    assert session.comparison is not None
    assert (session.comparison.of, session.comparison.ended, session.comparison.flaw) == ("all", 2, "")
    assert session.comparison.verdict in ("Pass", "Fail", "Inconclusive", "NotJudged")
    data = session.context.cluster.api.objects[MAPS]["scalers-study"]["data"]
    assert {"study.json", "report.md", "junit.xml"} <= set(data)
    assert "queue" in data["report.md"]
    assert json.loads(data["study.json"])["runs"][1]["name"] == "scalers-cpu-1"
    assert (session.files.directory / "report.html").read_bytes().startswith(b"<!doctype html>")


async def test_better_settings_are_searched_on_the_record_of_the_run(session: StudySession) -> None:
    status = judged(session, write_run)
    await act.act_on_study(session, StudyDecision(StudyAction.TUNE, status, 1.0, run="scalers-queue-1"))
    assert session.tuned is not None
    assert session.tuned["outcome"] in ("Found", "NothingHelps", "CannotTell")
    assert session.tuned["reason"]
    assert not session.files.path(JUDGING).exists()


@pytest.mark.parametrize(("source", "said"), [
    ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
    ("raise SystemExit(77)", "took more than its memory"),
    ("raise ValueError", "which is an error of elastometer"),
])
async def test_a_search_that_fails_is_named_in_its_record_and_the_study_goes_on(
    session: StudySession, monkeypatch: pytest.MonkeyPatch, source: str, said: str,
) -> None:
    monkeypatch.setattr(act, "PROGRAM", program_of(source))
    status = judged(session, golden)
    await act.act_on_study(session, StudyDecision(StudyAction.TUNE, status, 1.0, run="scalers-queue-1"))
    assert session.tuned["outcome"] == "CannotTell"
    assert said in session.tuned["reason"]


async def test_a_comparison_that_failed_does_not_keep_the_next_from_being_tried(
    session: StudySession, monkeypatch: pytest.MonkeyPatch,
) -> None:
    status = judged(session, golden)
    monkeypatch.setattr(act, "PROGRAM", program_of("raise SystemExit(77)"))
    await compare(session, status, "first")
    assert "took more than its memory" in session.comparison.flaw
    monkeypatch.setattr(act, "PROGRAM", answering({"files": {"report.md": "#"}, "fact": {"verdict": "Pass"}}))
    await compare(session, status, "second")
    assert (session.comparison.of, session.comparison.flaw) == ("second", "")


async def test_the_memory_of_a_comparison_is_a_part_of_what_judging_may_have(
    session: StudySession, monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int | None] = []
    answer = answering({"files": {}, "fact": {}})

    def program(directory: Path, most: int | None) -> list[str]:
        asked.append(most)
        return answer(directory, most)

    monkeypatch.setattr(act, "PROGRAM", program)
    monkeypatch.setattr(act, "container_limit", lambda: 4096 * MEBIBYTE)
    monkeypatch.setattr(act, "own_use", lambda: 904 * MEBIBYTE)
    await compare(session, judged(session, golden))
    assert asked == [1000 * MEBIBYTE]


async def test_a_comparison_does_not_wait_for_a_run_that_is_being_judged(
    session: StudySession, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(act, "PROGRAM", answering({"files": {}, "fact": {}}))
    async with session.context.judging:
        await compare(session, judged(session, golden))
    assert session.comparison is not None


def test_the_program_is_the_one_that_the_operator_runs() -> None:
    assert act.PROGRAM(Path("study"), None)[2] == main.__module__


def test_a_report_that_does_not_fit_is_left_out_of_the_config_map_and_the_record_never_is() -> None:
    files = {"report.md": b"#", "report.json": b"x" * CONFIG_MAP_BYTES, "report.html": b"<", "junit.xml": b"<x/>",
             "study.json": b"{}"}
    made = report_map(StudyNames("staging", "scalers", "uid"), files)
    assert set(made["data"]) == {"study.json", "report.md", "junit.xml"}
    assert orjson.dumps(made)

"""A study on a cluster in memory, decided turn by turn: what the operator does can be cut at any point of a turn.

Nothing waits: the clock moves with each turn, and runs end when the test says so.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from elastometer.controller.study.decide import decide_study
from elastometer.controller.study.decision import StudyAction, StudyDecision
from elastometer.controller.study.runs import all_variants
from elastometer.model.study import StudySpec
from elastometer.model.study_document import RunState
from elastometer.model.study_parse import parse_study
from elastometer.model.study_snapshot import CheckFact, ComparisonFact, RecordFact, RunFact, StudySnapshot
from elastometer.model.study_status import StudyStatus, study_status_from, study_status_json
from support.studies import study_body

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
TUNED = {"run": "r", "outcome": "Found", "reason": "", "variants": [
    {"name": "tuned-1", "patch": {"autoscaler": {"horizontalPodAutoscaler": {"minReplicas": 3}}}}]}
QUEUE = {"name": "queue"}
CPU = {"name": "cpu", "patch": {"autoscaler": {"horizontalPodAutoscaler": {"minReplicas": 1}}}}
TUNE = {"from": "queue", "candidates": 10, "confirm": 3}


class Cut(StrEnum):
    """Where a turn is cut by a kill of the operator."""

    NOWHERE = "nowhere"
    BEFORE_PUBLISHING = "before publishing"
    BEFORE_THE_ACTION = "before the action"
    AFTER_THE_ACTION = "after the action"


@dataclass
class Memory:
    """What is lost with the process."""

    check: CheckFact | None = None
    tuned: dict[str, Any] | None = None
    comparison: ComparisonFact | None = None
    created: set[str] = field(default_factory=set)


class Play:
    """The cluster, the status in it, and the operator's memory. `created` has the names of all tests ever created."""

    def __init__(self, study: StudySpec) -> None:
        self.study = study
        self.now = START
        self.tests: dict[str, RunFact] = {}
        self.records: dict[str, RecordFact] = {}
        self.served: dict[str, Any] = {}
        self.created: list[str] = []
        self.reports: list[Mapping[str, str]] = []
        self.actions: list[StudyAction] = []
        self.memory = Memory()

    @property
    def status(self) -> StudyStatus:
        """As the API server has it."""
        return study_status_from(self.served)

    def state(self, run: str) -> str:
        """How far a run is, by the status."""
        return next(one.state.value for one in self.status.runs if one.name == run)

    def turn(self, cut: Cut = Cut.NOWHERE, seconds: float = 1.0) -> StudyDecision:
        """One turn of the daemon; a cut one is followed by a new process."""
        self.now += timedelta(seconds=seconds)
        decision = decide_study(self.study, self.status, self.seen(), self.now)
        if cut is not Cut.BEFORE_PUBLISHING:
            self.served = study_status_json(decision.status)
            if decision.action is not None and cut is not Cut.BEFORE_THE_ACTION:
                self._act(decision)
        if cut is not Cut.NOWHERE:
            self.memory = Memory()
        return decision

    def seen(self) -> StudySnapshot:
        gone = frozenset(self.memory.created - self.tests.keys())
        return StudySnapshot(1, self.memory.check, dict(self.tests), gone, dict(self.records), self.memory.tuned,
                             self.memory.comparison)

    def _act(self, decision: StudyDecision) -> None:
        assert decision.action is not None
        self.actions.append(decision.action)
        status = self.status
        match decision.action:
            case StudyAction.CHECK:
                self.memory.check = CheckFact()
            case StudyAction.CREATE_RUN:
                self._create(decision.run)
            case StudyAction.TUNE:
                self.memory.tuned = TUNED
            case StudyAction.COMPARE:
                assert not status.in_state(RunState.RUNNING), "a comparison would disturb what is being measured"
                states = {run.name: run.state.value for run in status.runs}
                self.reports.append(states)
                self.memory.comparison = ComparisonFact(
                    decision.of, status.done, len(status.judged), "Pass", "met", "queue")

    def _create(self, name: str) -> None:
        """The API server refuses a second test of a name; that is not an error."""
        assert any(name.startswith(f"{self.study.names.study}-{one.name}") for one in
                   all_variants(self.study, self.status)) or name == self.study.names.warmup
        self.memory.created.add(name)
        if name not in self.tests:
            self.created.append(name)
            self.tests[name] = RunFact(uid=f"{name}-{len(self.created)}")

    def end(self, name: str, verdict: str | None = "Pass", gpu_seconds: int | None = 100) -> None:
        """A run ends: with a verdict, or, without one, because its load was evicted."""
        test = replace(self.tests[name], ended=True, completion_time=self.now, start_time=self.now)
        if verdict is None:
            self.tests[name] = replace(test, reason="LoadJobFailed", message="the load was evicted")
        else:
            self.tests[name] = replace(test, carried_out=True, verdict=verdict)
            self.records[name] = RecordFact(True, gpu_seconds)

    def delete(self, name: str) -> None:
        """Somebody deletes the test; its record goes with it."""
        del self.tests[name]
        if name in self.records:
            self.records[name] = RecordFact(exists=False)

    @property
    def under_way(self) -> list[str]:
        return sorted(name for name, test in self.tests.items() if not test.ended)

    def to_the_end(self, verdicts: Mapping[str, str | None] | None = None) -> StudyStatus:
        """Plays on; each run ends as soon as it has begun, with a Pass or as `verdicts` say."""
        for _ in range(2000):
            if self.status.finished:
                return self.status
            self.turn()
            for name in self.under_way:
                self.end(name, (verdicts or {}).get(name, "Pass"))
        raise AssertionError(f"the study did not end: {self.served}")


def play(*variants: dict[str, Any], **spec: Any) -> Play:
    """The study of these variants; without any, of two."""
    return Play(parse_study(study_body(*(variants or (QUEUE, CPU)), **spec)))


def condition(found: Play, kind: str) -> tuple[str, str]:
    """Status and reason of a condition of the study."""
    one = found.status.conditions[kind]
    return one.status, one.reason

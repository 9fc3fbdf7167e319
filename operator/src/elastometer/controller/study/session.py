"""One study while the operator carries it out: its directory, the watch of its tests, and what was learnt on the way.

It is opened again after every restart: all it needs is in the cluster, the status and the directories of its runs.
"""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from elastometer.controller.session import SYNC_SECONDS, Context
from elastometer.model.bundle_files import REPORT_JSON
from elastometer.model.document import number_at
from elastometer.model.names import API_VERSION, KIND, Names
from elastometer.model.study import StudySpec
from elastometer.model.study_document import RunState
from elastometer.model.study_snapshot import (
    CheckFact,
    ComparisonFact,
    RecordFact,
    StudyRefusal,
    StudySnapshot,
    run_fact,
)
from elastometer.model.study_status import StudyStatus
from elastometer.world.cluster import owners
from elastometer.world.journal import SmallFiles, disk_errors
from elastometer.world.log_lines import of_study
from elastometer.world.study.tests import StudyTests

Json = dict[str, Any]


class StudySession:
    """The resources of one study. `open` it, and `close` it whether or not that succeeded."""

    def __init__(self, context: Context, study: StudySpec, generation: Callable[[], int]) -> None:
        self.context = context
        self.study = study
        self.files = SmallFiles(context.data / study.names.directory)
        self.check: CheckFact | None = None
        self.tuned: Json | None = None
        self.comparison: ComparisonFact | None = None
        self.refusal: StudyRefusal | None = None
        self.created: set[str] = set()
        self._generation = generation
        self._tests = StudyTests(context.api, study.names, context.clock)
        self._watching: asyncio.Task[None] | None = None
        self._records: dict[str, RecordFact] = {}

    @property
    def changed(self) -> asyncio.Event:
        """Set when one of the study's tests has changed."""
        return self._tests.changed

    def fields(self, **facts: Any) -> Json:
        """The `extra` of a log record about this study."""
        return of_study(self.study.names, **facts)

    async def open(self) -> None:
        """Makes the directory, and watches the tests. Raises WorldError where one of them cannot be done."""
        with disk_errors(self.files.directory):
            self.files.directory.mkdir(parents=True, exist_ok=True)
        if self._watching is None:
            self._watching = asyncio.create_task(self._tests.run(), name=f"watch of {self.study.names.study}")
        await self._tests.synced(SYNC_SECONDS)

    async def close(self) -> None:
        """Ends the watch; the directory stays."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    def note_refusal(self, action: str, run: str, message: str) -> None:
        """Remembers since when the API server has refused this action for this run."""
        known = self.refusal
        is_same = known is not None and (known.action, known.run) == (action, run)
        since = known.since if known is not None and is_same else self.context.clock.now()
        self.refusal = StudyRefusal(action, run, message, since)

    async def snapshot(self, status: StudyStatus) -> StudySnapshot:
        """The facts of this study now."""
        if self._watching is not None and self._watching.done():
            self._watching.result()  # an error of ours, which must not look like silence
        tests, gone = await self._own_tests(status)
        facts = {name: run_fact(test) for name, test in tests.items()}
        wanted = {name: fact.uid for name, fact in facts.items() if fact.ended}
        wanted |= {run.name: run.uid for run in status.in_state(RunState.JUDGED) if run.uid is not None}
        return StudySnapshot(
            generation=self._generation(), check=self.check, runs=facts, gone=gone,
            records=await asyncio.to_thread(self._read_records, wanted),
            tuned=self.tuned, comparison=self.comparison, refusal=self.refusal,
        )

    async def _own_tests(self, status: StudyStatus) -> tuple[Mapping[str, Json], frozenset[str]]:
        """The study's tests by name, and those that were created and exist no more. What no status names yet, and the
        watch has not delivered, is asked for: it may have been deleted again already."""
        tests, gone = self._tests.own, set()
        self.created -= {run.name for run in status.runs if run.uid is not None}
        for name in sorted(self.created - tests.keys()):
            test = await self.context.cluster.get(API_VERSION, KIND, self.study.names.namespace, name)
            if test is not None and self.study.names.uid in owners(test):
                tests[name] = test
            else:
                gone.add(name)
        return tests, frozenset(gone)

    def directory_of(self, run: str, uid: str) -> Path:
        """The directory of a run's record."""
        return self.context.data / Names(self.study.names.namespace, run, uid).run_directory

    def _read_records(self, wanted: Mapping[str, str]) -> Mapping[str, RecordFact]:
        """What the directories of ended runs have. A report is read once, and then only looked for."""
        for name, uid in wanted.items():
            path = self.directory_of(name, uid) / REPORT_JSON
            if not path.exists():
                self._records[name] = RecordFact(exists=False)
            elif name not in self._records or not self._records[name].exists:
                self._records[name] = RecordFact(True, _gpu_seconds(path))
        return dict(self._records)


def _gpu_seconds(path: Path) -> int | None:
    """GPU-seconds on a node, of a run's report; None where the GPUs of a replica were not known."""
    try:
        found = number_at(orjson.loads(path.read_bytes()), "price", "paidGpuMilliseconds")
    except (OSError, orjson.JSONDecodeError):
        return None
    return None if found is None else round(found / 1000)

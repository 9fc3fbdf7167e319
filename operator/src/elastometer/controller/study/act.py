"""Carries out an action of a study. Every action may be cut anywhere and repeated."""
from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any, assert_never

import orjson

from elastometer.controller.judging.memory import LEAST, container_limit, judging_bound, own_use
from elastometer.controller.judging.supervise import JUDGING, Program, Work, files_of, module_command, supervised
from elastometer.controller.study.check import check
from elastometer.controller.study.conclusion import end_reason
from elastometer.controller.study.decision import StudyAction, StudyDecision
from elastometer.controller.study.manifest import report_map, study_run
from elastometer.controller.study.runs import all_variants, tuned_variants
from elastometer.controller.study.session import StudySession
from elastometer.controller.study.work import WORK
from elastometer.model.errors import WorldError
from elastometer.model.study_document import STUDY_JSON, StudyDocument, study_json
from elastometer.model.study_snapshot import ComparisonFact
from elastometer.model.study_status import StudyStatus
from elastometer.model.tuning import TuneOutcome, TuneResult
from elastometer.model.tuning_document import tune_document
from elastometer.study.variants.planned_runs import planned_runs
from elastometer.world.cluster import Refused
from elastometer.world.journal import synced_write

Json = dict[str, Any]
# Of the memory that judging may have: a run may be judged at the same time.
SHARE = 3
PROGRAM: Program = partial(module_command, "elastometer.controller.study.work")
_COMPARE = Work("compare the runs", "comparing the runs",
                "or compare them elsewhere with `elastometer fetch` and `elastometer judge`",
                "Compare them with another version: `elastometer fetch`, then `elastometer judge`")
_TUNE = Work("search better settings", "searching better settings",
             "or search them elsewhere with `elastometer fetch` and `elastometer what-if --search`",
             "Search them with another version: `elastometer fetch`, then `elastometer what-if --search`")
log = logging.getLogger(__name__)


async def act_on_study(session: StudySession, decision: StudyDecision) -> None:
    """Carries out the decision's action. Raises WorldError when it should be tried again."""
    action = decision.action
    if action is None:
        return
    try:
        await _carry_out(session, decision, action)
    except Refused as refusal:
        session.note_refusal(action.value, decision.run, str(refusal))
        raise WorldError(f"the API server refused {action.value} {decision.run}: {refusal}") from refusal
    session.refusal = None


async def _carry_out(session: StudySession, decision: StudyDecision, action: StudyAction) -> None:
    match action:
        case StudyAction.CHECK:
            session.check = await check(session)
        case StudyAction.CREATE_RUN:
            await _create_run(session, decision.status, decision.run)
        case StudyAction.TUNE:
            session.tuned = await _tuned(session, decision.status, decision.run)
        case StudyAction.COMPARE:
            await _compare(session, decision.status, decision.of)
        case other:
            assert_never(other)


async def _create_run(session: StudySession, status: StudyStatus, name: str) -> None:
    study = session.study
    variants = {variant.name: variant for variant in all_variants(study, status)}
    run = next(one for one in planned_runs(study, tuned_variants(study, status.tune)) if one.name == name)
    await session.context.cluster.create(study_run(study, variants[run.variant], run))
    session.created.add(name)


async def _tuned(session: StudySession, status: StudyStatus, name: str) -> Json:
    """The record of the search; one that could not be made says why."""
    tune, places = session.study.tune, _places(session, status)
    if tune is None:
        raise AssertionError("a study without `tune` searches nothing")
    terms = {"candidates": tune.candidates, "confirm": tune.confirm, "maximum_gpu_seconds": tune.maximum_gpu_seconds,
             "seed": session.study.seed}
    answer = await _worked(session, _TUNE, {"action": StudyAction.TUNE, "run": places[name], "terms": terms})
    if isinstance(answer, str):
        return tune_document(TuneResult(name, TuneOutcome.CANNOT_TELL, answer))
    found: Json = orjson.loads(answer)
    return found


async def _compare(session: StudySession, status: StudyStatus, of: str) -> None:
    """Writes the record of the study, compares its runs, and publishes the report."""
    files, names = session.files, session.study.names
    record = study_json(_document(session, status))
    await asyncio.to_thread(files.write_json, STUDY_JSON, record)
    work = {"action": StudyAction.COMPARE, "runs": _places(session, status)}
    answer = await _worked(session, _COMPARE, work)
    found = None if isinstance(answer, str) else orjson.loads(answer)
    reports = {} if found is None else files_of(orjson.dumps(found["files"]))
    for name, content in reports.items():
        await asyncio.to_thread(synced_write, files.path(name), content)
    fact = {"flaw": answer} if found is None else found["fact"]
    session.comparison = ComparisonFact(of, status.done, **fact)
    # Without a report too: with the record, the runs can be fetched and compared by another version.
    await session.context.cluster.replace_data(report_map(names, {**reports, STUDY_JSON: orjson.dumps(record)}))


def _document(session: StudySession, status: StudyStatus) -> StudyDocument:
    ended = end_reason(status)
    return StudyDocument(
        names=session.study.names, spec=session.study.raw, runs=tuple(run.entry for run in status.runs),
        tune=status.tune, start_time=status.start_time,
        end_time=None if ended is None else session.context.clock.now(), end_reason=ended)


def _places(session: StudySession, status: StudyStatus) -> dict[str, str]:
    """The directory of each judged run."""
    return {run.name: str(session.directory_of(run.name, run.uid)) for run in status.judged if run.uid is not None}


async def _worked(session: StudySession, work: Work, wanted: Json) -> bytes | str:
    """What the process answers; as text, why it cannot. One at a time, beside at most one judgement."""
    files = session.files
    async with session.context.studying:
        await asyncio.to_thread(files.write_json, WORK, wanted)
        whole = judging_bound(container_limit(), own_use())
        most = None if whole is None else max(LEAST, whole // SHARE)
        answer = await supervised(work, files, most, PROGRAM, session.fields())
    if answer is not None:
        return answer
    why = str((files.read_json(JUDGING) or {}).get("reason", ""))
    # The next work in this directory has attempts of its own.
    files.path(JUDGING).unlink(missing_ok=True)
    return why

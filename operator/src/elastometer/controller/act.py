"""Carries out an action by calls to the cluster, to Prometheus and to the run's directory.

Every action may be cut anywhere and repeated. What it creates last is the fact by which `decide` knows that it is done.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, assert_never

import orjson

from elastometer.controller.calibration import read_calibration
from elastometer.controller.collect import collect_series
from elastometer.controller.decision import Action
from elastometer.controller.inputs import Unusable, check_api_key, read_files
from elastometer.controller.judging.supervise import judged
from elastometer.controller.leftovers import own_leftovers
from elastometer.controller.preflight import preflight
from elastometer.controller.provenance import provenance
from elastometer.controller.session import Session
from elastometer.model import reasons
from elastometer.model.bundle_files import JUNIT, PROVENANCE, REPORT_JSON, REPORT_MARKDOWN
from elastometer.model.calibration import CALIBRATION, CALIBRATION_JSON
from elastometer.model.document import document_at
from elastometer.model.errors import SpecError, WorldError
from elastometer.model.names import LOAD
from elastometer.model.snapshot import PreflightFact
from elastometer.model.status import ACCEPTED
from elastometer.resources.load import files_map, load_job, profile_map
from elastometer.resources.ownership import metadata
from elastometer.resources.scaler import scaler
from elastometer.resources.target import deployment, service
from elastometer.world.bundle_writer import compact, seal
from elastometer.world.cluster import Refused

Json = dict[str, Any]
# The API server refuses a ConfigMap beyond 1 MiB. The text of the report fits; its HTML page is only in the bundle.
CONFIG_MAP_BYTES = 900_000
log = logging.getLogger(__name__)


async def act(session: Session, action: Action) -> None:
    """Carries out one action. Raises WorldError when it should be tried again."""
    if session.recorder is not None:
        session.recorder.note(action.value, "")
    try:
        await _carry_out(session, action)
    except Refused as refusal:
        session.note_refusal(action.value, str(refusal))
        raise WorldError(f"the API server refused {action.value}: {refusal}") from refusal
    session.refusal = None


async def _carry_out(session: Session, action: Action) -> None:
    cluster, plan = session.context.cluster, session.plan
    match action:
        case Action.PREFLIGHT:
            session.preflight = await _preflight(session)
        case Action.CREATE_TARGET:
            # The Deployment last: it is the object by which `decide` knows that the target was created.
            await cluster.create(service(plan))
            await cluster.create(deployment(plan))
        case Action.CREATE_SCALER:
            manifest = scaler(plan)
            if manifest is not None:
                await cluster.create(manifest)
        case Action.CREATE_LOAD:
            for made in (profile_map(plan), files_map(plan), load_job(plan)):
                if made is not None:
                    await cluster.create(made)
        case Action.JUDGE:
            await close_run(session)
        case Action.CLEAN_UP:
            for item in await own_leftovers(cluster, plan):
                await cluster.delete(item)
        case other:
            assert_never(other)


async def _preflight(session: Session) -> PreflightFact:
    """The inputs of the load first: the length of a Trace stage is known only once its file was read."""
    try:
        await check_api_key(session.plan, session.context.cluster)
        await session.take_files(await read_files(session.plan, session.context.cluster))
        if (calibration := await read_calibration(session.plan, session.context.cluster)) is not None:
            session.store.write_json(CALIBRATION_JSON, calibration)
    except Unusable as flaw:
        return PreflightFact((ACCEPTED, flaw.reason, str(flaw)))
    except SpecError as error:
        return PreflightFact((ACCEPTED, reasons.LOAD_FILES_INVALID, str(error)))
    nodes = session.recorder.latest("Node").values() if session.recorder else ()
    return await preflight(session.plan, session.context.cluster, nodes)


async def close_run(session: Session) -> None:
    """Closes the recording, judges it and publishes the report. May be killed anywhere and repeated."""
    store = session.store
    if not store.compacted:
        store.write_json(PROVENANCE, await provenance(session))
        await collect_series(session)
        # Before the merge: a worker of a run that failed may still send, and what came later would be lost.
        session.context.receiver.close(session.plan.names.uid)
        await session.stop_recording()
        await asyncio.to_thread(compact, store)
    async with session.context.judging:
        files = await judged(store, session.fields())
    if files:
        await _publish_report(session, files)
    await asyncio.to_thread(seal, store, files)


async def _publish_report(session: Session, files: dict[str, bytes]) -> None:
    """Where a quota or somebody's own ConfigMap of that name prevents it, the report is still in the bundle."""
    try:
        await session.context.cluster.replace_data(_report_map(session, files))
    except Refused as refusal:
        fields = session.fields(config_map=session.plan.names.report, reason=str(refusal))
        log.warning("the ConfigMap of the report was refused", extra=fields)


def _report_map(session: Session, files: dict[str, bytes]) -> Json:
    """The ConfigMap with the report, and the calibration if the run made one; a file that does not fit is only in the
    bundle."""
    names, found = session.plan.names, document_at(orjson.loads(files[REPORT_JSON]), CALIBRATION, "found")
    data = {CALIBRATION_JSON: orjson.dumps(found).decode()} if found else {}
    room = CONFIG_MAP_BYTES - sum(map(len, data.values()))
    for name in (REPORT_MARKDOWN, REPORT_JSON, JUNIT):
        if len(files[name]) <= room:
            data[name] = files[name].decode()
            room -= len(files[name])
    head = metadata(session.plan, names.report, LOAD)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": head, "data": data}

"""What is checked before the first run of a study: every test that it will make can be made, and its names are free.

The API server decides, by a dry run of one test of each variant; then the operator reads what it would serve, as it
reads the test itself. Whether that test can be carried out now (capacity, Prometheus) is checked when it runs.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from elastometer.controller.loop import parsed
from elastometer.controller.study.manifest import study_run
from elastometer.controller.study.session import StudySession
from elastometer.model import reasons
from elastometer.model.errors import SpecError
from elastometer.model.names import API_VERSION, KIND, STUDY_KIND
from elastometer.model.study import Variant, tuned_variant
from elastometer.model.study_snapshot import CheckFact
from elastometer.plan import TestPlan
from elastometer.study.variants.accepted import variant_flaws
from elastometer.study.variants.planned_runs import planned_runs
from elastometer.twin.accepted import accepted_test
from elastometer.world.cluster import Refused, owners, taken

Json = dict[str, Any]
# A study's record holds its spec, and a ConfigMap has room for 1 MiB.
MAX_SPEC_BYTES = 400_000
# The test has a flaw; another status says that it may not be made now, or not by us.
FLAWED = (400, 422)
_UNKNOWN_FIELD = re.compile(r'unknown field "([^"]+)"')


async def check(session: StudySession) -> CheckFact:
    """Names first, then the variants. Raises Refused where a dry run says nothing about the test, but about us."""
    waiting, flaws = await _names(session)
    if waiting:
        return CheckFact(waiting=tuple(waiting))
    if flaws:
        return CheckFact((reasons.NAME_TAKEN, "; ".join(flaws)))
    found = {variant.name: await _flaws_of(session, variant) for variant in session.study.variants}
    of_spec = [*variant_flaws(session.study, found), *_size_flaws(session.study.raw)]
    return CheckFact((reasons.SPEC_INVALID, "; ".join(of_spec)) if of_spec else None)


async def _names(session: StudySession) -> tuple[list[str], list[str]]:
    """What an earlier study of the name left, and what somebody else has under a name that the study needs."""
    study, cluster = session.study, session.context.cluster
    tune = study.tune
    tuned = [] if tune is None else [tuned_variant(tune, number, {}) for number in range(1, tune.confirm + 1)]
    planned = {run.name for run in planned_runs(study, tuned)}
    there = [(KIND, test) for test in await cluster.tests(study.names.namespace) if test["metadata"]["name"] in planned]
    report = await cluster.get("v1", "ConfigMap", study.names.namespace, study.names.report)
    there += [] if report is None else [("ConfigMap", report)]
    waiting, flaws = [], []
    for kind, item in there:
        if study.names.uid in owners(item):
            continue
        if _belongs_to_namesake(item, study.names.study):
            waiting.append(f"{kind}/{item['metadata']['name']}")
        else:
            flaws.append(taken(kind, item["metadata"], STUDY_KIND))
    return waiting, flaws


def _belongs_to_namesake(item: Mapping[str, Any], study: str) -> bool:
    """Whether an object belongs to another study of the same name, which was deleted or is being deleted."""
    return any(ref["kind"] == STUDY_KIND and ref["name"] == study
               for ref in item["metadata"].get("ownerReferences") or ())


async def _flaws_of(session: StudySession, variant: Variant) -> tuple[str, ...]:
    """The flaws of the test of one variant, each with its path in the test."""
    run = next(run for run in planned_runs(session.study) if run.variant == variant.name and run.judged)
    try:
        served = await session.context.cluster.post(study_run(session.study, variant, run), dry_run=True)
    except Refused as refusal:
        if refusal.status not in FLAWED:
            raise
        return refusal.flaws or _unknown_fields(str(refusal)) or (f"spec: the API server refused the test: {refusal}",)
    try:
        spec = parsed(accepted_test, served, "study")
    except SpecError as error:
        return error.flaws
    plan = TestPlan(spec, session.context.environment)
    if session.study.stop_when.gpu_seconds is not None and not plan.gpus_per_replica:
        return ("spec.target.server.podTemplate: must ask for GPUs, since the study has a budget of GPU-seconds "
                "(stopWhen.gpuSeconds), asks for none",)
    return ()


def _unknown_fields(message: str) -> tuple[str, ...]:
    return tuple(f"{path}: must be a field of {KIND} ({API_VERSION}), is not one" for path in
                 _UNKNOWN_FIELD.findall(message))


def _size_flaws(raw: Json) -> list[str]:
    size = len(orjson.dumps(raw))
    if size <= MAX_SPEC_BYTES:
        return []
    return [f"spec: must take at most {MAX_SPEC_BYTES} bytes as JSON, so that its record fits into a ConfigMap, takes "
            f"{size}; move what is long into a ConfigMap of the load (filesFrom)"]

"""A study as it is followed: its own versions, with the runs that are in progress and the comparison so far."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson
from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.kinds import TEST
from elastometer.cli.cluster.cluster import ClusterClient, Json
from elastometer.model.bundle_files import REPORT_JSON
from elastometer.model.document import document_at, documents_at, text_at
from elastometer.model.study_document import RunState


@dataclass(frozen=True, slots=True)
class StudySeen:
    """One version of a study. `running` holds the ElasticityTests that are in progress; `comparison` is report.json of
    the runs that have ended, None before there are any or where it cannot be read."""

    study: Json
    running: tuple[Json, ...] = ()
    comparison: Json | None = None


def study_versions(cluster: ClusterClient, versions: Iterable[Json]) -> Iterator[StudySeen]:
    """Each version with what belongs to it. The comparison is read again only when it has more runs."""
    compared: object = None
    comparison: Json | None = None
    for study in versions:
        status = document_at(study, "status")
        if status.get("comparedRuns") != compared:
            compared, comparison = status.get("comparedRuns"), comparison_so_far(cluster, study)
        yield StudySeen(study, tuple(_running(cluster, study)), comparison)


def comparison_so_far(cluster: ClusterClient, study: Json) -> Json | None:
    """The operator's report.json of the runs that have ended. It is shown if it can be read: following needs it not."""
    name = text_at(study, "status", "reportRef", "name")
    if name is None:
        return None
    try:
        found = orjson.loads(cluster.config_map(name).get(REPORT_JSON) or b"null")
    except orjson.JSONDecodeError:
        return None
    except ApiException as error:
        if error.status not in (403, 404):
            raise
        return None
    return found if isinstance(found, dict) else None


def _running(cluster: ClusterClient, study: Json) -> Iterator[Json]:
    tests = cluster.of(TEST)
    for run in documents_at(study, "status", "runs"):
        name = text_at(run, "name")
        if run.get("state") == RunState.RUNNING and name and (test := tests.get(name)) is not None:
            yield test

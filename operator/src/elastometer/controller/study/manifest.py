"""What a study creates: the ElasticityTest of a run, and the ConfigMap of its report. Pure."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elastometer.model.bundle_files import JUNIT, REPORT_JSON, REPORT_MARKDOWN
from elastometer.model.names import API_VERSION, MANAGED_BY_LABEL, STUDY_KIND, STUDY_LABEL
from elastometer.model.study import StudySpec, Variant
from elastometer.model.study_document import STUDY_JSON
from elastometer.model.study_names import StudyNames
from elastometer.study.variants.accepted import run_manifest
from elastometer.study.variants.planned_runs import PlannedRun

Json = dict[str, Any]
# The API server refuses a ConfigMap beyond 1 MiB. A report that does not fit is derived again from the runs' own.
CONFIG_MAP_BYTES = 900_000


def study_run(study: StudySpec, variant: Variant, run: PlannedRun) -> Json:
    """The test of one run, owned by the study: deleting the study deletes it."""
    manifest = run_manifest(study, variant, run)
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": _owner(study.names)}}


def report_map(names: StudyNames, files: Mapping[str, bytes]) -> Json:
    """The ConfigMap with the record of the study, and with each report that still fits."""
    data, room = {}, CONFIG_MAP_BYTES
    for name in (STUDY_JSON, REPORT_MARKDOWN, JUNIT, REPORT_JSON):
        if name in files and len(files[name]) <= room:
            data[name] = files[name].decode()
            room -= len(files[name])
    metadata = {"name": names.report, "namespace": names.namespace, "ownerReferences": _owner(names),
                "labels": {STUDY_LABEL: names.study, MANAGED_BY_LABEL: "elastometer"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _owner(names: StudyNames) -> list[Json]:
    """Deleting the study in the foreground waits for its tests: a new study of the name then finds its names free."""
    return [{"apiVersion": API_VERSION, "kind": STUDY_KIND, "name": names.study, "uid": names.uid, "controller": True,
             "blockOwnerDeletion": True}]

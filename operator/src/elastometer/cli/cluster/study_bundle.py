"""Fetches a study: its record from its ConfigMap, and the bundle of each run that was judged."""
from __future__ import annotations

import sys
from pathlib import Path

from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.files import write_files
from elastometer.cli.base.kinds import TEST
from elastometer.cli.base.text import printable
from elastometer.cli.cluster import bundle
from elastometer.cli.cluster.api_errors import refusal
from elastometer.cli.cluster.cluster import ClusterClient, Json
from elastometer.model.bundle_files import REPORTS
from elastometer.model.document import documents_at, text_at
from elastometer.model.study_document import RUNS_DIRECTORY, STUDY_JSON, RunState


def fetch_study(cluster: ClusterClient, study: Json, directory: Path) -> list[str]:
    """Writes study.json, the operator's reports and the runs' bundles into `directory`; returns the files' names.

    Raises CliError if there is no record, and at the end if the bundle of some run could not be fetched.
    """
    files = _record(cluster, study)
    write_files(files, directory, "the study")
    names, failed = list(files), 0
    wanted = [run for run in documents_at(study, "status", "runs") if run.get("state") == RunState.JUDGED]
    for number, run in enumerate(wanted, 1):
        print(printable(f"fetching run {number} of {len(wanted)}: {text_at(run, 'name')}"), file=sys.stderr, flush=True)
        try:
            names += _run(cluster, str(text_at(run, "name")), directory)
        except CliError as error:
            failed += 1
            print("\n".join(error.lines), file=sys.stderr)
    if failed:
        raise CliError(Exit.NOT_CARRIED_OUT, f"{failed} of {len(wanted)} runs could not be fetched; {directory} has "
                       "the others, the study's record and the operator's reports without the page")
    return names


def _record(cluster: ClusterClient, study: Json) -> dict[str, bytes]:
    """study.json and the reports that the operator keeps, by name."""
    name = text_at(study, "status", "reportRef", "name")
    called = f"ElasticityStudy '{cluster.namespace}/{study['metadata']['name']}'"
    if name is None:
        raise CliError(Exit.NOT_CARRIED_OUT, f"{called} has no report (yet)")
    try:
        texts = cluster.config_map(name)
    except ApiException as error:
        raise CliError(Exit.NOT_CARRIED_OUT, f"cannot read ConfigMap '{cluster.namespace}/{name}' with the record of "
                       f"{called}, which needs `get` on it: {error.status} {'; '.join(refusal(error))}") from error
    if STUDY_JSON not in texts:
        raise CliError(Exit.NOT_CARRIED_OUT, f"ConfigMap '{cluster.namespace}/{name}' must have the key {STUDY_JSON}")
    return {key: texts[key].encode() for key in (STUDY_JSON, *REPORTS) if key in texts}


def _run(cluster: ClusterClient, name: str, directory: Path) -> list[str]:
    tests = cluster.of(TEST)
    test = tests.get(name)
    if test is None:
        raise CliError(Exit.NOT_CARRIED_OUT, f"ElasticityTest '{cluster.namespace}/{name}' was deleted, and with it "
                       "the way to its bundle")
    # The name as served is a DNS label; the one in the status may be any text.
    below = Path(RUNS_DIRECTORY) / test["metadata"]["name"]
    return [f"{below.as_posix()}/{file}" for file in bundle.fetch(tests, test, directory / below)]

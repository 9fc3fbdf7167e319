"""Fetches the bundle of a finished test or study, with its report."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elastometer.cli.base.files import write_files
from elastometer.cli.base.kinds import STUDY
from elastometer.cli.cluster import bundle
from elastometer.cli.cluster.cluster import ClusterClient, Json
from elastometer.cli.cluster.study_bundle import fetch_study
from elastometer.cli.studies.record import compare_record
from elastometer.model.comparison import Comparison
from elastometer.render.study.files import render_study


@dataclass(frozen=True, slots=True)
class Fetched:
    """The names of the files that were fetched, and the comparison of a study."""

    files: list[str]
    comparison: Comparison | None = None


def fetch(cluster: ClusterClient, ended: Json, directory: Path) -> Fetched:
    """Writes the bundle into `directory`. Raises CliError if it cannot be fetched."""
    if cluster.kind is not STUDY:
        return Fetched(bundle.fetch(cluster, ended, directory))
    names = fetch_study(cluster, ended, directory)
    # The operator keeps no page: it is made of the record, as the other reports are, by the function that made theirs.
    found = compare_record(directory)
    files = render_study(found)
    write_files(files, directory, "the report")
    return Fetched(sorted({*names, *files}), found)

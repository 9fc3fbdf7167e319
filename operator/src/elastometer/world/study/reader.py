"""Reads the directory of a study: its record, and what is kept of each run that was judged.

The runs' bundles are not read and nothing is judged again: a comparison needs their reports alone.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from elastometer.model.bundle_files import REPORT_JSON
from elastometer.model.document import Document
from elastometer.model.study_document import (
    RUNS_DIRECTORY,
    STUDY_JSON,
    RunEntry,
    RunState,
    StudyDocument,
    study_document,
)
from elastometer.world.run_files import BundleError
from elastometer.world.study.report_reader import ReportOnDisk, read_report

_RUN_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")  # a DNS label: no other text becomes part of a path
__all__ = ["BundleError", "StudyRecord", "load_document", "load_study", "run_directory"]


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study, and what is kept of those of its judged runs whose report is there, by their names."""

    document: StudyDocument
    runs: Mapping[str, ReportOnDisk]


def load_study(directory: Path, places: Mapping[str, Path] | None = None) -> StudyRecord:
    """The study in a directory. `places` are the directories of runs that are not below its own, by their names.

    Raises BundleError where there is no record of a study, or where a file is damaged.
    """
    document = load_document(directory)
    found = {entry.name: (places or {}).get(entry.name) or run_directory(directory, entry)
             for entry in document.runs if entry.state is RunState.JUDGED}
    return StudyRecord(document, {name: read_report(path) for name, path in found.items()
                                  if (path / REPORT_JSON).exists()})


def load_document(directory: Path) -> StudyDocument:
    """The record of the study in a directory, without its runs. Raises BundleError as `load_study` does."""
    path = directory / STUDY_JSON
    if not path.exists():
        raise BundleError(f"'{directory}' must be the directory of a study; it contains no {STUDY_JSON}")
    try:
        return study_document(_object(path))
    except ValueError as error:
        raise BundleError(f"'{path}': {error}") from error


def run_directory(directory: Path, entry: RunEntry) -> Path:
    """Where a run's bundle lies in the bundle of its study. Raises BundleError for what cannot be one of a run."""
    if not _RUN_NAME.fullmatch(entry.name):
        raise BundleError(f"'{directory / STUDY_JSON}': the name of a run must be a DNS label, is {entry.name!r}")
    return directory / RUNS_DIRECTORY / entry.name


def _object(path: Path) -> Document:
    try:
        found = orjson.loads(path.read_bytes())
    except OSError as error:
        raise BundleError(f"'{path}' must be readable: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise BundleError(f"'{path}' must be one JSON object: {error}") from error
    if not isinstance(found, dict):
        raise BundleError(f"'{path}' must be one JSON object, is a {type(found).__name__}")
    return found

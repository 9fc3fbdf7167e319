"""Reads what was judged of a run, its report, and what was asked, its spec, and none of the records: a comparison of
many runs needs no more."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from elastometer.model.bundle_files import EXPECTED, MANIFEST, PROVENANCE, REPORT_JSON, SPEC
from elastometer.model.document import EMPTY, Document, text_at
from elastometer.world.run_files import BundleError, RunFiles

ARCHIVE_SUFFIX = ".tar.zst"


@dataclass(frozen=True, slots=True)
class ReportOnDisk:
    """The report of one run, its test and its provenance. `report` is None where the run has none; `tool_version` is
    that of the run's operator, and `is_original` whether the report is the one that it left."""

    report: Document | None
    spec: Document
    provenance: Document
    tool_version: str | None
    is_original: bool


def is_bundle(path: Path) -> bool:
    """Whether the path is that of one run: an archive, or a directory with at least one of a run's own files."""
    if not path.is_dir():
        return path.name.endswith(ARCHIVE_SUFFIX) and path.is_file()
    return any((path / name).is_file() for name in (MANIFEST, REPORT_JSON, *EXPECTED))


def read_report(path: Path) -> ReportOnDisk:
    """The report at `path`, a directory or a `.tar.zst`. Raises BundleError for a file that cannot be read."""
    files = RunFiles(path, (MANIFEST, SPEC, PROVENANCE, REPORT_JSON))
    report = files.as_found(REPORT_JSON) if REPORT_JSON in files else None
    return ReportOnDisk(
        report=None if report is None else _object(files, REPORT_JSON, report),
        spec=_stated(files, SPEC),
        provenance=_stated(files, PROVENANCE),
        tool_version=text_at(files.manifest, "toolVersion"),
        is_original=report is None or files.is_described(REPORT_JSON, report),
    )


def _stated(files: RunFiles, name: str) -> Document:
    return _object(files, name, files.content(name)) if name in files else EMPTY


def _object(files: RunFiles, name: str, content: bytes) -> Document:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise files.error(name, f"must be one JSON object: {error}") from error
    if not isinstance(found, dict):
        raise files.error(name, f"must be one JSON object, is a {type(found).__name__}")
    return found


__all__ = ["ARCHIVE_SUFFIX", "BundleError", "ReportOnDisk", "is_bundle", "read_report"]

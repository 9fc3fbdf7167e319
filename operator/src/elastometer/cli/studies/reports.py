"""The report of each run that is compared. A report is reused as it is; a run without one, or with one of an earlier
schema, is judged, and that is said."""
from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import orjson

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.text import printable
from elastometer.judgement import judge
from elastometer.model.bundle_files import REPORT_JSON
from elastometer.model.document import Document, text_at
from elastometer.model.report import SCHEMA_VERSION
from elastometer.model.run_figures import RunFigures, RunLabel
from elastometer.model.study_document import RunEntry
from elastometer.render.files import render_all
from elastometer.study.compare.figures import figures_of, without_report
from elastometer.world.bundle_reader import BundleError, load_bundle
from elastometer.world.study.report_reader import ReportOnDisk, read_report

_NUMBERED = re.compile(r"(.*/v\d+alpha)(\d+)")
MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run with where its report came from. `judged_by` is the version of another elastometer that judged it, None
    where it was this one; `is_original` whether the report is the one that the operator left; `has_record` whether more
    than the report is there. `load_start` is in RFC 3339, as the report has it."""

    path: Path
    figures: RunFigures
    uid: str | None
    judged_by: str | None
    is_original: bool
    has_record: bool
    load_start: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a run, with a report that can be compared. `files` are those of a report that was made now."""

    disk: ReportOnDisk
    report: Document
    files: Mapping[str, bytes] | None = None


def read_kept(path: Path, *, again: bool) -> Kept:
    """The report of a bundle, reused or made now. `again` makes it whatever report there is. Raises CliError for a
    bundle that is damaged."""
    try:
        found = read_report(path)
        why = "--runs was given" if again else _why_again(path, found.report)
        if why is None:
            return Kept(found, found.report or {})
        print(printable(f"judging {path}: {why}"), file=sys.stderr, flush=True)
        files = render_all(judge(load_bundle(path)))
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, str(error), *_remedy(path, error)) from error
    return Kept(found, orjson.loads(files[REPORT_JSON]), files)


def read_run(path: Path, label: RunLabel, *, again: bool) -> RunReport:
    """The run in a bundle, as `read_kept` has it."""
    kept = read_kept(path, again=again)
    return _run(path, label, kept.disk, kept.report, is_reused=kept.files is None)


def absent_run(path: Path, label: RunLabel, entry: RunEntry) -> RunReport:
    """A run of a study that left no bundle, with the reason that the study's record gives."""
    reason = f"its bundle is not there; the study says {entry.state.value}"
    why = ": ".join(filter(None, (entry.reason, entry.message)))
    return RunReport(path, without_report(label, reason, why), None, None, is_original=True, has_record=False)


def _run(path: Path, label: RunLabel, found: ReportOnDisk, report: Document, *, is_reused: bool) -> RunReport:
    other = found.tool_version if is_reused and found.tool_version != version("elastometer") else None
    return RunReport(
        path, figures_of(report, label, found.spec, found.provenance), text_at(report, "uid") or None,
        other if found.is_original else None, found.is_original or not is_reused, bool(found.spec),
        text_at(report, "loadStart"))


def _why_again(path: Path, report: Document | None) -> str | None:
    """Why the report cannot be reused; None if it can. Raises BundleError for one of a later version."""
    if report is None:
        return "it has no report"
    found = text_at(report, "schemaVersion")
    if found == SCHEMA_VERSION:
        return None
    ours, theirs = _NUMBERED.fullmatch(SCHEMA_VERSION), _NUMBERED.fullmatch(found or "")
    if ours and theirs and ours[1] == theirs[1] and int(theirs[2]) < int(ours[2]):
        return f"its report has the earlier schema {found}"
    raise BundleError(f"'{path}': report.json must have the schemaVersion {SCHEMA_VERSION} or an earlier one, has "
                      f"{found!r}; compare it with the version of elastometer that wrote it, or with --runs")


def _remedy(path: Path, error: Exception) -> tuple[str, ...]:
    if "report.json must be one JSON object" not in str(error):
        return ()
    return (f"to write a new one from the record: elastometer judge {path} --out {path}",)


def check_distinct(runs: Sequence[RunReport]) -> None:
    """Raises CliError if one run was given twice: it would count as two, and agree with itself."""
    seen: dict[str, RunReport] = {}
    for run in runs:
        key = run.uid or str(run.path.resolve())
        if key in seen:
            first, second = (f"{one.path} in {one.figures.label.variant}" for one in (seen[key], run))
            raise CliError(Exit.SPEC_OR_USAGE, f"one run was given twice, as {first} and as {second} (its uid is "
                           f"{run.uid or 'unknown'}): a comparison needs runs that were made apart")
        seen[key] = run


def notes_of(runs: Iterable[RunReport]) -> tuple[str, ...]:
    """What a reader has to know about where the reports came from."""
    here, found = version("elastometer"), list(runs)
    notes = []
    for other in sorted({run.judged_by for run in found if run.judged_by is not None}):
        of = [str(run.path) for run in found if run.judged_by == other]
        notes.append(f"judged by elastometer {other}, and this is {here}: {_named(of)}; --runs judges them again")
    changed = [str(run.path) for run in found if not run.is_original]
    if changed:
        notes.append(f"judged again or changed, since the operator left another report: {_named(changed)}")
    return tuple(notes)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more

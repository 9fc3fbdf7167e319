"""A study's bundle -> its comparison, from the reports of its runs, as the operator compares them."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.files import write_files
from elastometer.cli.base.kinds import STUDY
from elastometer.cli.base.offline import schema_of
from elastometer.cli.studies.asked import NOTHING_ELSE, Asked
from elastometer.cli.studies.bundles import study_at, usage_errors
from elastometer.cli.studies.gates import gate_json
from elastometer.cli.studies.reports import read_kept
from elastometer.model.comparison import Comparison
from elastometer.model.document import text_at
from elastometer.model.errors import SpecError
from elastometer.model.schema import flaws, unknown_fields
from elastometer.model.study_document import RUNS_DIRECTORY, STUDY_JSON, RunState, StudyDocument
from elastometer.study.compare.of_study import KeptRun, compare_study
from elastometer.study.variants.limits import level_flaws, size_flaws
from elastometer.world.study.reader import run_directory
from elastometer.world.study.report_reader import is_bundle


def compare_record(directory: Path, asked: Asked = NOTHING_ELSE, *, out: Path | None = None) -> Comparison:
    """The comparison of the runs whose bundles are in the directory. Where runs are judged again, the new reports are
    written below `out`. Raises CliError for a record that cannot be used."""
    document = study_at(directory)
    if asked.gates:
        document = replace(document, spec={**document.spec, "gates": [gate_json(gate) for gate in asked.gates]})
    try:
        _check_shape(document)
        with usage_errors():
            kept = _kept(document, directory, again=asked.again, out=out)
            return compare_study(document, kept, across_questions=asked.allow_different)
    except SpecError as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"'{directory / STUDY_JSON}' is not the record of a study:",
                       *(f"  {flaw}" for flaw in error.flaws)) from error


def _check_shape(document: StudyDocument) -> None:
    """Raises SpecError for a spec that is not of a study's shape; what a later version knows besides is not read."""
    if deep := [*size_flaws(document.spec), *level_flaws(document.tune or {}, "tune")]:
        raise SpecError(*deep)
    schema = schema_of(STUDY)
    unknown = set(unknown_fields(document.spec, schema, "spec"))
    if found := [flaw for flaw in flaws(document.spec, schema, "spec") if flaw not in unknown]:
        raise SpecError(*found)


def _kept(document: StudyDocument, directory: Path, *, again: bool, out: Path | None) -> dict[str, KeptRun]:
    kept: dict[str, KeptRun] = {}
    seen: dict[str, str] = {}
    for entry in document.runs:
        path = run_directory(directory, entry)
        if entry.state is not RunState.JUDGED or not is_bundle(path):
            continue
        found = read_kept(path, again=again)
        uid = text_at(found.report, "uid") or entry.name
        if (first := seen.setdefault(uid, entry.name)) != entry.name:
            raise CliError(Exit.SPEC_OR_USAGE, f"'{path}': must be of another run than {first}, but has the same uid "
                           f"{uid}: a comparison needs runs that were made apart")
        kept[entry.name] = KeptRun(found.report, found.disk.spec, found.disk.provenance)
        if out is not None and found.files is not None:
            write_files(found.files, out / RUNS_DIRECTORY / entry.name, "the report of a run")
    return kept

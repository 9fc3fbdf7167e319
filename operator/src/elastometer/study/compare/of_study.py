"""A study's record (study.json) with what is kept of its runs -> the comparison, the same wherever it is made."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from elastometer.model.comparison import Comparison, ReportedRun
from elastometer.model.document import EMPTY, Document
from elastometer.model.errors import SpecError
from elastometer.model.read_back import NotReadBack, read_back
from elastometer.model.report import Report
from elastometer.model.run_figures import RunFigures, RunLabel
from elastometer.model.study import Preset, StudySpec, Variant
from elastometer.model.study_document import RunEntry, RunState, StudyDocument
from elastometer.model.study_parse import parse_study
from elastometer.model.tuning import TuneResult
from elastometer.model.tuning_document import tune_result
from elastometer.study.compare.compare import compare
from elastometer.study.compare.figures import figures_of, without_report
from elastometer.study.compare.search_words import search_sentences
from elastometer.study.compare.terms import CompareTerms, VariantTerms
from elastometer.study.compare.warm_spares import warm_spares

Json = dict[str, Any]
CALIBRATION_REASON = "a calibration bears another load"
REPORTED_REASON = "the study only reports it (compared: false)"
NOT_COMPARED = (CALIBRATION_REASON, REPORTED_REASON)
_STATES = {
    RunState.PENDING: "it has not been made yet", RunState.RUNNING: "it has not ended yet",
    RunState.NOT_CARRIED_OUT: "it was not carried out", RunState.SKIPPED: "the study ended before its turn",
    RunState.JUDGED: "its report is missing",
}


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What is kept of one run: its report.json, its spec.json and its provenance.json, as far as they are there."""

    report: Document
    test: Document = field(default_factory=lambda: EMPTY)
    provenance: Document = field(default_factory=lambda: EMPTY)


def compare_study(
    document: StudyDocument, kept: Mapping[str, KeptRun], *, across_questions: bool = False,
) -> Comparison:
    """The comparison so far; `kept` is by the names of the runs. Raises SpecError for a spec that is no study's, and
    for a run that is recorded twice. `across_questions` is that of the terms."""
    names = document.names
    study = parse_study({"metadata": {"name": names.study, "namespace": names.namespace, "uid": names.uid},
                         "spec": document.spec})
    _check_runs(document)
    terms = replace(terms_of(study, document), across_questions=across_questions or study.allow_different)
    found = compare(terms, [_run(entry, kept.get(entry.name)) for entry in document.runs])
    found = replace(found, reported=_reported(study, document, kept), measured_spares=warm_spares(study))
    searched = None if document.tune is None else tune_result(document.tune)
    return found if searched is None else replace(found, sentences=(*found.sentences, *search_sentences(searched)))


def _reported(study: StudySpec, document: StudyDocument, kept: Mapping[str, KeptRun]) -> ReportedRun | None:
    """The first run of the first variant that is reported but not compared."""
    only = next((one.name for one in study.variants if not one.compared), None)
    entry = next((one for one in document.runs if one.variant == only and one.judged), None)
    if entry is None:
        return None
    run = kept.get(entry.name)
    if run is None or not run.report:
        return ReportedRun(entry.variant, entry.name, None, _STATES[entry.state])
    try:
        return ReportedRun(entry.variant, entry.name, read_back(Report, run.report))
    except NotReadBack as error:
        return ReportedRun(entry.variant, entry.name, None, f"its report is of another version ({error}); `elastometer "
                           "judge --runs` writes it again from the bundle")


def _check_runs(document: StudyDocument) -> None:
    counts = Counter((entry.variant, entry.repetition) for entry in document.runs if entry.judged)
    if flaws := [f"runs: must have each repetition of a variant once, have {variant} {repetition} more often"
                 for (variant, repetition), count in counts.items() if count > 1]:
        raise SpecError(*flaws)


def terms_of(study: StudySpec, document: StudyDocument) -> CompareTerms:
    """The study's variants, and those that a search found; each with the runs that it was to have."""
    found = None if document.tune is None else tune_result(document.tune)
    return CompareTerms(
        study=study.names.study, namespace=study.names.namespace, baseline=study.baseline, gates=study.gates,
        variants=(*(_variant(one, study, found) for one in study.variants), *_tuned(study, found)))


def _variant(one: Variant, study: StudySpec, found: TuneResult | None) -> VariantTerms:
    """The variant whose run was searched has what the twin predicts of its own settings."""
    is_source = found is not None and study.tune is not None and study.tune.source == one.name
    predicted = found.base.figures if is_source and found is not None and found.base is not None else {}
    return VariantTerms(
        one.name, study.repetitions_of(one), _patch_text(one), predicted=predicted, not_compared=_not_compared(one))


def _not_compared(one: Variant) -> str | None:
    if one.preset is Preset.CALIBRATION:
        return CALIBRATION_REASON
    return None if one.compared else REPORTED_REASON


def _tuned(study: StudySpec, found: TuneResult | None) -> Iterator[VariantTerms]:
    for one in () if found is None else found.variants:
        yield VariantTerms(one.name, study.repetitions, _yaml(one.patch), is_tuned=True,
                           predicted=one.predicted.figures)


def _patch_text(one: Variant) -> str | None:
    shown: Json = {**({} if one.preset is None else {"preset": one.preset.value}),
                   **({"patch": one.patch} if one.patch else {})}
    if not shown:
        return None
    return _yaml(one.patch) if one.preset is None else _yaml(shown)


def _yaml(patch: Json) -> str:
    text: str = yaml.safe_dump(patch, sort_keys=False, allow_unicode=True)
    return text


def _run(entry: RunEntry, kept: KeptRun | None) -> RunFigures:
    label = RunLabel(entry.name, entry.variant, entry.repetition, is_warmup=not entry.judged)
    if kept is not None and kept.report:
        return figures_of(kept.report, label, kept.test, kept.provenance)
    stated = ": ".join(filter(None, (entry.reason, entry.message)))
    state = _STATES[entry.state]
    return without_report(label, f"{state} ({stated})" if stated else state)

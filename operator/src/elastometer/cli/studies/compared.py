"""Groups of bundles -> their comparison, by the function that compares the runs of a study."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.studies.asked import Asked
from elastometer.cli.studies.bundles import usage_errors
from elastometer.cli.studies.groups import Group, read_groups
from elastometer.cli.studies.reports import RunReport, check_distinct, notes_of
from elastometer.model.comparison import Comparison
from elastometer.model.measures import MISS_SECONDS
from elastometer.model.run_figures import Question, RunFigures
from elastometer.study.compare.compare import compare
from elastometer.study.compare.figures import with_samples
from elastometer.study.compare.question import differences_of_question
from elastometer.study.compare.samples import samples_of
from elastometer.study.compare.terms import CompareTerms, VariantTerms
from elastometer.world.bundle_reader import load_bundle

MAX_LINES = 20  # more differences are counted


def compared(groups: Sequence[Group], asked: Asked) -> Comparison:
    """The comparison of the groups, of which the first is the baseline. Raises CliError for runs that are given twice,
    and for runs that were asked different questions."""
    runs = read_groups(groups, again=asked.again)
    check_distinct(runs)
    terms = CompareTerms(
        study=_title(groups), namespace="", baseline=groups[0].name, gates=asked.gates,
        across_questions=asked.allow_different,
        variants=tuple(VariantTerms(group.name, planned=len(group.places)) for group in groups))
    if not asked.allow_different:
        _check_question([run.figures for run in runs])
    found = compare(terms, _with_samples(runs))
    return replace(found, notes=(*found.notes, *notes_of(runs)))


def _title(groups: Sequence[Group]) -> str:
    return f"{', '.join(group.name for group in groups[1:])} against {groups[0].name}"


def _check_question(runs: Sequence[RunFigures]) -> None:
    """What only decides about some measures, such as the price, is no reason to refuse all of them."""
    first = next((run.question for run in runs if run.question.parts), Question())
    lines = [f"{run.label.run} ({run.label.variant}): {line}" for run in runs
             for line in differences_of_question(first, run.question, MISS_SECONDS)]
    if lines:
        more = [f"  … and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
        raise CliError(Exit.SPEC_OR_USAGE, f"the runs do not answer the same question as {runs[0].label.run}:",
                       *(f"  {line}" for line in lines[:MAX_LINES]), *more,
                       "to compare them all the same: --allow-different")


def _with_samples(runs: Sequence[RunReport]) -> tuple[RunFigures, ...]:
    """The figures; of runs that are alone in their group, with the latencies of their requests as well."""
    variants = [run.figures.label.variant for run in runs if run.figures.is_compared]
    return tuple(_with_requests(run) if variants.count(run.figures.label.variant) == 1 and run.figures.is_compared
                 else run.figures for run in runs)


def _with_requests(run: RunReport) -> RunFigures:
    if not run.has_record:
        return run.figures
    with usage_errors():
        return with_samples(run.figures, samples_of(load_bundle(run.path)))

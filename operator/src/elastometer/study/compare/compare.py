"""Runs -> Comparison, for the operator, the command line and the tests alike. The order of the runs changes nothing."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from elastometer.model.comparison import Comparison, GateState, MeasureRow
from elastometer.model.measures import MEASURES, MISS_SECONDS, MONEY
from elastometer.model.run_figures import RunFigures
from elastometer.study.compare.asked import asked_differently, differing_lines, unrecorded
from elastometer.study.compare.best import Contest, best_of
from elastometer.study.compare.differences import Asked, Runs, measure_row
from elastometer.study.compare.gates import gate_results
from elastometer.study.compare.predicted import agreement, predicted_rows
from elastometer.study.compare.question import in_words
from elastometer.study.compare.standing import cost_of, front, speedups, wins
from elastometer.study.compare.summaries import OUTSIDE, is_static, judged_differences, notes, run_sentences, summaries
from elastometer.study.compare.terms import CompareTerms
from elastometer.study.compare.verdict import verdict_of


def compare(terms: CompareTerms, runs: Sequence[RunFigures]) -> Comparison:
    """All differences between the variants, and what follows from them. A run of a variant that `terms` does not name
    is excluded. Raises ValueError if the baseline is not one of the variants, or if one repetition is given twice."""
    _check(terms, runs)
    every = _in_order(terms, runs)
    mine = {one.name: [run for run in every if run.is_compared and run.label.variant == one.name]
            for one in terms.variants}
    asked = _nothing if terms.across_questions else asked_differently(mine)
    rows = _rows(mine, asked)
    cost, competed = cost_of(rows), tuple(wins(mine))
    gates = tuple(gate_results(terms.gates, rows, terms.baseline, [one.name for one in terms.others]))
    variants = tuple(summaries(terms, every, front(rows[MISS_SECONDS], rows[cost]), competed))
    verdict = verdict_of(gates, bool(terms.gates), variants)
    regressed = frozenset(one.variant for one in gates if one.state is GateState.REGRESSED)
    judged, beyond = judged_differences(tuple(rows.values()), terms.baseline)
    predicted = tuple(predicted_rows(terms.variants, rows))
    best = best_of(Contest(rows, cost, terms.baseline, regressed), variants)
    return Comparison(
        study=terms.study, namespace=terms.namespace, baseline=terms.baseline, verdict=verdict.verdict,
        verdict_reason=verdict.reason, verdict_message=verdict.message, best=best,
        sentences=(best.sentence, *run_sentences(terms, variants, every)), variants=variants, rows=tuple(rows.values()),
        gates=gates, speedups=tuple(speedups(mine, _speedup_bases(terms, mine), asked)),
        wins=competed, predicted=predicted, agreement=tuple(agreement(predicted)), runs=every,
        notes=(*unrecorded(mine), *notes(variants, judged, beyond, rows[cost].measure.title)),
        differing=tuple(differing_lines(mine, terms.baseline)),
        question=in_words(next((run.question for run in mine[terms.baseline]), None)), primary_cost=cost,
        currency=_currency(every), judged=judged, outside_by_chance=OUTSIDE * judged)


def _check(terms: CompareTerms, runs: Sequence[RunFigures]) -> None:
    if terms.baseline not in [one.name for one in terms.variants]:
        raise ValueError(f"the baseline must be one of the variants, is {terms.baseline!r}")
    seen = Counter((run.label.variant, run.label.repetition) for run in runs if not run.label.is_warmup)
    if twice := [f"{variant} {repetition}" for (variant, repetition), count in seen.items() if count > 1]:
        raise ValueError(f"a repetition of a variant must be given once, is given more often: {', '.join(twice)}")


def _in_order(terms: CompareTerms, runs: Sequence[RunFigures]) -> tuple[RunFigures, ...]:
    """By variant and repetition, without those that the terms exclude."""
    order = {one.name: index for index, one in enumerate(terms.variants)}
    reasons = {one.name: one.not_compared for one in terms.variants}
    known = (replace(run, excluded=run.excluded or reasons.get(run.label.variant, "its variant is not compared"))
             for run in runs)
    return tuple(sorted(known, key=lambda run: (order.get(run.label.variant, len(order)), run.label.variant,
                                                run.label.repetition, run.label.run)))


def _nothing(_first: str, _second: str, _measure: str) -> Sequence[str]:
    """Compared all the same, whatever differs."""
    return ()


def _rows(mine: Runs, asked: Asked) -> Mapping[str, MeasureRow]:
    currency = _currency([run for runs in mine.values() for run in runs]) or ""
    known = (one if one.name != MONEY else replace(one, unit=currency) for one in MEASURES)
    return {measure.name: measure_row(measure, mine, asked) for measure in known}


def _currency(runs: Sequence[RunFigures]) -> str | None:
    return next((run.currency for run in runs if run.currency), None)


def _speedup_bases(terms: CompareTerms, mine: Runs) -> Iterator[str]:
    """Variants without an autoscaler, then the baseline."""
    yield from (name for name, runs in mine.items() if is_static(runs))
    yield terms.baseline

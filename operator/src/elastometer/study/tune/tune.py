"""Which settings of the autoscaler are worth a live run: the twin's search on a recorded run, within its maximum.

The search ranks, other draws choose, and further draws give the figures, as in what-if: the best of many candidates is
also the luckiest.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.model.bundle import Bundle
from elastometer.model.document import text_at
from elastometer.model.errors import SpecError
from elastometer.model.measures import MISS_SECONDS
from elastometer.model.tuning import TuneOutcome, TuneResult, TuneTerms
from elastometer.study.tune.chosen import Candidate, chosen, useful
from elastometer.study.tune.figures import errors_of, predicted_of, shifts_of
from elastometer.study.tune.proof import bounds, nothing_helps
from elastometer.study.tune.variants import spec_patch, tuned_variants
from elastometer.twin.advice.by_measure import measured_by_name
from elastometer.twin.advice.choose import scale_of
from elastometer.twin.advice.failures import unfit
from elastometer.twin.advice.forecast import Forecaster
from elastometer.twin.search.answer.answer import Searched
from elastometer.twin.search.answer.run import Recorded, recorded
from elastometer.twin.search.answer.search import Each, SearchOptions, search
from elastometer.twin.search.score.held_out import Purpose
from elastometer.twin.search.score.searcher import Searcher, Settings
from elastometer.twin.search.vary.candidates import Baseline
from elastometer.twin.search.vary.fields import MAXIMUM, MINIMUM, Setting
from elastometer.twin.search.vary.grid import knows_tolerances
from elastometer.twin.search.vary.knobs import hpa_of

T = TypeVar("T")


def tune(bundle: Bundle, terms: TuneTerms) -> TuneResult:
    """What to confirm by live runs. A run that the twin cannot answer for gives a result that says so by name."""
    try:
        run = recorded(bundle)
        if (reason := unfit(bundle, run.report)) is not None:
            raise SpecError(reason)
        return _tuned(run, terms)
    except SpecError as error:
        return TuneResult(bundle.terms.test, TuneOutcome.CANNOT_TELL, "; ".join(error.flaws))


def _tuned(run: Recorded, terms: TuneTerms) -> TuneResult:
    price, base = run.report.price, run.problem.base
    measured = measured_by_name(run.report, measured_miss_seconds(run.derived.evidence))
    if MISS_SECONDS not in measured:
        raise SpecError("spec.objectives: must hold one on requests, for settings to be ranked by what they miss")
    forecaster, kept = Forecaster(run.problem), _maximum_kept(base)
    searched = _searched(run, terms, kept)
    settings = [_without(one.settings, kept) for one in searched.front]
    now = _candidate(forecaster, ())
    found = useful([_candidate(forecaster, one) for one in (*settings, *_always_the_maximum(base))
                    if spec_patch(base, one)], now, terms.maximum_gpu_seconds)
    errors, shifts = (of(measured, now.reported, price) for of in (errors_of, shifts_of))
    picked = chosen(found, now, scale_of(run.problem, now.choosing, errors[MISS_SECONDS]), errors, terms.confirm)
    proof, predicted = bounds(forecaster, price, shifts), predicted_of(now.reported, price, shifts)
    reason = f"{len(picked)} of {searched.tried:,} settings are worth a live run" if picked else \
        nothing_helps(searched.tried, predicted, proof, terms)
    return TuneResult(
        run=run.report.test, outcome=TuneOutcome.FOUND if picked else TuneOutcome.NOTHING_HELPS, reason=reason,
        considered=searched.tried - searched.refused, refused=searched.refused, measured=measured, error=errors,
        base=predicted, variants=tuned_variants(picked, base, price, shifts),
        proof=tuple(proof), notes=run.calibration.notes)


def _searched(run: Recorded, terms: TuneTerms, kept: Settings) -> Searched:
    """The search of what-if, on one core. Which tolerances the API server keeps depends on its version."""
    searcher, version = Searcher(run.problem), text_at(run.derived.bundle.provenance, "kubernetes", "gitVersion")
    options = SearchOptions(settings=kept, search=True, candidates=terms.candidates, seed=terms.seed,
                            tolerances=knows_tolerances(version))
    return search(run.problem, options, _on_one_core(searcher))


def _on_one_core(searcher: Searcher) -> Each:
    def each(label: str, function: Callable[[Searcher, Any], T], arguments: Sequence[Any]) -> list[T]:
        del label
        return [function(searcher, argument) for argument in arguments]

    return each


def _maximum_kept(base: Baseline) -> Settings:
    """The recorded maximum as a setting, so that the search does not vary it."""
    hpa = hpa_of(base.scenario)
    return () if hpa is None else (Setting(MAXIMUM[base.kind], hpa.spec.maximum),)


def _without(settings: Settings, kept: Settings) -> Settings:
    return tuple(one for one in settings if one not in kept)


def _always_the_maximum(base: Baseline) -> list[Settings]:
    """A minimum as high as the maximum, which the search may not reach in its steps."""
    hpa = hpa_of(base.scenario)
    return [] if hpa is None or hpa.spec.minimum >= hpa.spec.maximum else [
        (Setting(MINIMUM[base.kind], hpa.spec.maximum),)]


def _candidate(forecaster: Forecaster, settings: Settings) -> Candidate:
    return Candidate(*(forecaster.held_out(settings, purpose) for purpose in (Purpose.CHOOSING, Purpose.REPORTING)))

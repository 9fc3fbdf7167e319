"""The whole answer to one what-if: from a bundle and the user's options to everything that is rendered."""
from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.model.bundle import Bundle
from elastometer.model.document import text_at
from elastometer.model.errors import SpecError
from elastometer.model.price import AlternativeName
from elastometer.model.report import Report
from elastometer.twin.engine import predict
from elastometer.twin.fit.backtest import PredictionError, backtest
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.answer.answer import Answer, Curve, Option, Run, Searched
from elastometer.twin.search.answer.search import Each, SearchOptions, cliffs, least, option, search
from elastometer.twin.search.score.measured import measured_card
from elastometer.twin.search.score.searcher import Searcher, SearchProblem, Settings
from elastometer.twin.search.score.supplies import Supply, supplies
from elastometer.twin.search.vary.candidates import reject_unknown_settings, vary
from elastometer.twin.search.vary.recorded import baseline

# How many requests a candidate of a search is judged on over all its draws, and the most draws.
DRAWN_REQUESTS, MAX_DRAWS = 5000, 5


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded run, ready for what-if: its record and report, the calibrated twin and its prediction error."""

    derived: DerivedRun
    report: Report
    calibration: Calibration
    prediction_error: PredictionError
    problem: SearchProblem


def recorded(bundle: Bundle) -> Recorded:
    """The run of the bundle. Raises SpecError naming what the bundle lacks.

    Variations start from the typical draw, the one nearest to all others, so that no unusual draw stands for the run.
    """
    derived = derive_run(bundle)
    report, calibration = judge_run(derived), calibrate(derived)
    base = baseline(derived, calibration.scenario)
    error = backtest(calibration.scenario, derived, bundle.terms, recorded=calibration.recorded)
    seed = calibration.scenario.seed + error.draws.index(error.typical)
    problem = SearchProblem(
        replace(base, scenario=replace(base.scenario, seed=seed)), bundle.terms,
        report.price.gpus_per_replica if report.price else None, draws_for(base.scenario))
    return Recorded(derived, report, calibration, error, problem)


def draws_for(scenario: Scenario) -> int:
    """How many draws each candidate of a search is judged over. A long run needs fewer, since randomness averages out
    within it, and each of its draws takes longer."""
    return max(1, min(MAX_DRAWS, DRAWN_REQUESTS // max(1, scenario.request_count)))


def answer(run: Recorded, options: SearchOptions, each: Each) -> Answer:
    """Computes the recorded settings, the variant, the search and the cliffs, after checking all settings first."""
    problem, report = run.problem, run.report
    if options.search and not problem.terms.objectives:
        raise SpecError("spec.objectives: must hold at least one objective for a search to rank by, is empty; "
                        "--objective adds one")
    reject_unknown_settings(problem.base.kind, options.settings)
    calibration = _with_notes(run.calibration, vary(problem.base, options.settings).notes)
    searcher = Searcher(problem)
    recorded = option(problem, searcher, (), options)
    variant = option(problem, searcher, options.settings, options) if options.settings else None
    searched = search(problem, options, each) if options.search else None
    _check_pick(searched, options)
    chosen = searched.front[searched.chosen] if searched is not None else variant
    named: list[tuple[str, Settings]] = [("recorded settings", ())]
    if chosen is not None:
        named.append(("settings asked for" if searched is None else "chosen settings", chosen.settings))
    return Answer(
        run=_run(problem, report), calibration=calibration, prediction_error=run.prediction_error,
        measured=measured_card(report, measured_miss_seconds(run.derived.evidence)), recorded=recorded,
        curves=_curves(problem, report, variant, chosen if searched is not None else None),
        cliffs=tuple(cliffs(named, each)) if problem.terms.objectives else (),
        least=least((), each) if problem.terms.objectives else None, variant=variant, searched=searched,
        supplies=_supplies(run, searcher),
    )


def _supplies(run: Recorded, searcher: Searcher) -> tuple[Supply, ...]:
    """What the price of the run is compared with, simulated on the draws of everything else that is reported."""
    if run.report.price is None:
        return ()
    price = run.report.price
    over = 0.0 if price.oracle is None else price.oracle.overloaded_seconds
    return tuple(
        Supply(name, replicas, *searcher.spread(scenario), over if name is AlternativeName.ORACLE else 0.0)
        for name, replicas, scenario in supplies(price, run.problem.base.scenario))


def _with_notes(calibration: Calibration, notes: tuple[str, ...]) -> Calibration:
    """With what the settings that were asked for add."""
    return replace(calibration, notes=tuple(dict.fromkeys((*calibration.notes, *notes))))


def _check_pick(searched: Searched | None, options: SearchOptions) -> None:
    if searched is not None and options.pick is not None and not 1 <= options.pick <= len(searched.front):
        raise SpecError(f"--pick: must be from 1 to {len(searched.front)} (the number of ranked candidates), "
                        f"is {options.pick}")


def _run(problem: SearchProblem, report: Report) -> Run:
    manifest = problem.base.manifest
    name = text_at(manifest, "metadata", "name") or ""
    return Run(
        test=report.test, namespace=report.namespace, model=report.model, load_start=report.load_start,
        autoscaler=f"{problem.base.kind.value} {name}",
        cold_start_seconds=median(problem.base.scenario.cold_starts), gpus_per_replica=problem.gpus_per_replica,
    )


def _curves(
    problem: SearchProblem, report: Report, variant: Option | None, chosen: Option | None,
) -> tuple[Curve, ...]:
    """Ready and desired replicas, measured and predicted."""
    found = [Curve("Ready, measured", False, report.timeline.ready),
             Curve("desired, measured", False, report.timeline.desired),
             *_predicted(problem, "recorded settings", ())]
    if variant is not None:
        found += _predicted(problem, "with --set", variant.settings)
    if chosen is not None:
        found += _predicted(problem, "chosen", chosen.settings)
    return tuple(found)


def _predicted(problem: SearchProblem, name: str, settings: Settings) -> list[Curve]:
    prediction = predict(vary(problem.base, settings).scenario)
    return [Curve(f"Ready, {name}", True, prediction.ready), Curve(f"desired, {name}", True, prediction.desired)]

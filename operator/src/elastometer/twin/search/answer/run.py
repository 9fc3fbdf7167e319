"""The whole answer to one what-if."""
from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.model.bundle import Bundle
from elastometer.model.document import text_at
from elastometer.model.errors import SpecError
from elastometer.model.report import Report
from elastometer.twin.engine import predict
from elastometer.twin.fit.backtest import PredictionError, backtest
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.answer.answer import Answer, Curve, Option, Run, Searched
from elastometer.twin.search.answer.search import Each, SearchOptions, cliffs, least, option, search
from elastometer.twin.search.score.measured import measured_card
from elastometer.twin.search.score.searcher import SearchProblem, Searcher, Settings
from elastometer.twin.search.vary.candidates import reject_unknown_settings, vary
from elastometer.twin.search.vary.recorded import baseline

MAX_DRAWS, DRAWN_REQUESTS = 5, 5000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run that can be asked about: what was seen, what was judged, what the twin makes of it and how well."""

    derived: DerivedRun
    report: Report
    calibration: Calibration
    prediction_error: PredictionError
    question: SearchProblem


def recorded(bundle: Bundle) -> Recorded:
    """Raises SpecError naming what the bundle lacks. The question is asked of the draw of chance that is nearest to all
    others, so that no single stroke of luck stands for the run."""
    derived = derive_run(bundle)
    report, calibration = judge_run(derived), calibrate(derived)
    base = baseline(bundle, calibration.scenario)
    error = backtest(calibration.scenario, derived, bundle.terms, calibration.recorded)
    seed = calibration.scenario.seed + error.draws.index(error.typical)
    question = SearchProblem(replace(base, scenario=replace(base.scenario, seed=seed)), bundle.terms,
                        report.price.gpus_per_replica if report.price else None, draws_for(base.scenario))
    return Recorded(derived, report, calibration, error, question)


def draws_for(scenario: Scenario) -> int:
    """How many draws each candidate of a search is judged over: as many as some thousand requests allow. In a long run
    chance evens out by itself."""
    return max(1, min(MAX_DRAWS, DRAWN_REQUESTS // max(1, len(scenario.arrivals))))


def answer(run: Recorded, wishes: SearchOptions, each: Each) -> Answer:
    """Refuses the settings before anything is computed; then recorded, variant, search, cliff."""
    question, report = run.question, run.report
    if wishes.search and not question.terms.objectives:
        raise SpecError("spec.objectives: must hold at least one for a search to rank by (--objective gives one), are "
                        "none")
    reject_unknown_settings(question.base.kind, wishes.settings)
    vary(question.base, wishes.settings)
    searcher = Searcher(question)
    recorded = option(question, searcher, (), wishes)
    variant = option(question, searcher, wishes.settings, wishes) if wishes.settings else None
    searched = search(question, wishes, each) if wishes.search else None
    _check_pick(searched, wishes)
    chosen = searched.front[searched.chosen] if searched is not None else variant
    named: list[tuple[str, Settings]] = [("recorded settings", ())]
    if chosen is not None:
        named.append(("settings asked for" if searched is None else "chosen settings", chosen.settings))
    return Answer(
        run=_run(question, report), calibration=run.calibration, prediction_error=run.prediction_error,
        measured=measured_card(report, measured_miss_seconds(run.derived.evidence)), recorded=recorded,
        curves=_curves(question, report, variant, chosen if searched is not None else None),
        cliffs=tuple(cliffs(named, each)) if question.terms.objectives else (),
        least=least((), each) if question.terms.objectives else None, variant=variant, searched=searched,
    )


def _check_pick(searched: Searched | None, wishes: SearchOptions) -> None:
    if searched is not None and wishes.pick is not None and not 1 <= wishes.pick <= len(searched.front):
        raise SpecError(f"--pick: must be from 1 to {len(searched.front)}, the length of the front, is {wishes.pick}")


def _run(question: SearchProblem, report: Report) -> Run:
    manifest = question.base.manifest
    name = text_at(manifest, "metadata", "name") or ""
    return Run(
        test=report.test, namespace=report.namespace, model=report.model, load_start=report.load_start,
        autoscaler=f"{question.base.kind.value} {name}",
        cold_start_seconds=median(question.base.scenario.cold_starts), gpus_per_replica=question.gpus_per_replica,
    )


def _curves(question: SearchProblem, report: Report, variant: Option | None, chosen: Option | None) -> tuple[Curve, ...]:
    """Ready replicas, measured and predicted, and what was desired."""
    found = [Curve("Ready, measured", False, report.timeline.ready),
             Curve("desired, measured", False, report.timeline.desired),
             *_predicted(question, "recorded settings", ())]
    if variant is not None:
        found += _predicted(question, "with --set", variant.settings)
    if chosen is not None:
        found += _predicted(question, "chosen", chosen.settings)
    return tuple(found)


def _predicted(question: SearchProblem, name: str, settings: Settings) -> list[Curve]:
    prediction = predict(vary(question.base, settings).scenario)
    return [Curve(f"Ready, {name}", True, prediction.ready), Curve(f"desired, {name}", True, prediction.desired)]

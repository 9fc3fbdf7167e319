"""One recorded run, replayed under its own spec and under a changed one, on the same random draws."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.analysis.run import derive_run
from elastometer.model.bundle import Bundle
from elastometer.model.document import Document, spec_of, text_at
from elastometer.model.errors import SpecError
from elastometer.model.report import Report
from elastometer.study.gate.changed import RunTraits, under_spec
from elastometer.twin.advice.by_measure import drawn_by_name, measured_by_name
from elastometer.twin.advice.failures import unfit
from elastometer.twin.advice.forecast import Forecast, Forecaster
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.search.score.held_out import Purpose, held_out_draws
from elastometer.twin.search.score.searcher import SearchProblem
from elastometer.twin.search.vary.recorded import baseline


@dataclass(frozen=True, slots=True)
class Replayed:
    """One measure of a run: measured, and draw by draw under the recorded and under the changed spec."""

    measured: float
    recorded: tuple[float, ...]
    changed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """The measures that the run has and the twin predicts, by name. `notes` are what the twin had to assume."""

    measures: Mapping[str, Replayed]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FittedRun:
    """The twin of a recorded run, fitted once for all changes: what was measured, and the forecast under the recorded
    spec."""

    spec: Document
    report: Report
    forecaster: Forecaster
    recorded: Forecast
    measured: Mapping[str, float]
    notes: tuple[str, ...]
    traits: RunTraits


def fit(bundle: Bundle) -> FittedRun:
    """Raises SpecError with the reason why the twin cannot answer for this run."""
    run = derive_run(bundle)
    report = judge_run(run)
    if (reason := unfit(bundle, report)) is not None:
        raise SpecError(reason)
    calibration = calibrate(run)
    base = baseline(run, calibration.scenario)
    forecaster = Forecaster(SearchProblem(base, bundle.terms, report.price.gpus_per_replica if report.price else None))
    return FittedRun(
        spec_of(bundle.spec), report, forecaster, forecaster.held_out((), Purpose.REPORTING),
        measured_by_name(report, measured_miss_seconds(run.evidence)), calibration.notes,
        RunTraits(text_at(bundle.provenance, "kubernetes", "gitVersion"), _mean_output_tokens(bundle)))


def replay(run: FittedRun, changed: Document) -> Replay:
    """The run under the changed spec, on the same draws. Raises SpecError for a change of which the twin has no
    model."""
    scenario = under_spec(run.forecaster.problem.base, run.spec, changed, run.traits)
    forecast = run.forecaster.under(held_out_draws(scenario, Purpose.REPORTING))
    drawn = [drawn_by_name(one, run.report.price) for one in (run.recorded, forecast)]
    return Replay({name: Replayed(value, *(one[name] for one in drawn)) for name, value in run.measured.items()
                   if all(name in one for one in drawn)}, run.notes)


def _mean_output_tokens(bundle: Bundle) -> float:
    """Of the answers that reported their tokens; a twin cannot be fitted where none did."""
    known = [one.completion_tokens for one in bundle.requests if one.completion_tokens]
    return fmean(known) if known else 1.0

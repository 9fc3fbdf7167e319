"""One recorded run, replayed under its own spec and under a changed one, on the same random draws."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.analysis.run import derive_run
from elastometer.analysis.story.story import PREDICTED
from elastometer.model.bundle import Bundle
from elastometer.model.document import Document, spec_of, text_at
from elastometer.model.errors import SpecError
from elastometer.model.measures import GPU_SECONDS, MISS_SECONDS, REPLICA_SECONDS
from elastometer.model.reasons import LoadFlaw
from elastometer.model.report import Report
from elastometer.model.tuning import FIRST_TOKEN_P95
from elastometer.study.gate.changed import under_spec
from elastometer.twin.advice.failures import unpredicted_failures
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


def replay(bundle: Bundle, changed: Document) -> Replay:
    """Raises SpecError with the reason why the twin cannot answer for this run, or has no model of the change."""
    run = derive_run(bundle)
    report = judge_run(run)
    if (reason := _unfit(bundle, report)) is not None:
        raise SpecError(reason)
    calibration = calibrate(run)
    base = baseline(run, calibration.scenario)
    gpus = report.price.gpus_per_replica if report.price else None
    version = text_at(bundle.provenance, "kubernetes", "gitVersion")
    scenario = under_spec(base, spec_of(bundle.spec), changed, version)
    forecaster = Forecaster(SearchProblem(base, bundle.terms, gpus))
    before, after = (forecaster.under(held_out_draws(one, Purpose.REPORTING)) for one in (base.scenario, scenario))
    measured = _measured(report, measured_miss_seconds(run.evidence))
    drawn = [_figures(one, GPU_SECONDS if GPU_SECONDS in measured else REPLICA_SECONDS) for one in (before, after)]
    return Replay({name: Replayed(value, *(one[name] for one in drawn)) for name, value in measured.items()
                   if all(name in one for one in drawn)}, calibration.notes)


def _unfit(bundle: Bundle, report: Report) -> str | None:
    """Why no replay is made, although a twin might be fitted."""
    if bundle.predicted is not None:
        return PREDICTED
    if not len(bundle.requests):
        return "there are no requests"
    if report.verdict_reason in list(LoadFlaw):
        return f"the load was not delivered as specified: {report.verdict_message}"
    return unpredicted_failures(report)


def _measured(report: Report, miss_seconds: int | None) -> Mapping[str, float]:
    price, wait = report.price, report.summary.time_to_first_token_p95_milliseconds
    found = {MISS_SECONDS: miss_seconds, FIRST_TOKEN_P95: wait,
             GPU_SECONDS: None if price is None else price.paid_gpu_seconds,
             REPLICA_SECONDS: None if price is None else price.paid_replica_seconds}
    return {name: float(value) for name, value in found.items() if value is not None}


def _figures(forecast: Forecast, cost: str) -> Mapping[str, tuple[float, ...]]:
    """The draws of each measure that every draw has. `cost` is the measure that the forecast's cost is in."""
    draws: Mapping[str, list[float | None]] = {
        MISS_SECONDS: [one.miss_seconds for one in forecast.draws], cost: [one.cost for one in forecast.draws],
        FIRST_TOKEN_P95: [one.first_token for one in forecast.draws]}
    known = {name: tuple(float(value) for value in values if value is not None) for name, values in draws.items()}
    return {name: values for name, values in known.items() if len(values) == len(forecast.draws)}

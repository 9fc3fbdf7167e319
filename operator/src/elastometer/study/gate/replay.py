"""One recorded run, replayed under its own spec and under a changed one, on the same random draws."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.analysis.run import derive_run
from elastometer.analysis.story.story import PREDICTED
from elastometer.model.bundle import Bundle
from elastometer.model.document import Document, spec_of, text_at
from elastometer.model.errors import SpecError
from elastometer.model.reasons import LoadFlaw
from elastometer.model.report import Report
from elastometer.model.tuning import GPU_SECONDS, MISS_SECONDS, REPLICA_SECONDS
from elastometer.study.gate.changed import under_spec
from elastometer.twin.advice.failures import unpredicted_failures
from elastometer.twin.advice.forecast import Figures, Forecast, Forecaster
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.search.score.held_out import Purpose, held_out_draws
from elastometer.twin.search.score.searcher import SearchProblem
from elastometer.twin.search.vary.recorded import baseline


@dataclass(frozen=True, slots=True)
class Replayed:
    """The figures by measure: measured, and draw by draw under the recorded and under the changed spec. A measure that
    the run does not have is absent. `notes` are what the twin had to assume."""

    measured: Mapping[str, float]
    recorded: Mapping[str, tuple[float, ...]]
    changed: Mapping[str, tuple[float, ...]]
    notes: tuple[str, ...]


def replay(bundle: Bundle, changed: Document) -> Replayed:
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
    return Replayed(measured, _figures(before, measured), _figures(after, measured), calibration.notes)


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
    price = report.price
    found = {MISS_SECONDS: None if miss_seconds is None else float(miss_seconds),
             GPU_SECONDS: None if price is None else price.paid_gpu_seconds,
             REPLICA_SECONDS: None if price is None else price.paid_replica_seconds}
    return {name: value for name, value in found.items() if value is not None}


def _figures(forecast: Forecast, measured: Mapping[str, float]) -> Mapping[str, tuple[float, ...]]:
    """The draws of each measure that was measured. A forecast counts GPU-seconds if the GPUs of a replica are known."""
    cost = GPU_SECONDS if GPU_SECONDS in measured else REPLICA_SECONDS
    of: Mapping[str, Callable[[Figures], float]] = {
        MISS_SECONDS: lambda one: float(one.miss_seconds), cost: lambda one: one.cost}
    return {name: tuple(map(figure, forecast.draws)) for name, figure in of.items() if name in measured}

"""One recorded run, replayed under its own spec and under a changed one, on the same random draws."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.analysis.run import derive_run
from elastometer.model.bundle import Bundle
from elastometer.model.document import Document, spec_of, text_at
from elastometer.model.errors import SpecError
from elastometer.study.gate.changed import under_spec
from elastometer.twin.advice.by_measure import drawn_by_name, measured_by_name
from elastometer.twin.advice.failures import unfit
from elastometer.twin.advice.forecast import Forecaster
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
    if (reason := unfit(bundle, report)) is not None:
        raise SpecError(reason)
    calibration = calibrate(run)
    base = baseline(run, calibration.scenario)
    gpus = report.price.gpus_per_replica if report.price else None
    version = text_at(bundle.provenance, "kubernetes", "gitVersion")
    scenario = under_spec(base, spec_of(bundle.spec), changed, version)
    forecaster = Forecaster(SearchProblem(base, bundle.terms, gpus))
    before, after = (forecaster.under(held_out_draws(one, Purpose.REPORTING)) for one in (base.scenario, scenario))
    measured = measured_by_name(report, measured_miss_seconds(run.evidence))
    drawn = [drawn_by_name(one, report.price) for one in (before, after)]
    return Replay({name: Replayed(value, *(one[name] for one in drawn)) for name, value in measured.items()
                   if all(name in one for one in drawn)}, calibration.notes)

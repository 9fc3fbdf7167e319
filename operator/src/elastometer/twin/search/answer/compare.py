"""Two recorded runs, each predicted from the other: does the twin predict what it has not seen?

The prediction of B from A takes everything from A, except the settings of the autoscaler and of its controller, which
are B's. Randomness is drawn; since two runs under the same settings differ too, every error is given together with that
difference. It is also given for B's own random draw: what remains there is the error of the model itself.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from elastometer.analysis.run import DerivedRun
from elastometer.model.errors import SpecError
from elastometer.twin.fit.backtest import Figures, PredictionError, area_between, backtest
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.answer.run import Recorded
from elastometer.twin.search.vary.candidates import Baseline, under_manifest
from elastometer.twin.search.vary.knobs import hpa_of, with_hpa


@dataclass(frozen=True, slots=True)
class Pairing:
    """The run `of`, predicted from what the run `by` recorded."""

    by: str
    of: str
    found: PredictionError


@dataclass(frozen=True, slots=True)
class PredictedRanking:
    """Which run is better as predicted from `by`: with the runs' own random draws (`own`), and in the typical draw of
    each. In `agreeing` of `draws` pairs of draws, the run that was measured as better is better."""

    by: str
    own: str | None
    typical: str | None
    agreeing: int
    draws: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Which run is better in one respect, measured and predicted; None if there is no difference."""

    respect: str
    measured: str | None
    predicted: tuple[PredictedRanking, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`apart_percent` is the area between the two measured replica curves as a share of the second's: how wrong it
    would be to predict that nothing changes."""

    names: tuple[str, str]
    pairings: tuple[Pairing, ...]
    apart_percent: float
    rankings: tuple[Ranking, ...]


def compare_runs(first: tuple[str, Recorded], second: tuple[str, Recorded]) -> Comparison:
    """Predicts each run from itself and from the other. Raises SpecError if the two cannot be compared."""
    pairings = tuple(_pairing(by, of) for by in (first, second) for of in (first, second))
    names = (first[0], second[0])
    by_names = {(pairing.by, pairing.of): pairing.found for pairing in pairings}
    rankings = tuple(_ranking(respect, figure, names, by_names) for respect, figure in (
        ("objective-miss seconds", "miss_seconds"), ("Ready replica-seconds", "replica_seconds")))
    return Comparison(names, pairings, _apart(first[1].derived, second[1].derived), rankings)


def _pairing(by: tuple[str, Recorded], of: tuple[str, Recorded]) -> Pairing:
    base, other = by[1].problem.base, of[1].problem.base
    if by[0] == of[0]:
        return Pairing(by[0], of[0], by[1].prediction_error)
    _require_comparable_runs(by, of)
    calibrated = by[1].calibration.scenario
    scenario = _with_flags_of(of[1].calibration.scenario, under_manifest(
        Baseline(calibrated, base.manifest, base.hpa, other.labels, base.containers), other.manifest["spec"]))
    same_draw = with_randomness_of(scenario, of[1].calibration.recorded)
    measured = of[1].derived
    return Pairing(by[0], of[0], backtest(scenario, measured, measured.evidence.terms, recorded=same_draw))


def _with_flags_of(run: Scenario, scenario: Scenario) -> Scenario:
    """The scenario with the flags of the run's controller, which are settings too, such as its sync period."""
    mine, other = hpa_of(scenario), hpa_of(run)
    if mine is None or other is None:
        return scenario
    return with_hpa(scenario, replace(mine, spec=replace(mine.spec, controller=other.spec.controller)))


def with_randomness_of(scenario: Scenario, run: Scenario) -> Scenario:
    """The scenario with the random draw of another run: which replica each request went to, when replicas were scraped
    and when the autoscaler synced. The error that remains is the model's own."""
    mine, other = hpa_of(scenario), hpa_of(run)
    if mine is None or other is None:
        return scenario
    hpa = replace(mine, phase_seconds=other.phase_seconds, sync_instants=other.sync_instants)
    return replace(with_hpa(scenario, hpa), recorded=run.recorded, start_seconds=run.start_seconds)


def _require_comparable_runs(by: tuple[str, Recorded], of: tuple[str, Recorded]) -> None:
    if by[1].problem.base.kind is not of[1].problem.base.kind:
        raise SpecError(f"autoscaler: must be of one kind in both runs, is {by[1].problem.base.kind.value} in {by[0]} "
                        f"and {of[1].problem.base.kind.value} in {of[0]}")
    loads = [[(stage.name, stage.start_seconds, stage.end_seconds, stage.start_rate, stage.end_rate)
              for stage in run[1].derived.evidence.terms.stages] for run in (by, of)]
    if loads[0] != loads[1]:
        raise SpecError(f"load.stages: must be the same in both runs, differ between {by[0]} and {of[0]}")


def _apart(first: DerivedRun, second: DerivedRun) -> float:
    both = (first.evidence, second.evidence)
    end = min(evidence.seconds(evidence.last_seen) for evidence in both if evidence.last_seen is not None)
    truth = second.replicas.ready
    area = truth.integral(0.0, end)
    return 100 * area_between(first.replicas.ready, truth, end) / area if area > 0 else 0.0


def _ranking(
    respect: str, figure: str, names: tuple[str, str], found: dict[tuple[str, str], PredictionError],
) -> Ranking:
    measured = _better(names, [found[(name, name)].measured for name in names], figure)
    return Ranking(respect, measured, tuple(_predicted_ranking(by, figure, names, found, measured) for by in names))


def _predicted_ranking(
    by: str, figure: str, names: tuple[str, str], found: dict[tuple[str, str], PredictionError], measured: str | None,
) -> PredictedRanking:
    both = [found[(by, of)] for of in names]
    own = [error.recorded.predicted for error in both if error.recorded is not None]
    draws = [[draw.predicted for draw in pair] for pair in zip(*(error.draws for error in both), strict=True)]
    return PredictedRanking(
        by, _better(names, own, figure) if len(own) == 2 else None,
        _better(names, [error.typical.predicted for error in both], figure),
        sum(_better(names, pair, figure) == measured for pair in draws), len(draws))


def _number(figures: Figures, figure: str) -> float | None:
    value: float | None = getattr(figures, figure)
    return value


def _better(names: tuple[str, str], both: Sequence[Figures], figure: str) -> str | None:
    """The name of the run with less of the figure; None if either is unknown, or if both are equal when rounded."""
    left, right = (_number(figures, figure) for figures in both)
    if left is None or right is None or round(left, 1) == round(right, 1):
        return None
    return names[0] if left < right else names[1]

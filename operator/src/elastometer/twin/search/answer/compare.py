"""Two recorded runs, each predicted from the other: whether the twin knows what it did not see.

The prediction of B from A takes everything from A, the settings of the autoscaler and of its controller from B, and
nothing else of B. Chance is drawn: two runs under the very same settings differ as well, and by how much stands beside
every error. Beside it stands the prediction with B's own chance: what is still wrong there, the model has wrong.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from elastometer.analysis.run import DerivedRun
from elastometer.model.document import JSON_KEY
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
    """Which run is better as predicted from `by`: with both runs' own chance, in the typical draw of each, and in how
    many of `draws` pairs of draws the one that was measured as better is so."""

    by: str
    own: str | None
    typical: str | None
    agreeing: int
    draws: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Which run is better in one respect, measured and as predicted; None where there is no difference."""

    respect: str
    measured: str | None
    predicted: tuple[PredictedRanking, ...] = field(metadata={JSON_KEY: "foretold"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """`apart_percent` is the area between the two measured replica curves as a share of the second's: how wrong it
    would be to predict that nothing changes."""

    names: tuple[str, str]
    pairings: tuple[Pairing, ...]
    apart_percent: float
    rankings: tuple[Ranking, ...]


def compare_runs(first: tuple[str, Recorded], second: tuple[str, Recorded]) -> Comparison:
    """Each from itself and from the other. Raises SpecError where the two do not belong together."""
    pairings = tuple(_pairing(by, of) for by in (first, second) for of in (first, second))
    names = (first[0], second[0])
    by_names = {(pairing.by, pairing.of): pairing.found for pairing in pairings}
    rankings = tuple(_ranking(respect, field, names, by_names) for respect, field in (
        ("objective-miss seconds", "miss_seconds"), ("Ready replica-seconds", "replica_seconds")))
    return Comparison(names, pairings, _apart(first[1].derived, second[1].derived), rankings)


def _pairing(by: tuple[str, Recorded], of: tuple[str, Recorded]) -> Pairing:
    base, other = by[1].question.base, of[1].question.base
    if by[0] == of[0]:
        return Pairing(by[0], of[0], by[1].prediction_error)
    _require_comparable_runs(by, of)
    calibrated = by[1].calibration.scenario
    scenario = _with_flags_of(of[1].calibration.scenario, under_manifest(
        Baseline(calibrated, base.manifest, base.hpa), other.manifest["spec"]))
    lucky = with_randomness_of(scenario, of[1].calibration.recorded)
    return Pairing(by[0], of[0], backtest(scenario, of[1].derived, of[1].derived.evidence.terms, lucky))


def _with_flags_of(run: Scenario, scenario: Scenario) -> Scenario:
    """The controller's flags are settings as well, its sync period among them."""
    mine, other = hpa_of(scenario), hpa_of(run)
    if mine is None or other is None:
        return scenario
    return with_hpa(scenario, replace(mine, spec=replace(mine.spec, controller=other.spec.controller)))


def with_randomness_of(scenario: Scenario, run: Scenario) -> Scenario:
    """The scenario with what chance made of another run: which replica each request went to, when each was scraped and
    when the autoscaler looked. What is left of the error is the model's own."""
    mine, other = hpa_of(scenario), hpa_of(run)
    if mine is None or other is None:
        return scenario
    hpa = replace(mine, phase_seconds=other.phase_seconds, looks=other.looks)
    return replace(with_hpa(scenario, hpa), recorded=run.recorded, start_seconds=run.start_seconds)


def _require_comparable_runs(by: tuple[str, Recorded], of: tuple[str, Recorded]) -> None:
    if by[1].question.base.kind is not of[1].question.base.kind:
        raise SpecError(f"autoscaler: must be of one kind in both runs, is {by[1].question.base.kind.value} in {by[0]} "
                        f"and {of[1].question.base.kind.value} in {of[0]}")
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


def _ranking(respect: str, field: str, names: tuple[str, str], found: dict[tuple[str, str], PredictionError]) -> Ranking:
    measured = _better(names, [found[(name, name)].measured for name in names], field)
    return Ranking(respect, measured, tuple(_foretold(by, field, names, found, measured) for by in names))


def _foretold(
    by: str, field: str, names: tuple[str, str], found: dict[tuple[str, str], PredictionError], measured: str | None,
) -> PredictedRanking:
    both = [found[(by, of)] for of in names]
    own = [error.recorded.predicted for error in both if error.recorded is not None]
    draws = [[draw.predicted for draw in pair] for pair in zip(*(error.draws for error in both), strict=True)]
    return PredictedRanking(
        by, _better(names, own, field) if len(own) == 2 else None,
        _better(names, [error.typical.predicted for error in both], field),
        sum(_better(names, pair, field) == measured for pair in draws), len(draws))


def _number(figures: Figures, field: str) -> float | None:
    value: float | None = getattr(figures, field)
    return value


def _better(names: tuple[str, str], both: Sequence[Figures], field: str) -> str | None:
    """Less is better."""
    left, right = (_number(figures, field) for figures in both)
    if left is None or right is None or round(left, 1) == round(right, 1):
        return None
    return names[0] if left < right else names[1]

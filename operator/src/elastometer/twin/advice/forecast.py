"""What the twin predicts for one set of settings, over several draws: the figures by which advice is weighed."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import sub
from statistics import fmean, median

from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.analysis.run import DerivedRun
from elastometer.model.report import Report, Verdict
from elastometer.model.story import Effect
from elastometer.model.terms import Objective
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.score.held_out import Purpose, held_out_draws
from elastometer.twin.search.score.searcher import SearchProblem, Settings, ranking_draws
from elastometer.twin.search.vary.candidates import vary
from elastometer_loadgen.base.measures import nearest_rank

# What a request of a user costs in a prediction, against one of a schedule.
CLOSED_COST = 4
# A prediction takes some 3 to 5 us a request: this is about 5 s.
MAX_WORK = 1_200_000
# All objectives hold in so many of nine draws: in more than half, so that a coin would rarely do as well.
MOST = 6


@dataclass(frozen=True, slots=True)
class Figures:
    """One draw, or the measured run. `first_token` is the p95 in milliseconds, None if no request got a first token."""

    holds: bool
    miss_seconds: int
    first_token: float | None
    cost: float


def measured_figures(run: DerivedRun, report: Report, objectives: Sequence[Objective]) -> Figures:
    """The run itself. It is fine if it passes and no bad stretch is uncovered, whatever its objectives allow."""
    missed = measured_miss_seconds(run.evidence, objectives)
    price, wait = report.price, report.summary.time_to_first_token_p95_milliseconds
    cost = 0.0 if price is None else price.paid_gpu_seconds or price.paid_replica_seconds
    is_fine = report.verdict is Verdict.PASS and report.story.blind is None
    return Figures(is_fine, missed or 0, None if wait is None else float(wait), cost)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The figures of one set of settings, one for each draw."""

    settings: Settings
    draws: tuple[Figures, ...]

    @property
    def held(self) -> int:
        """In how many draws all objectives hold."""
        return sum(one.holds for one in self.draws)

    @property
    def miss_seconds(self) -> float:
        """The mean over the draws."""
        return fmean(one.miss_seconds for one in self.draws)

    @property
    def cost(self) -> float:
        """The mean over the draws."""
        return fmean(one.cost for one in self.draws)


def work_of(scenario: Scenario) -> int:
    """What one prediction of it costs, in requests of a schedule."""
    return scenario.request_count * (1 if scenario.closed is None else CLOSED_COST)


class Forecaster:
    """Predicts settings of one problem. Every call with the same purpose uses the same draws."""

    def __init__(self, problem: SearchProblem) -> None:
        self.problem = problem
        self._judge = problem.judge(problem.base.scenario)

    def screened(self, settings: Settings, draws: int) -> Forecast:
        """On the first of the draws by which a search ranks."""
        return self._over(settings, ranking_draws(vary(self.problem.base, settings).scenario)[:draws])

    def held_out(self, settings: Settings, purpose: Purpose) -> Forecast:
        """On draws that no ranking used."""
        return self._over(settings, held_out_draws(vary(self.problem.base, settings).scenario, purpose))

    def under(self, scenarios: Sequence[Scenario]) -> Forecast:
        """Of scenarios that no settings describe."""
        return self._over((), scenarios)

    def _over(self, settings: Settings, scenarios: Sequence[Scenario]) -> Forecast:
        return Forecast(settings, tuple(map(self._figures, scenarios)))

    def _figures(self, scenario: Scenario) -> Figures:
        prediction = predict(scenario)
        card = self._judge.score(prediction)
        sent = (arrival.at for arrival in prediction.arrivals)
        waits = sorted(wait for wait in map(sub, prediction.first_token, sent) if wait == wait)
        p95 = nearest_rank(waits, 95)
        return Figures(card.holds, card.miss_seconds or 0, None if p95 is None else 1000 * p95, card.cost)


def effect(
    measured: Figures, recorded: Forecast, changed: Forecast, figure: Callable[[Figures], float | None],
) -> Effect | None:
    """The change of one figure. Its ± is the largest difference between a draw under the recorded settings and what was
    measured, which holds the error of the model and that of chance; where chance moves the changed run further than
    that, it is as far as a draw lies from the median. None if the figure is missing anywhere."""
    truth = figure(measured)
    before, after = ([figure(one) for one in forecast.draws] for forecast in (recorded, changed))
    known, predicted = [one for one in before if one is not None], [one for one in after if one is not None]
    if truth is None or len(known) < len(before) or len(predicted) < len(after):
        return None
    middle, low, high = median(predicted), min(predicted), max(predicted)
    return Effect(measured=round(truth, 1), predicted=round(middle, 1), low=round(low, 1), high=round(high, 1),
                  plus_minus=round(own_error(truth, known, predicted), 1))


def own_error(measured: float, recorded: Sequence[float], changed: Sequence[float]) -> float:
    """The twin's own error in one figure: how far a draw under the recorded settings is from what was measured, or a
    draw under the changed ones from their median, whichever is larger."""
    middle = median(changed)
    return max(*(abs(one - measured) for one in recorded), max(changed) - middle, middle - min(changed))

"""What would help this run most, by what-if on the run itself; where that is not possible, why not.

The search is small and bounded, so that every judgement can make it: its predictions times the requests of the run stay
below `MAX_WORK`. `elastometer what-if --search` looks further and has no such bound.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from elastometer.analysis.run import DerivedRun
from elastometer.analysis.story.from_findings import advice_from
from elastometer.model.document import text_at
from elastometer.model.reasons import LoadFlaw
from elastometer.model.report import Report
from elastometer.model.story import Advice, AdviceSource, MoreReplicas
from elastometer.model.terms import ON_REQUESTS
from elastometer.twin.advice.changes import changes, merge_patch
from elastometer.twin.advice.choose import best, cheapest, choose, scale_of
from elastometer.twin.advice.failures import unpredicted_failures
from elastometer.twin.advice.fitted import FittedTwin
from elastometer.twin.advice.forecast import (
    MAX_WORK,
    MOST,
    Figures,
    Forecast,
    Forecaster,
    effect,
    measured_figures,
    work_of,
)
from elastometer.twin.advice.near import near, pairs
from elastometer.twin.search.score.held_out import HELD_OUT_DRAWS, Purpose, held_out_draws
from elastometer.twin.search.score.searcher import SearchProblem, Settings
from elastometer.twin.search.vary.candidates import Baseline
from elastometer.twin.search.vary.fields import MAXIMUM, Setting
from elastometer.twin.search.vary.grid import knows_tolerances
from elastometer.twin.search.vary.knobs import hpa_of, with_cold_start

MAX_SCREENING_DRAWS = 3
FINALISTS, OF_A_FIELD, FIELDS_PAIRED, MOST_MAXIMUMS = 3, 2, 4, 4


def advise(run: DerivedRun, report: Report, twin: FittedTwin) -> Advice:
    """The advice for a judged run."""
    if twin.base is None:
        return advice_from(report, twin.reason or "the twin cannot be fitted to this run")
    if (reason := _excluded(run, report)) is not None:
        return advice_from(report, reason)
    problem = _problem(run, report, twin.base)
    measured = measured_figures(run, report, problem.terms.objectives)
    if not measured.holds and not measured.miss_seconds:
        return advice_from(report, "no request missed an objective")
    forecaster = Forecaster(problem)
    return _Adviser(run, report, forecaster, forecaster.held_out((), Purpose.REPORTING), measured).advice()


def _excluded(run: DerivedRun, report: Report) -> str | None:
    """Why no what-if is made, although the twin fits."""
    objectives = run.evidence.terms.objectives
    if report.verdict_reason in list(LoadFlaw):
        return "the load was not delivered as specified"
    if report.story.blind is None and not any(one.indicator in ON_REQUESTS for one in objectives):
        return "no objective is on requests"
    return unpredicted_failures(report)


def _problem(run: DerivedRun, report: Report, base: Baseline) -> SearchProblem:
    """The run, judged also by the objective that would cover what none does."""
    terms, blind = run.evidence.terms, report.story.blind
    if blind is not None:
        terms = replace(terms, objectives=(*terms.objectives, blind.proposed))
    return SearchProblem(base, terms, report.price.gpus_per_replica if report.price else None)


@dataclass(slots=True)
class _Adviser:
    """`recorded` are the recorded settings as predicted on the draws that are reported, `measured` the run itself."""

    run: DerivedRun
    report: Report
    forecaster: Forecaster
    recorded: Forecast
    measured: Figures
    tried: int = 0

    @property
    def problem(self) -> SearchProblem:
        """What is predicted."""
        return self.forecaster.problem

    def advice(self) -> Advice:
        """What to change, or that nothing that may be changed helps."""
        if self.measured.holds:
            return self._cheaper()
        error = max(abs(one.miss_seconds - self.measured.miss_seconds) for one in self.recorded.draws)
        chosen = choose(self._finalists(error), scale_of(self.problem, self._chosen_by(()), error))
        advised = None if chosen is None else self._advised(chosen)
        if advised is None or not _helps(advised, self.recorded.miss_seconds):
            return self._nothing_helps(advised)
        return advised

    def _finalists(self, error_seconds: float) -> list[Forecast]:
        """The best single changes and the best pairs, on draws that did not select them."""
        options, draws = self._options(), self._screening_draws()
        scale = scale_of(self.problem, self.forecaster.screened((), draws), error_seconds)
        fields = [best([self.forecaster.screened(option, draws) for option in field], scale, OF_A_FIELD)
                  for field in options]
        fields.sort(key=lambda found: -scale.worth(found[0]))
        finalists = FINALISTS if draws > 1 else FINALISTS - 1
        singles = best([one for field in fields for one in field], scale, finalists)
        both = pairs([[one.settings for one in field] for field in fields[:FIELDS_PAIRED]])
        doubles = best([self.forecaster.screened(option, draws) for option in both], scale, finalists)
        self.tried = sum(map(len, options)) + len(both)
        return [self._chosen_by(one.settings) for one in (*singles, *doubles)]

    def _options(self) -> Sequence[Sequence[Settings]]:
        version = text_at(self.run.bundle.provenance, "kubernetes", "gitVersion")
        return [one.options for one in near(self.problem.base, tolerances=knows_tolerances(version))]

    def _screening_draws(self) -> int:
        left = MAX_WORK // work_of(self.problem.base.scenario) - 10 * HELD_OUT_DRAWS
        count = sum(map(len, self._options())) + len(range(FIELDS_PAIRED)) * OF_A_FIELD ** 2
        return max(1, min(MAX_SCREENING_DRAWS, left // count))

    def _chosen_by(self, settings: Settings) -> Forecast:
        return self.forecaster.held_out(settings, Purpose.CHOOSING)

    def _advised(self, chosen: Forecast) -> Advice:
        """The advice, with figures from draws that chose nothing."""
        found = self.forecaster.held_out(chosen.settings, Purpose.REPORTING)
        blind, base = self.report.story.blind, self.problem.base
        return Advice(
            AdviceSource.WHAT_IF, changes=changes(base, chosen.settings),
            miss_seconds=effect(self.measured, self.recorded, found, lambda one: one.miss_seconds),
            first_token_p95_milliseconds=effect(self.measured, self.recorded, found, lambda one: one.first_token),
            cost=effect(self.measured, self.recorded, found, lambda one: one.cost),
            has_gpus=bool(self.problem.gpus_per_replica), held=found.held, draws=len(found.draws), tried=self.tried,
            proposed=None if blind is None else blind.proposed, patch=merge_patch(base, chosen.settings),
            more_replicas=None if found.held >= MOST else self._more_replicas(chosen.settings),
        )

    def _nothing_helps(self, advised: Advice | None) -> Advice:
        """With how many seconds would be left if replicas started at once, which shows what the cold start costs."""
        error = "" if advised is None or advised.miss_seconds is None else \
            f" (± {advised.miss_seconds.plus_minus:.0f} objective-miss seconds)"
        scenario = with_cold_start(self.problem.base.scenario, 0.0)
        at_once = self.forecaster.under(held_out_draws(scenario, Purpose.REPORTING))
        holds_within = advised is not None and advised.held >= MOST
        return Advice(
            AdviceSource.NONE, tried=self.tried, draws=len(at_once.draws), held=self.recorded.held,
            reason=f"no setting within the same maximum is predicted to help by more than the twin's own error{error}",
            miss_seconds=None if advised is None else advised.miss_seconds,
            more_replicas=None if holds_within else self._more_replicas(()),
            instant_start_miss_seconds=round(at_once.miss_seconds),
            recorded_miss_seconds=round(self.recorded.miss_seconds),
            proposed=None if (blind := self.report.story.blind) is None else blind.proposed)

    def _more_replicas(self, settings: Settings) -> MoreReplicas | None:
        """Up to twice the maximum; the twin does not know whether there are GPUs for it."""
        hpa, path = hpa_of(self.problem.base.scenario), MAXIMUM[self.problem.base.kind]
        maximum = 0 if hpa is None else hpa.spec.maximum
        for more in range(maximum + 1, 2 * maximum + 1)[:MOST_MAXIMUMS]:
            found = self._chosen_by((*settings, Setting(path, more)))
            if found.held >= MOST:
                return MoreReplicas(more, found.held)
        return None

    def _cheaper(self) -> Advice:
        """All objectives are met, and no bad stretch is uncovered: what would be the same for less."""
        options, draws = self._options(), self._screening_draws()
        recorded = self.forecaster.screened((), draws)
        screened = [self.forecaster.screened(option, draws) for field in options for option in field]
        self.tried = len(screened)
        good = [one for one in screened if one.held == draws and one.miss_seconds <= recorded.miss_seconds]
        finalists = sorted(good, key=lambda one: (one.cost, tuple(map(str, one.settings))))[:2 * FINALISTS]
        chosen = cheapest([self._chosen_by(one.settings) for one in finalists], self._chosen_by(()))
        advised = None if chosen is None else self._advised(chosen)
        if advised is None or advised.cost is None or advised.held < advised.draws or \
                advised.cost.measured - advised.cost.predicted <= advised.cost.plus_minus:
            reason = "all objectives are met, and no setting is predicted to meet them for less by more than the " \
                     "twin's own error"
            return Advice(AdviceSource.NONE, reason=reason, tried=self.tried, draws=HELD_OUT_DRAWS)
        return advised


def _helps(advised: Advice, recorded: float) -> bool:
    """Whether the objective-miss seconds that it saves are more than the twin may be wrong by. Those that were measured
    and that the twin does not see under the `recorded` settings are no saving: nothing says that they would go."""
    found = advised.miss_seconds
    return found is not None and min(found.measured, recorded) - found.predicted > found.plus_minus

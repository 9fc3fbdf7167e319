"""Candidates, scores and ranks: the same on every machine, and judged by the report's own rules."""
from __future__ import annotations

from collections import Counter
from dataclasses import replace

from elastometer.analysis.verdict.objectives import judge_objective
from elastometer.model.capacity import Fitted
from elastometer.model.report import Verdict
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import Indicator, Objective
from elastometer.model.units import SECOND
from elastometer.render.what_if.rows import calibration_rows, rule
from elastometer.twin.engine import predict
from elastometer.twin.fit.calibration import Calibration
from elastometer.twin.search.answer.search import SearchOptions, choose, free, search
from elastometer.twin.search.score.held_out import HELD_OUT_DRAWS, Purpose, held_out_draws, interval_of, median_card
from elastometer.twin.search.score.scorecard import Judge, ObjectiveScore, Scorecard
from elastometer.twin.search.score.searcher import (
    Evaluated,
    Searcher,
    SearchProblem,
    Settings,
    Trial,
    pareto_front,
    ranked,
    ranking_draws,
    trial_of,
)
from elastometer.twin.search.vary.candidates import vary
from elastometer.twin.search.vary.fields import MAXIMUM, MINIMUM, Setting
from elastometer.twin.search.vary.grid import candidates, dimensions
from elastometer_loadgen.base.record import Outcome
from support.what_if_worlds import hpa_baseline, keda_baseline, problem, terms

MADE = Scorecard((), 0, 1.0, 1.0, 0, 0, 1, None, 1, 0)


def evaluated(trial: Trial, held: int) -> Evaluated:
    """A candidate that held in this many of nine draws."""
    interval = replace(interval_of([MADE] * 9), held=held)
    return Evaluated(trial, interval, (MADE,) * 9)


def test_the_recorded_settings_come_first_and_every_value_alone_after_them():
    found = dimensions(hpa_baseline(), tolerances=True)
    made = candidates(found, 500, 7)
    assert made[0] == ()
    options = [option for dimension in found for option in dimension.options]
    assert made[1:1 + len(options)] == options
    assert len(made) == 500
    assert len({"; ".join(map(str, candidate)) for candidate in made}) == 500


def test_the_same_seed_gives_the_same_candidates_and_another_gives_others():
    found = dimensions(hpa_baseline(), tolerances=True)
    assert candidates(found, 300, 7) == candidates(found, 300, 7)
    assert candidates(found, 300, 7) != candidates(found, 300, 8)


def test_each_field_keeps_its_recorded_value_in_half_of_the_combinations():
    found = dimensions(hpa_baseline(), tolerances=True)
    made = candidates(found, 2000, 7)[100:]
    seen = Counter(setting.path for candidate in made for setting in candidate)
    for dimension in found:
        path = dimension.options[0][0].path if dimension.name != "metric" else "target"
        assert 0.45 < seen[path] / len(made) < 0.55


def test_tolerances_are_left_alone_where_the_server_does_not_know_them():
    names = [dimension.name for dimension in dimensions(hpa_baseline(), tolerances=False)]
    assert not any(name.endswith("tolerance") for name in names)


def test_every_candidate_of_either_kind_is_a_valid_autoscaler_or_has_no_score():
    for base in (hpa_baseline(), keda_baseline()):
        short = replace(base, scenario=replace(base.scenario, arrivals=base.scenario.arrivals[:5]))
        searcher = Searcher(problem(short))
        tried = candidates(dimensions(base, tolerances=True), 150, 7)
        refused = [candidate for candidate in tried if searcher.score(candidate) is None]
        assert refused
        for candidate in refused:
            given = {setting.path: setting.value for setting in candidate}
            assert given.get(MINIMUM[base.kind], 1) > given.get(MAXIMUM[base.kind], 4)


def records(base, prediction) -> list[RecordedRequest]:
    """The prediction as the load generator would have recorded it."""
    def instant(seconds: float) -> int | None:
        return None if seconds != seconds else round(seconds * SECOND)

    return [
        RecordedRequest(
            id=number, worker=0, stage="all", task="t", intended=round(arrival.at * SECOND), send=None, connect=None,
            first_byte=None, first_token=instant(first), last_token=instant(end), end=instant(end), chunks=1,
            prompt_tokens=arrival.prompt_tokens, completion_tokens=arrival.output_tokens, finish_reason="stop",
            status=200, outcome=Outcome.SUCCESS if end == end else Outcome.TIMED_OUT, error=None, pod=None,
            address=None)
        for number, (arrival, first, end) in enumerate(
            zip(base.scenario.arrivals, prediction.first_token, prediction.ended, strict=True))]


def test_the_scorecard_s_verdicts_are_the_report_s_own():
    base, asked = hpa_baseline(), terms()
    objectives = [Objective(f"{indicator}-{bound}-{share}", indicator, share, bound, None, stage)
                  for indicator in (Indicator.TIME_TO_FIRST_TOKEN, Indicator.TIME_PER_OUTPUT_TOKEN,
                                    Indicator.REQUEST_LATENCY)
                  for bound in (20, 40, 500, 2000, 10_000) for share in (50, 95, 100) for stage in (None, "all")]
    objectives += [Objective(f"served-{share}", Indicator.REQUEST_SUCCESS, 95, None, share, None) for share in (50, 99)]
    asked = replace(asked, objectives=tuple(objectives))
    for scenario in (base.scenario, replace(base.scenario, horizon_seconds=280.0)):
        prediction = predict(scenario)
        found = Judge(scenario.arrivals, asked, 1).score(prediction)
        judged = [judge_objective(one, records(base, prediction), (), ()) for one in objectives]
        assert [(one.name, one.verdict, one.measured) for one in found.objectives] == \
            [(one.name, one.verdict, one.measured) for one in judged]
        assert {one.verdict for one in judged} == {Verdict.PASS, Verdict.FAIL}


def test_an_objective_on_answers_is_neither_met_nor_missed_by_a_prediction():
    base, asked = hpa_baseline(), terms()
    answers = Objective("json-valid", Indicator.ANSWER_CHECK, 95, None, 99, None, "JSONSchema")
    card = Judge(base.scenario.arrivals, replace(asked, objectives=(answers,)), 1).score(predict(base.scenario))
    assert [(score.verdict, score.measured, score.bound, score.unit) for score in card.objectives] == [
        (Verdict.INCONCLUSIVE, None, 99, "%")]
    assert (card.missed, card.miss_seconds) == ((), None)


def test_what_was_held_is_counted_from_the_load_to_the_end():
    base = hpa_baseline(minReplicas=2, maxReplicas=2)
    still = replace(base.scenario, initial_replicas=2)
    card = Judge(still.arrivals, terms(), 4).score(predict(still))
    assert card.replica_seconds == 2 * 360.0
    assert card.gpu_seconds == 8 * 360.0
    assert (card.scale_outs, card.scale_ins, card.peak_ready, card.scale_out_lag_seconds) == (0, 0, 2, None)


def test_a_scale_out_s_lag_is_its_cold_start():
    base = hpa_baseline()
    card = Searcher(problem(base)).card(replace(base.scenario, cold_starts=(12.0,)))
    assert card.scale_outs > 0
    assert card.scale_out_lag_seconds is not None
    assert abs(card.scale_out_lag_seconds - 12.0) < 1e-6


def test_the_front_drops_what_is_worse_everywhere_and_the_cheapest_that_holds_is_chosen():
    base = hpa_baseline()
    searcher = Searcher(problem(base))
    trials = [trial for candidate in candidates(dimensions(base, tolerances=True), 60, 7)
              if (trial := searcher.score(candidate)) is not None]
    found = pareto_front(trials)
    assert 0 < len(found) < len(trials)
    assert ranked(trials)[0].costs[0] == min(trial.costs[0] for trial in trials)
    chosen, why = choose([evaluated(one, 9) for one in found], None)
    assert found[chosen].costs[2] == min(trial.costs[2] for trial in trials)
    assert why == ("the cheapest that holds all objectives in each of the 9 selection draws; its figures come from "
                   "the held-out draws")


def test_what_holds_in_more_draws_is_chosen_before_what_is_cheaper():
    trials = [trial_of((), [replace(MADE, replica_seconds=cost, gpu_seconds=cost)]) for cost in (10.0, 20.0, 30.0)]
    found = [evaluated(trial, count) for trial, count in zip(trials, (5, 7, 7), strict=True)]
    assert choose(found, None) == (1, "the cheapest that holds all objectives in the most selection draws (7 of 9); "
                                     "its figures come from the held-out draws")
    assert choose(found, 3) == (2, "picked by --pick 3")


def test_where_nothing_holds_the_fewest_misses_are_chosen():
    missed = ObjectiveScore("ttft", "TimeToFirstToken", None, Verdict.FAIL, 9.0, 1.0, "ms")
    trials = [trial_of((), [replace(MADE, objectives=(missed,) * count, miss_seconds=seconds)])
              for count, seconds in ((2, 0), (1, 9), (1, 4))]
    assert choose([evaluated(one, 0) for one in trials], None) == \
        (2, "no candidate holds all objectives, and this one has the fewest misses")


def test_a_field_that_set_has_fixed_is_not_varied():
    found = dimensions(hpa_baseline(), tolerances=True)
    names = [dimension.name for dimension in free(found, (Setting("target", 3), Setting("spec.minReplicas", 2), Setting(
        "behavior.scaleUp.policies[0].value", 3)))]
    assert {"metric", "minReplicas", "behavior.scaleUp.policies"} & set(names) == set()
    assert "behavior.scaleDown.policies" in names
    assert "maxReplicas" in names
    rest = free(found, (Setting("behavior", {}),))
    assert not any(dimension.name.startswith("behavior") for dimension in rest)


def test_a_setting_that_changes_nothing_is_pruned():
    base = hpa_baseline()
    searcher = Searcher(problem(base))
    # The recorded policy written out once more, and a minimum that matters.
    idle = Setting("behavior.scaleUp.policies", [{"type": "Pods", "value": 1, "periodSeconds": 15}])
    trial = searcher.score((idle, Setting("minReplicas", 2)))
    assert isinstance(trial, Trial)
    assert searcher.pruned(trial).settings == (Setting("minReplicas", 2),)


def draw_of(scenario) -> tuple[int, float]:
    return scenario.seed, scenario.controller.phase_seconds


def test_reported_figures_come_from_draws_that_neither_ranked_nor_chose():
    scenario = vary(hpa_baseline(), ()).scenario
    ranking, choosing, reporting = ({draw_of(draw) for draw in draws} for draws in (
        ranking_draws(scenario), held_out_draws(scenario, Purpose.CHOOSING),
        held_out_draws(scenario, Purpose.REPORTING)))
    assert len(choosing) == len(reporting) == HELD_OUT_DRAWS
    for these, others in ((ranking, choosing), (ranking, reporting), (choosing, reporting)):
        assert {seed for seed, _ in these} & {seed for seed, _ in others} == set()
        assert {phase for _, phase in these} & {phase for _, phase in others} == set()


class Lucky(Searcher):
    """All objectives hold in the draws for ranking and choosing, and in no other."""

    def card(self, scenario) -> Scorecard:
        beyond = scenario.seed - self.problem.base.scenario.seed >= Purpose.REPORTING.value[0]
        missed = ObjectiveScore("ttft", "TimeToFirstToken", None, Verdict.FAIL, 9.0, 1.0, "ms")
        return replace(MADE, objectives=(missed,), miss_seconds=40 + scenario.seed % 3) if beyond else MADE


def test_a_winner_by_luck_is_reported_with_its_held_out_figures():
    asked: SearchProblem = problem()
    here = Lucky(asked)
    found = search(asked, SearchOptions(search=True, candidates=5),
                   lambda _, call, given: [call(here, argument) for argument in given])
    best = found.front[found.chosen]
    assert found.ranked[found.chosen][:2] == (0, 0)
    assert (best.interval.held, best.interval.draws) == (0, HELD_OUT_DRAWS)
    assert best.card.miss_seconds == 41
    assert best.interval.miss_seconds == (40, 42)
    assert best.patch is not None
    assert f"predicted (median, lowest to highest of {HELD_OUT_DRAWS} draws): misses ttft, 41 (40 to 42) " in best.patch
    assert "holds in 0 of them" in best.patch.replace("\n# ", " ")


def test_the_front_is_listed_cheapest_first_by_its_held_out_figures():
    asked: SearchProblem = problem()
    here = Searcher(asked)
    found = search(asked, SearchOptions(search=True, candidates=60),
                   lambda _, call, given: [call(here, argument) for argument in given])
    costs = [option.card.cost for option in found.front]
    assert len(costs) > 1
    assert costs == sorted(costs)
    for option in found.front:
        assert option.interval.cost[0] <= option.card.cost <= option.interval.cost[1]


def test_the_median_card_is_in_the_middle_of_its_draws():
    def card(seconds: int, reached: float, verdict: Verdict) -> Scorecard:
        score = ObjectiveScore("ttft", "TimeToFirstToken", None, verdict, reached, 10.0, "ms")
        return replace(MADE, objectives=(score,), miss_seconds=seconds)

    found = median_card([card(3, 4.0, Verdict.PASS), card(98, 40.0, Verdict.FAIL), card(30, 12.0, Verdict.FAIL)])
    assert found.miss_seconds == 30
    assert (found.objectives[0].measured, found.objectives[0].verdict) == (12.0, Verdict.FAIL)
    lost = [ObjectiveScore("served", "RequestSuccess", None, Verdict.FAIL, share, 99.0, "%") for share in (90, 50, 70)]
    assert median_card([replace(MADE, objectives=(score,)) for score in lost]).objectives[0].measured == 70


def test_an_interval_spans_held_out_draws():
    settings: Settings = ()
    found = interval_of(Searcher(problem()).evaluate(settings).cards)
    assert found.draws == HELD_OUT_DRAWS
    assert 0 <= found.held <= found.draws
    assert found.cost[0] <= found.cost[1]
    assert found.miss_seconds is not None
    assert found.miss_seconds[0] <= found.miss_seconds[1]


def test_a_search_ranks_over_the_measured_extremes_where_cold_starts_differ():
    base = hpa_baseline()
    starts = [draw.cold_starts for draw in ranking_draws(base.scenario)]
    assert (11.0,) in starts
    assert (9.0,) in starts
    assert len(ranking_draws(replace(base.scenario, cold_starts=(10.0,)))) == 5


def test_an_objective_is_shown_with_its_indicator():
    card = Searcher(problem()).card(hpa_baseline().scenario)
    assert [rule(score) for score in card.objectives] == ["first-token: TTFT p95 ≤ 2 s", "served: served ≥ 99 %"]
    assert rule(replace(card.objectives[0], statistic="p99", stage="all", bound=500.0)) == \
        "first-token: TTFT p99 ≤ 500 ms, all"
    assert rule(replace(card.objectives[0], statistic="mean", task="chat", stage="all")) == \
        "first-token: TTFT mean ≤ 2 s, chat, all"


def test_the_table_explains_its_plus_minus():
    fitted = (Fitted("prefill", 0.02, "s", "idle replicas", 1.9, 40), Fitted("slots", 4, "", "--max-num-seqs=4"))
    scenario = hpa_baseline().scenario
    assert calibration_rows(Calibration(scenario, scenario, fitted, ())) == [
        ("prefill", "0.02 s", "± 1.9 %, n=40", "idle replicas"), ("slots", "4", "", "--max-num-seqs=4"),
        ("", "", "± …, n=…", "± is the median deviation of the n observations from the fit")]
    assert len(calibration_rows(Calibration(scenario, scenario, fitted[1:], ()))) == 1

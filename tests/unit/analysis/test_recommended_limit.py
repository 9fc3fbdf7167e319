"""The recommended limit: up to which level all objectives held, what failed above it, and what noise leaves open."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from elastometer.analysis.levels.limit import recommended_limits
from elastometer.model.knee import StepSeen
from elastometer.model.levels import LevelOf, LevelRow, RecommendedLimit
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import Indicator, Objective
from elastometer.model.verdict import Verdict
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageRole
from support.levels import Level, lost, rows_of

ERRORS = Objective("errors", Indicator.REQUEST_SUCCESS, 95, None, 99, None)
QUICK = Objective("quick", Indicator.REQUEST_LATENCY, 95, 2500, None, None)


def recommended_limit(rows: Sequence[LevelRow]) -> RecommendedLimit | None:
    return next(iter(recommended_limits(rows)), None)


def level(concurrency: int, start: float, *, latency: float = 2.0, every: int = 0, **window: object) -> Level:
    """100 s at one level; of every so many requests one is lost, with status 500."""
    def of(number: int, record: RecordedRequest) -> RecordedRequest:
        is_lost = every and number % every == every // 2
        return lost(record, Outcome.SERVER_ERROR, 500) if is_lost else record
    return Level(f"level-{concurrency}", concurrency, start, start + 100.0, lambda *_: latency, of, window)


def test_the_limit_is_the_highest_level_at_which_all_objectives_held_there_and_below() -> None:
    rows = rows_of([level(10, 0.0), level(25, 100.0, latency=2.2), level(50, 200.0, latency=4.0)], [ERRORS, QUICK])
    found = recommended_limit(rows)
    assert found is not None
    assert (found.of, found.level, found.next_level, found.levels) == (LevelOf.IN_FLIGHT, 25, 50, (10, 25, 50))
    assert found.undecided == ()
    assert found.requests_per_second == round(25 / 2.2, 3)
    assert found.text == (
        "At most 25 in flight, which was 11.4 ± 0.0 requests/s served: all objectives held there and below. "
        "50 fails: quick: latency 4.00 s (4.00 s to 4.00 s), bound 2.5 s")


def test_a_level_above_one_that_failed_is_no_limit_even_if_it_held() -> None:
    rows = rows_of([level(10, 0.0), level(25, 100.0, latency=4.0), level(50, 200.0)], [QUICK])
    found = recommended_limit(rows)
    assert found is not None
    assert (found.level, found.next_level) == (10, 25)


def test_levels_of_which_no_first_token_is_known_are_not_said_to_hold_a_bound_on_it() -> None:
    first_token = Objective("first-token", Indicator.TIME_TO_FIRST_TOKEN, 95, 500, None, None)

    def unseen(_: int, record: RecordedRequest) -> RecordedRequest:
        return replace(record, first_token=None)
    levels = [Level(f"level-{size}", size, start, start + 100.0, lambda *_: 2.0, unseen)
              for size, start in ((10, 0.0), (25, 100.0))]
    rows = rows_of(levels, [ERRORS, first_token])
    assert [row.verdict for row in rows] == [Verdict.INCONCLUSIVE] * 2
    found = recommended_limit(rows)
    assert found is not None
    assert found.level is None
    assert "10 could not be judged: `ttft` cannot be judged" in found.text


def test_where_most_requests_were_not_served_no_interval_is_claimed_for_the_others() -> None:
    """Requests that were not served count as endless, so that both ends of the interval of p95 are."""
    rows = rows_of([level(10, 0.0), level(50, 100.0, every=2)], [QUICK])
    found = recommended_limit(rows)
    assert found is not None
    assert found.level == 10
    assert "latency 2.00 s of those served; too many were not, bound 2.5 s" in found.text


def test_where_all_levels_held_more_may_be_possible() -> None:
    found = recommended_limit(rows_of([level(10, 0.0), level(25, 100.0)], [QUICK]))
    assert found is not None
    assert (found.level, found.next_level, found.failures) == (25, None, ())
    assert found.text.startswith("At least 25 in flight, which was 12.5")
    assert found.text.endswith("all objectives held at every level, and no higher one was tried")


def test_where_the_lowest_level_failed_there_is_no_limit() -> None:
    found = recommended_limit(rows_of([level(10, 0.0, latency=3.0), level(25, 100.0, latency=4.0)], [QUICK]))
    assert found is not None
    assert (found.level, found.next_level, found.requests_per_second) == (None, 10, None)
    assert found.text.startswith("Not even 10 in flight, the lowest level, held all objectives. 10 fails: quick")


def test_noise_names_both_levels_between_which_it_forbids_a_choice() -> None:
    """At 50, 1 of 70 is lost: of 2,500 requests that is beyond noise, 1 of 50 is not."""
    rows = rows_of([level(25, 0.0), level(50, 100.0, every=70)], [ERRORS])
    sure = recommended_limit(rows)
    assert sure is not None
    assert (sure.level, sure.next_level, sure.undecided) == (25, 50, ())
    few = rows_of([replace(level(25, 0.0), end=20.0), replace(level(50, 20.0, every=70), end=22.0)], [ERRORS])
    open_ = recommended_limit(few)
    assert open_ is not None
    assert (open_.level, open_.next_level, open_.undecided) == (25, 50, (25, 50))
    assert open_.text.endswith("Noise forbids a choice between 25 and 50")


def test_users_and_requests_in_flight_are_never_in_one_ladder() -> None:
    rows = rows_of([level(10, 0.0), level(25, 100.0)], [QUICK])
    mixed = [rows[0], replace(rows[1], of=LevelOf.USERS)]
    assert recommended_limit(mixed) is None
    users = recommended_limit([replace(row, of=LevelOf.USERS) for row in rows])
    assert users is not None
    assert users.text.startswith("At least 25 users, which was 12.5")


def test_levels_with_other_tasks_are_no_part_of_the_ladder() -> None:
    rows = rows_of([level(10, 0.0), level(25, 100.0), level(50, 200.0, latency=9.0, tasks=("json",))], [QUICK])
    found = recommended_limit(rows)
    assert found is not None
    assert (found.level, found.levels) == (25, (10, 25))


def test_without_objectives_there_is_no_limit() -> None:
    assert recommended_limit(rows_of([level(10, 0.0), level(25, 100.0)])) is None


def step(row: LevelRow, value: int, failed: str | None = None, **fields: object) -> LevelRow:
    seen = StepSeen(value, 0, 1, failed)
    return replace(row, stage="climb", of=LevelOf.USERS, level=seen.value, failed=failed, is_step=True,
                   verdict=Verdict.PASS if failed is None else Verdict.FAIL, **fields)


@pytest.fixture
def row() -> LevelRow:
    (found,) = rows_of([level(10, 0.0)])
    return found


def test_the_steps_of_a_knee_are_a_ladder_and_its_soak_is_the_rate_that_was_held(row: LevelRow) -> None:
    rows = [step(row, 50), step(row, 100), step(row, 150, "RequestLatency p99 must be at most 2 s, was 3 s"),
            step(row, 100, is_soak=True)]
    found = recommended_limit(rows)
    assert found is not None
    assert (found.of, found.level, found.next_level, found.soak) == (LevelOf.USERS, 100, 150, 3)
    assert found.failures == ("RequestLatency p99 must be at most 2 s, was 3 s",)
    lost_soak = recommended_limit([*rows[:3], step(row, 100, "RequestSuccess", is_soak=True)])
    assert lost_soak is not None
    assert lost_soak.soak is None


def test_the_best_experience_is_the_last_level_within_a_tenth_of_the_baseline() -> None:
    rows = rows_of([level(5, 0.0, latency=2.0, role=StageRole.BASELINE), level(10, 100.0, latency=2.1),
                    level(25, 200.0, latency=2.2), level(50, 300.0, latency=2.21)], [QUICK])
    found = recommended_limit(rows)
    assert found is not None
    assert (found.best_experience, found.best_experience_reason) == (2, None)


def test_without_a_baseline_the_best_experience_is_not_known() -> None:
    found = recommended_limit(rows_of([level(10, 0.0), level(25, 100.0)], [QUICK]))
    assert found is not None
    assert (found.best_experience, found.best_experience_reason) == (None, "no stage has the role Baseline")


def test_where_a_knee_searched_for_the_limit_other_stages_of_users_have_none(row: LevelRow) -> None:
    plain = [replace(row, of=LevelOf.USERS, level=users, stage=f"s{users}", verdict=Verdict.PASS)
             for users in (5, 20)]
    rows = [*plain, step(row, 50), step(row, 100), step(row, 150, "RequestLatency")]
    assert [one.stage for one in recommended_limits(rows)] == ["climb"]
    assert [one.levels for one in recommended_limits(plain)] == [(5, 20)]


def test_where_nothing_failed_at_two_levels_noise_leaves_nothing_open() -> None:
    """Of 50 requests none is lost: the interval reaches down to 92.9 %, but no failure was seen."""
    found = recommended_limit(rows_of([replace(level(5, 0.0), end=20.0), replace(level(25, 20.0), end=24.0)], [ERRORS]))
    assert found is not None
    assert (found.level, found.undecided) == (25, ())

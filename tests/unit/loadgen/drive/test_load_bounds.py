"""The bound of a whole load, the warm-up of a Knee's steps and stages without load, in virtual time."""

from collections import Counter
from typing import Any

import pytest

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.drive.budget import Budget
from elastometer_loadgen.wire.exchange import Exchange
from support.played_load import Play, rate, read_virtual_time, steady, users

pytestmark = pytest.mark.looptime
KNEE: dict[str, Any] = {
    "name": "knee", "type": "Knee", "of": "Users", "start": 2, "step": 2, "stepSeconds": 10, "maximum": 6,
    "objectives": [{"indicator": "RequestLatency", "percentile": 100, "maximumMilliseconds": 1000}],
}
QUIET = {"name": "quiet", "type": "Rate", "durationSeconds": 20, "endRequestsPerSecond": "0", "role": "Quiet"}


@pytest.fixture(autouse=True)
def _virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    read_virtual_time(monkeypatch)


async def test_users_of_all_stages_share_one_bound_that_is_counted_as_it_is_spent() -> None:
    """4 arrivals are set aside of 100: the first stage spends 80 of the rest, and 16 are left for the second."""
    stages = [users("first", 4, 10, thinkTimeSeconds="0.4"), rate("open", 2), users("second", 2, 10)]
    play = Play(stages, steady(0.1), maximumRequests=100)
    assert await play.run()
    assert Counter(name for _, name, _ in play.sent) == {"first": 80, "open": 4, "second": 16}
    assert play.runner.capped_users == 2


async def test_a_run_that_stays_below_the_bound_is_not_stopped_by_it() -> None:
    play = Play([users("one", 4, 10, thinkTimeSeconds="0.4")], steady(0.1), maximumRequests=80)
    assert await play.run()
    assert (len(play.sent), play.runner.capped_users) == (80, 0)


async def test_a_stage_s_own_bound_only_lowers_that_of_the_load() -> None:
    stages = [users("first", 2, 10, maximumRequests=10), users("second", 2, 10)]
    play = Play(stages, steady(0.1), maximumRequests=30)
    assert await play.run()
    assert Counter(name for _, name, _ in play.sent) == {"first": 10, "second": 20}


@pytest.mark.parametrize("workers", [2, 3])
async def test_each_worker_has_an_equal_part_of_the_bound(workers: int) -> None:
    counts = []
    for worker in range(workers):
        play = Play([users("users", 6, 60)], steady(0.1), (worker, workers), maximumRequests=100)
        await play.run()
        counts.append(len(play.sent))
    assert counts == [100 // workers] * workers


async def test_what_was_recorded_before_a_restart_is_spent() -> None:
    first = Play([users("users", 2, 10)], steady(0.1), maximumRequests=50)
    await first.run()
    assert len(first.sent) == 50
    done = frozenset(number for *_, number in first.sent[:30])
    again = Play([users("users", 2, 10)], steady(0.1), done=done, maximumRequests=50)
    await again.run()
    assert (len(again.sent), again.runner.capped_users) == (20, 2)


async def test_a_step_of_a_knee_that_the_bound_of_the_load_stops_could_not_be_judged() -> None:
    """Two users send 2 x 20 in a step of 10 s; the four of the second would send 80."""
    play = Play([KNEE], steady(0.5), maximumRequests=70)
    await play.run()
    (knee,) = play.runner.knees
    words = "maximumRequests of the load, 70, was too small for 4 of its 4 users"
    assert [(step.value, step.failed, step.inconclusive) for step in knee.steps] == [(2, None, None), (4, None, words)]
    assert (len(play.sent), play.runner.capped_users) == (70, 4)


@pytest.mark.parametrize(("warmup", "good"), [(0, None), (3, None), (4, 6)])
async def test_what_is_due_in_the_warm_up_of_a_step_does_not_fail_it(warmup: int, good: int | None) -> None:
    """For the first 4.5 s of each step of 10 s an answer takes 1.25 s: the last of them is due after 3.75 s."""

    def answer(exchange: Exchange, in_flight: int) -> tuple[float, Outcome]:
        return (1.25 if (exchange.intended_at - play.begin) % 10 < 4.5 else 0.25), Outcome.SUCCESS

    play = Play([KNEE | {"warmupSeconds": warmup}], answer)
    await play.run()
    (knee,) = play.runner.knees
    assert knee.good == good


async def test_the_soak_of_a_knee_has_the_same_warm_up() -> None:
    def answer(exchange: Exchange, in_flight: int) -> tuple[float, Outcome]:
        return (1.25 if 30 <= exchange.intended_at - play.begin < 34.5 else 0.25), Outcome.SUCCESS

    verdicts = []
    for warmup in (3, 4):
        play = Play([KNEE | {"warmupSeconds": warmup, "soakSeconds": 15}], answer)
        await play.run()
        (knee,) = play.runner.knees
        assert knee.soak is not None
        verdicts.append(knee.soak.is_good)
    assert verdicts == [False, True]


async def test_users_are_sent_away_by_a_stage_without_load_which_lasts_its_time() -> None:
    play = Play([users("busy", 3, 10), QUIET, users("busier", 5, 10)], steady(0.5))
    assert await play.run()
    assert {name for _, name, _ in play.sent} == {"busy", "busier"}
    assert play.times("busier")[:5] == pytest.approx([30.0] * 5, abs=0.01)
    assert play.took == pytest.approx(40, abs=0.01)


@pytest.mark.parametrize(("stages", "seconds"), [
    ([rate("open", 4), QUIET], 24.0),
    ([{"name": "count", "type": "Concurrency", "concurrency": 2, "requests": 8}, QUIET], 22.0),
    ([KNEE | {"maximum": 2}, QUIET], 30.0),
])
async def test_a_last_stage_without_load_is_waited_for(stages: list[dict[str, Any]], seconds: float) -> None:
    play = Play(stages, steady(0.5))
    assert await play.run()
    assert play.took == pytest.approx(seconds, abs=0.05)


def test_a_budget_refuses_what_it_does_not_have_and_keeps_the_rest() -> None:
    budget = Budget(10, 5)
    assert (budget.take(3), budget.take(3), budget.was_refused, budget.take(2)) == (True, False, True, True)
    assert budget.left == 0

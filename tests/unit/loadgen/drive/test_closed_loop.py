"""Closed-loop stages against a server of known pace, in virtual time: which user sends when, and what carries over."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.users import FIRST_CLOSED_ID
from elastometer_loadgen.wire.exchange import Exchange
from support.played_load import Answer, Play, rate, read_virtual_time, steady, users

pytestmark = pytest.mark.looptime


@pytest.fixture(autouse=True)
def _virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    read_virtual_time(monkeypatch)


async def test_concurrency_by_time_keeps_so_many_in_flight_until_the_end() -> None:
    stage = {"name": "sixteen", "type": "Concurrency", "durationSeconds": 10, "concurrency": 16}
    play = Play([stage], steady(0.4))
    assert await play.run()
    assert play.most_in_flight == 16
    assert len(play.sent) == 16 * 25
    assert play.took == pytest.approx(10, abs=0.01)
    assert max(play.times("sixteen")) < 10


async def test_users_start_at_the_spawn_rate_and_think_for_a_time_within_the_bounds() -> None:
    think = {"minimum": "1", "maximum": "3"}
    play = Play([users("users", 20, 60, spawnPerSecond="4", thinkTimeSeconds=think)], steady(0.5))
    await play.run()
    each: dict[int, list[float]] = {}
    for at, _, number in play.sent:
        each.setdefault(number % FIRST_CLOSED_ID >> 24, []).append(at)
    assert sorted(each) == list(range(20))
    assert [round(times[0], 6) for _, times in sorted(each.items())] == [user / 4 for user in range(20)]
    thoughts = [later - earlier - 0.5 for times in each.values() for earlier, later in pairwise(times)]
    assert 1 <= min(thoughts) <= max(thoughts) <= 3.001
    assert sum(thoughts) / len(thoughts) == pytest.approx(2, abs=0.1)


async def test_the_intended_instant_is_the_answer_plus_the_think_time_however_late_the_answer() -> None:
    """The intended time of a closed loop is when its user wanted to send; a delay from there is the generator's."""
    play = Play([users("one", 1, 30, thinkTimeSeconds="2")], steady(3.0))
    await play.run()
    assert play.times("one") == pytest.approx([0, 5, 10, 15, 20, 25], abs=0.01)


async def test_an_open_loop_stage_starts_on_time_while_the_users_before_it_still_wait() -> None:
    play = Play([users("users", 5, 10), rate("steady", 4)], steady(7.0))
    await play.run()
    assert play.times("users") == pytest.approx([0] * 5 + [7] * 5, abs=0.01)
    assert play.times("steady") == pytest.approx([10.25 + k / 2 for k in range(8)], abs=1e-6)


async def test_a_closed_loop_stage_starts_on_time_while_requests_of_the_stage_before_it_are_in_flight() -> None:
    play = Play([rate("steady", 4), users("users", 3, 5, thinkTimeSeconds="10")], steady(9.0))
    await play.run()
    assert play.times("users") == pytest.approx([4.0] * 3, abs=0.01)


async def test_users_stay_from_one_closed_loop_stage_to_the_next_and_only_new_ones_spawn() -> None:
    """Ten users, of whom each asks each second; the load never falls when the stage of 20 begins, and those over go."""
    stages = [users("ten", 10, 10, thinkTimeSeconds="0.5"), users("twenty", 20, 10, spawnPerSecond="2",
              thinkTimeSeconds="0.5"), users("five", 5, 10, thinkTimeSeconds="0.5")]
    play = Play(stages, steady(0.5))
    await play.run()
    seconds = Counter(int(at) for at, _, _ in play.sent)
    assert [seconds[second] for second in (3, 9)] == [10, 10]
    assert 10 <= seconds[10] <= 13
    assert [seconds[second] for second in range(16, 20)] == [20] * 4
    assert [seconds[second] for second in range(21, 30)] == [5] * 9
    assert {name for at, name, _ in play.sent if 10 <= at < 20} == {"twenty"}


@pytest.mark.parametrize("workers", [1, 2, 8])
async def test_the_users_of_all_workers_together_are_the_same_for_any_number(workers: int) -> None:
    """With a server whose pace does not depend on load, even the instants are."""
    stages = [users("users", 10, 20, spawnPerSecond="5", thinkTimeSeconds={"minimum": "0.5", "maximum": "2"}),
              rate("steady", 3),
              {"name": "c", "type": "Concurrency", "durationSeconds": 5, "concurrency": 3}]
    alone = Play(stages, steady(0.3))
    await alone.run()
    together: list[tuple[float, str, int]] = []
    for worker in range(workers):
        play = Play(stages, steady(0.3), (worker, workers))
        await play.run()
        together += play.sent
    by_id = {number: (at, stage) for at, stage, number in together}
    assert len(by_id) == len(together)
    # Each answer comes within a millisecond of its time; a user's later requests inherit that.
    assert {number: stage for _, stage, number in alone.sent} == {number: stage for number, (_, stage) in by_id.items()}
    assert all(by_id[number][0] == pytest.approx(at, abs=0.05) for at, _, number in alone.sent)


async def test_another_seed_draws_other_think_times() -> None:
    stage = users("users", 3, 20, thinkTimeSeconds={"minimum": "1", "maximum": "2"})
    plays: list[Play] = []
    for seed in (1, 1, 2):
        plays.append(Play([stage], steady(0.1), seed=seed))
        await plays[-1].run()
    assert [number for *_, number in plays[0].sent] == [number for *_, number in plays[1].sent]
    assert plays[0].times("users")[3:] == pytest.approx(plays[1].times("users")[3:], abs=0.05)
    assert plays[0].times("users")[3:6] != pytest.approx(plays[2].times("users")[3:6], abs=0.05)


async def test_a_refused_user_retries_a_second_later_and_no_sooner() -> None:
    stage = {"name": "c", "type": "Concurrency", "durationSeconds": 5, "concurrency": 2}
    play = Play([stage], lambda exchange, in_flight: (0.001, Outcome.REFUSED))
    await play.run()
    assert len(play.sent) == 10


async def test_no_user_sends_more_than_its_part_of_maximumRequests(capsys: pytest.CaptureFixture[str]) -> None:
    stage = {"name": "c", "type": "Concurrency", "durationSeconds": 5, "concurrency": 4, "maximumRequests": 40}
    play = Play([stage], steady(0.1))
    assert await play.run()
    assert len(play.sent) == 40
    assert "4 users have sent all requests that maximumRequests allows, and stopped early" in capsys.readouterr().err
    assert play.runner.capped_users == 4
    again = Play([stage], steady(0.1), done=frozenset(number for *_, number in play.sent))
    assert await again.run()
    assert (again.sent, again.runner.capped_users) == ([], 4)


async def test_a_restarted_worker_repeats_no_request_of_its_users() -> None:
    stages = [users("users", 4, 10, thinkTimeSeconds="0.5")]
    first = Play(stages, steady(0.5))
    await first.run()
    done = frozenset(number for at, _, number in first.sent if at < 5)
    second = Play(stages, steady(0.5), done=done)
    await second.run()
    assert done.isdisjoint(number for *_, number in second.sent)
    assert min(number & 0xFFFFFF for *_, number in second.sent) == 5


async def test_concurrency_by_count_sends_each_number_once_and_the_next_stage_follows_at_once() -> None:
    stages = [{"name": "count", "type": "Concurrency", "concurrency": 4, "requests": 30}, rate("after", 2)]
    play = Play(stages, steady(0.5))
    assert await play.run()
    assert play.most_in_flight == 4
    assert sorted(number & 0xFFFFFF for _, name, number in play.sent if name == "count") == list(range(30))
    assert play.times("after") == pytest.approx([4.25, 4.75, 5.25, 5.75], abs=0.05)


@pytest.mark.parametrize("workers", [1, 2, 8])
async def test_the_requests_of_a_count_are_the_same_for_any_number_of_workers(workers: int) -> None:
    stage = {"name": "count", "type": "Concurrency", "concurrency": 5, "requests": 33}
    numbers = []
    for worker in range(workers):
        play = Play([stage], steady(0.2), (worker, workers))
        await play.run()
        numbers += [number & 0xFFFFFF for *_, number in play.sent]
    assert sorted(numbers) == list(range(33))


async def test_a_sweep_asks_one_length_after_the_other_one_request_at_a_time() -> None:
    stage = {"name": "lengths", "type": "Sweep", "inputTokens": [128, 512, 2048], "outputTokens": 64, "requestsEach": 3}
    asked = []

    def answer(exchange: Exchange, in_flight: int) -> tuple[float, Outcome]:
        asked.append(exchange.arrival.size)
        return 0.2, Outcome.SUCCESS

    play = Play([stage], answer)
    assert await play.run()
    assert play.most_in_flight == 1
    assert [(size.task, size.prompt_tokens, size.output_tokens) for size in asked if size] == [
        (f"sweep-{length}", length, 64) for length in (128, 512, 2048) for _ in range(3)
    ]
    assert play.took == pytest.approx(1.8, abs=0.1)


async def test_a_stopped_run_counts_the_closed_loop_stages_that_were_cut() -> None:
    play = Play([users("a", 2, 10), rate("b", 2), users("c", 2, 10)], steady(1.0))
    running = asyncio.ensure_future(play.run())
    await asyncio.sleep(3)
    play.runner.stop()
    assert not await running
    assert play.runner.cut == 2
    assert len(play.sent) in (6, 8)


KNEE = {"name": "knee", "type": "Knee", "of": "Users", "start": 10, "step": 10, "stepSeconds": 20, "maximum": 100,
        "soakSeconds": 30, "thinkTimeSeconds": "1",
        "objectives": [{"indicator": "RequestLatency", "percentile": 95, "maximumMilliseconds": 1000}]}


def saturating(capacity: int) -> Answer:
    """0.5 s up to so many in flight, and in proportion beyond."""
    return lambda exchange, in_flight: (0.5 * max(1.0, in_flight / capacity), Outcome.SUCCESS)


async def test_a_knee_search_steps_up_until_an_objective_fails_and_soaks_at_the_last_good_step() -> None:
    """
    Latency is 0.5 s x in flight / 12 beyond 12, so more than 24 in flight are too slow for 1 s; users in flight are
    those that do not think.
    """
    play = Play([KNEE, rate("after", 2)], saturating(12))
    assert await play.run()
    (knee,) = play.runner.knees
    values = [step.value for step in knee.steps]
    assert values == list(range(10, values[-1] + 1, 10))
    assert [step.failed is None for step in knee.steps] == [True] * (len(values) - 1) + [False]
    assert knee.good == values[-2]
    assert knee.soak is not None
    assert (knee.soak.value, knee.soak.end - knee.soak.begin) == (knee.good, 30)
    assert str(knee.steps[-1].failed).startswith("RequestLatency p95 must be at most 1000 ms, was 1")
    ended = len(values) * 20 + 30
    assert play.times("after")[0] == pytest.approx(ended + 0.25, abs=0.05)
    soaked = [number >> 24 & 0x3FFF for at, name, number in play.sent if name == "knee" and ended - 25 < at < ended]
    assert len(set(soaked)) == knee.good


async def test_a_knee_that_never_fails_soaks_at_the_maximum() -> None:
    play = Play([KNEE | {"maximum": 25, "soakSeconds": 5}], steady(0.5))
    await play.run()
    (knee,) = play.runner.knees
    assert [step.value for step in knee.steps] == [10, 20, 25]
    assert (knee.good, knee.soak is not None) == (25, True)


async def test_a_knee_whose_first_step_fails_has_no_good_step_and_no_soak() -> None:
    play = Play([KNEE], lambda exchange, in_flight: (5.0, Outcome.SUCCESS))
    await play.run()
    (knee,) = play.runner.knees
    assert (len(knee.steps), knee.good, knee.soak) == (1, None, None)
    assert play.took == pytest.approx(20, abs=0.1)


async def test_a_step_that_could_not_be_judged_ends_the_knee_search_and_the_last_good_step_is_soaked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the second step on no answer arrives before the step is over, so its success is not known."""

    def answer(exchange: Exchange, in_flight: int) -> tuple[float, Outcome]:
        return (100.0 if 19.9 < play.loop.time() - play.begin < 40 else 0.5), Outcome.SUCCESS

    play = Play([KNEE | {"objectives": [{"indicator": "RequestSuccess", "minimumPercent": 99}]}], answer)
    await play.run()
    (knee,) = play.runner.knees
    words = "RequestSuccess is not known: no request had ended, 20 in flight"
    assert [(step.value, step.failed, step.inconclusive) for step in knee.steps] == [
        (10, None, None), (20, None, words),
    ]
    assert (knee.good, knee.soak is not None and knee.soak.value) == (10, 10)
    assert f"knee: Users 20 could not be judged: {words}\n" in capsys.readouterr().err


async def test_a_step_whose_users_may_send_no_more_could_not_be_judged() -> None:
    """63 requests for 18 s of users: 7 for each of two seconds. Users take 0.5 s for an answer, but in the second step
    0.05, and there the first has 7 and the 3 that it left before, the second 7."""
    knee = KNEE | {"start": 1, "step": 1, "stepSeconds": 2, "maximum": 3, "soakSeconds": 2, "thinkTimeSeconds": "0",
                   "maximumRequests": 63}

    def answer(exchange: Exchange, in_flight: int) -> tuple[float, Outcome]:
        return (0.05 if 2 <= exchange.intended_at - play.begin < 4 else 0.5), Outcome.SUCCESS

    play = Play([knee], answer)
    await play.run()
    (knee,) = play.runner.knees
    words = "maximumRequests, 63, was too small for 2 of its 2 users"
    assert [(step.value, step.failed, step.inconclusive) for step in knee.steps] == [(1, None, None), (2, None, words)]
    assert knee.soak is not None
    assert (knee.good, knee.soak.value, knee.soak.is_good) == (1, 1, True)
    assert Counter(int(at // 2) for at in play.times("knee")) == {0: 4, 1: 17, 2: 4}
    assert play.runner.capped_users == 2


async def test_a_knee_of_rates_offers_each_step_as_an_open_loop() -> None:
    """A queue of one server that takes 0.1 s: at 8/s it copes, at 12/s the wait grows past any bound."""
    free_at = [0.0]

    def answer(exchange: Exchange, in_flight: int) -> tuple[float, Outcome]:
        start = max(exchange.send_at, free_at[0])
        free_at[0] = start + 0.1
        return free_at[0] - exchange.send_at, Outcome.SUCCESS

    knee = {"name": "knee", "type": "Knee", "of": "Rate", "start": 4, "step": 4, "stepSeconds": 60, "maximum": 40,
            "soakSeconds": 20, "objectives": [{"indicator": "RequestLatency", "percentile": 50,
            "maximumMilliseconds": 2000}, {"indicator": "RequestSuccess", "minimumPercent": 99}]}
    play = Play([knee], answer)
    await play.run()
    (knee,) = play.runner.knees
    assert ([step.value for step in knee.steps], knee.good) == ([4, 8, 12], 8)
    per_step = Counter(int(at // 60) for at, _, _ in play.sent if at < 180)
    for number, wanted in enumerate((240, 480, 720)):
        assert abs(per_step[number] - wanted) < 5 * wanted**0.5
    assert len({number for *_, number in play.sent}) == len(play.sent)


async def test_stages_that_began_before_the_clock_did_run_on() -> None:
    """A host that was restarted counts its monotonic time from 0: what was before it has a negative instant."""
    play = Play([users("one", 2, 10), users("two", 2, 10), rate("steady", 5)], steady(0.4))
    play.begin = -12.0
    await play.run()
    assert len(play.times("two")) > 10
    assert len(play.times("steady")) == 10


async def test_after_the_stop_no_user_sends_however_many_were_about_to() -> None:
    play = Play([users("users", 300, 60)], steady(5.0))
    running = asyncio.ensure_future(play.run())
    await asyncio.sleep(0)
    play.runner.stop()
    before = len(play.sent)
    await asyncio.sleep(20)
    assert len(play.sent) == before
    assert not await running


@pytest.mark.parametrize("stage", [
    {"name": "count", "type": "Concurrency", "concurrency": 2, "requests": 10},
    {"name": "lengths", "type": "Sweep", "inputTokens": [8], "outputTokens": 4, "requestsEach": 5},
])
async def test_a_stop_does_not_wait_for_answers_that_do_not_come(stage: dict[str, Any]) -> None:
    play = Play([stage, users("after", 1, 10)], steady(1000.0))
    running = asyncio.ensure_future(play.runner.run(play.begin, play.begin))
    await asyncio.sleep(4)
    play.runner.stop()
    assert not await asyncio.wait_for(running, 1)
    assert play.runner.cut == 2

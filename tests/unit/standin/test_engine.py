"""Continuous batching on a clock that the test holds."""

from collections import Counter

import pytest

from elastometer_standin.engine import Engine, Finish, Rejection, Sequence
from elastometer_standin.settings import EngineLimits, Pace

PACE = Pace(prefill_tokens_per_second=1000.0, prefill_overhead_ms=10.0, decode_ms_per_token=50.0)


class Tally:
    def __init__(self) -> None:
        self.steps: list[int] = []
        self.gaps: Counter[float] = Counter()
        self.firsts: list[Sequence] = []
        self.finished: list[Sequence] = []
        self.preemptions = 0

    def on_step(self, tokens: int, gaps: Counter[float]) -> None:
        self.steps.append(tokens)
        self.gaps.update(gaps)

    def on_first_token(self, seq: Sequence, now: float) -> None:
        self.firsts.append(seq)

    def on_preemption(self) -> None:
        self.preemptions += 1

    def on_finish(self, seq: Sequence, now: float) -> None:
        self.finished.append(seq)


def engine_with(pace: Pace = PACE, **limits: int) -> tuple[Engine, Tally]:
    tally = Tally()
    return Engine(EngineLimits(**limits), pace, tally), tally


def sequence(prompt: int = 100, budget: int = 4, arrived: float = 0.0) -> Sequence:
    return Sequence(prompt, budget, Finish.LENGTH, arrived, budget)


def run(engine: Engine, start: float = 0.0, steps: int = 10_000) -> float:
    now = start
    for _ in range(steps):
        end = engine.begin_step(now)
        if end is None:
            return now
        engine.end_step(end)
        now = end
    return now


def test_the_first_token_of_an_idle_server_comes_at_the_documented_instant() -> None:
    engine, _ = engine_with()
    seq = sequence(prompt=200)
    engine.add(seq)
    run(engine)
    assert seq.first_token_at == pytest.approx(PACE.prefill_seconds(200, begins=True)) == 0.21


def test_the_formula_also_holds_for_a_prompt_longer_than_one_step_takes() -> None:
    engine, _ = engine_with(max_num_batched_tokens=64)
    seq = sequence(prompt=200)
    engine.add(seq)
    run(engine)
    assert seq.first_token_at == pytest.approx(0.21)


def test_decode_steps_are_evenly_spaced_and_one_token_each() -> None:
    engine, tally = engine_with()
    seq = sequence(prompt=100, budget=5)
    engine.add(seq)
    end = run(engine)
    assert end == pytest.approx(0.11 + 4 * 0.05)
    assert tally.steps == [101, 1, 1, 1, 1]
    assert sum(tally.gaps.values()) == 4
    assert seq.finish is Finish.LENGTH


def test_each_further_running_sequence_slows_the_decode_step() -> None:
    pace = Pace(1e9, 0.0, 50.0, decode_slowdown=0.1)
    engine, _ = engine_with(pace=pace)
    for _ in range(11):
        engine.add(sequence(budget=2))
    run(engine, steps=1)
    start = 1.0
    assert engine.begin_step(start) == pytest.approx(start + 0.05 * 2)


def test_beyond_max_num_seqs_requests_wait_and_are_served_in_order() -> None:
    engine, tally = engine_with(max_num_seqs=2)
    sequences = [sequence() for _ in range(5)]
    for seq in sequences:
        engine.add(seq)
    engine.begin_step(0.0)
    assert (len(engine.running), len(engine.waiting)) == (2, 3)
    engine.end_step(1.0)
    run(engine, 1.0)
    assert tally.firsts == sequences
    assert [seq.scheduled_at for seq in sequences] == sorted(seq.scheduled_at or 0 for seq in sequences)


def test_a_big_request_at_the_head_of_the_queue_is_not_overtaken() -> None:
    engine, _ = engine_with(num_gpu_blocks=10, block_size=16)
    engine.add(sequence(prompt=100, budget=3))
    big, small = sequence(prompt=120), sequence(prompt=16)
    engine.add(big)
    engine.add(small)
    engine.begin_step(0.0)
    assert list(engine.waiting) == [big, small]


def test_kv_usage_is_the_share_of_blocks_in_use_and_falls_to_zero() -> None:
    engine, _ = engine_with(num_gpu_blocks=100, block_size=16)
    engine.add(sequence(prompt=160))
    engine.begin_step(0.0)
    assert engine.kv_usage == pytest.approx(0.10)
    engine.end_step(0.1)
    run(engine, 0.1)
    assert engine.kv_usage == 0.0


def test_when_blocks_run_out_the_youngest_is_preempted_and_still_gets_all_its_tokens() -> None:
    engine, tally = engine_with(num_gpu_blocks=4, block_size=16)
    old, young = sequence(prompt=16, budget=40), sequence(prompt=16, budget=40)
    engine.add(old)
    engine.add(young)
    run(engine)
    assert tally.preemptions >= 1
    assert (old.preemptions, young.preemptions) == (0, tally.preemptions)
    assert (old.generated, young.generated) == (40, 40)
    assert tally.firsts == [old, young], "a recomputed prefill is no second first token"
    assert engine.free_blocks == 4


def test_an_aborted_request_gives_back_its_blocks_whether_it_ran_or_waited() -> None:
    engine, tally = engine_with(max_num_seqs=1)
    ran, waited = sequence(), sequence()
    engine.add(ran)
    engine.add(waited)
    engine.begin_step(0.0)
    engine.abort(waited, 0.1)
    engine.abort(ran, 0.1)
    engine.abort(ran, 0.2)
    assert [seq.finish for seq in tally.finished] == [Finish.ABORT, Finish.ABORT]
    assert engine.kv_usage == 0.0
    assert engine.end_step(0.3) == []
    assert engine.begin_step(0.3) is None


def test_the_queue_limits_name_the_limit_that_was_hit() -> None:
    engine, _ = engine_with(max_num_queued_reqs=1)
    assert engine.rejection(10) is None
    engine.add(sequence())
    assert engine.rejection(10) is Rejection.REQUESTS
    engine, _ = engine_with(max_num_queued_tokens=120)
    engine.add(sequence(prompt=100))
    assert engine.rejection(20) is None
    assert engine.rejection(21) is Rejection.TOKENS


def test_an_idle_engine_asks_for_no_step() -> None:
    engine, _ = engine_with()
    assert engine.begin_step(0.0) is None

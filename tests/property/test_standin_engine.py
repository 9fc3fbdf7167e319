"""Laws of the stand-in's scheduler under any traffic."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer_standin.engine import Engine, Finish, Sequence
from elastometer_standin.settings import EngineLimits, Pace

BLOCKS, BLOCK_SIZE = 12, 4
REQUESTS = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 18), st.integers(0, 20), st.integers(0, 60)),
    min_size=1,
    max_size=12,
)
"""(prompt tokens, budget, step of arrival, step of abort or beyond the end)."""


class Tally:
    def __init__(self) -> None:
        self.tokens = 0
        self.finished: list[Sequence] = []

    def on_step(self, tokens: int, gaps: Counter[float]) -> None:
        self.tokens += gaps.total()

    def on_first_token(self, seq: Sequence, now: float) -> None:
        self.tokens += 1

    def on_preemption(self) -> None:
        pass

    def on_finish(self, seq: Sequence, now: float) -> None:
        self.finished.append(seq)


@settings(max_examples=150, deadline=None)
@given(requests=REQUESTS, max_num_seqs=st.integers(1, 5))
def test_every_request_ends_once_and_every_block_and_token_is_accounted_for(
    requests: list[tuple[int, int, int, int]], max_num_seqs: int
) -> None:
    tally = Tally()
    limits = EngineLimits(max_num_seqs, 16, BLOCKS, BLOCK_SIZE, BLOCKS * BLOCK_SIZE)
    engine = Engine(limits, Pace(), tally)
    everyone = [Sequence(prompt, budget, Finish.LENGTH, 0.0, budget) for prompt, budget, _, _ in requests]
    handed_out = 0
    now = 0.0
    for step in range(2000):
        for seq, (_, _, arrival, abort) in zip(everyone, requests, strict=True):
            if arrival == step:
                engine.add(seq)
            if abort == step and abort >= arrival:
                engine.abort(seq, now)
        end = engine.begin_step(now)
        held = sum(seq.blocks for seq in engine.running)
        assert held + engine.free_blocks == BLOCKS
        assert len(engine.running) <= max_num_seqs
        if end is None:
            if step > 60:
                break
            continue
        assert end > now
        now = end
        handed_out += len(engine.end_step(now))
    assert engine.unfinished == 0
    assert engine.free_blocks == BLOCKS
    assert len(tally.finished) == len(everyone) == len({id(seq) for seq in tally.finished})
    assert handed_out == tally.tokens == sum(seq.generated for seq in everyone)
    for seq in everyone:
        assert seq.generated == seq.budget or seq.finish is Finish.ABORT

"""Continuous batching in virtual time: which requests wait, run or are preempted, and how long a step takes.

Pure: every instant is passed in (seconds of any monotonic clock); there is no I/O, no sleeping and no randomness here.
The rules are those of vLLM's V1 scheduler, without priorities, prefix caching and speculation
(https://github.com/vllm-project/vllm/blob/main/vllm/v1/core/sched/scheduler.py).
"""

import enum
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Protocol

from elastometer_standin.settings import EngineLimits, Pace


class Finish(enum.Enum):
    """Why a sequence ended; the values are vLLM's `finish_reason`s, all of which label vllm:request_success."""

    STOP = "stop"
    LENGTH = "length"
    ABORT = "abort"
    ERROR = "error"
    REPETITION = "repetition"


class Rejection(enum.Enum):
    """Which queue limit turned a request away; the values are vLLM's label values."""

    REQUESTS = "max_num_queued_reqs"
    TOKENS = "max_num_queued_tokens"


@dataclass(slots=True, eq=False)
class Sequence:
    """One request inside the engine, compared by identity: two equal requests are still two."""

    prompt_tokens: int
    budget: int
    """Tokens it will generate unless it is aborted, the end-of-text token included."""
    ending: Finish
    """How it ends when the budget is spent."""
    arrived: float
    max_tokens: int
    sink: Any = None
    """The reply that receives the tokens. The engine carries it and never uses it."""
    generated: int = 0
    computed: int = 0
    """Tokens whose KV is in the cache."""
    target: int = 0
    """Tokens whose KV must be computed before the next token can be generated."""
    chunk: int = 0
    """Prefill tokens in the step under way."""
    blocks: int = 0
    scheduled_at: float | None = None
    first_token_at: float | None = None
    last_token_at: float | None = None
    preemptions: int = 0
    finish: Finish | None = None


class Recorder(Protocol):
    """Is notified of engine events; `now` is in seconds of the engine's clock.

    `on_step` gets the step's tokens as vLLM counts them (a prompt in the step that completes it, and each generated
    token), and how often each gap in seconds between a sequence's token and the one before it occurred.
    `on_first_token` is called once per sequence, even if it is preempted later.
    """

    def on_step(self, tokens: int, gaps: Counter[float]) -> None: ...
    def on_first_token(self, seq: Sequence, now: float) -> None: ...
    def on_preemption(self) -> None: ...
    def on_finish(self, seq: Sequence, now: float) -> None: ...


@dataclass(slots=True)
class _Step:
    """The step under way: what is left of max_num_batched_tokens, and what fills it."""

    room: int
    decodes: int = 0
    prefill: int = 0
    begins: bool = False
    """Whether some request begins its prefill in this step."""


class Engine:
    """The scheduler. `begin_step` decides what runs and until when; `end_step` hands out the tokens."""

    def __init__(self, limits: EngineLimits, pace: Pace, recorder: Recorder) -> None:
        self.limits = limits
        self.pace = pace
        self.recorder = recorder
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self.held: list[Sequence] = []
        """Sequences that are kept from the queue for a time; the one who puts them here adds them later."""
        self.free_blocks = limits.num_gpu_blocks

    @property
    def kv_usage(self) -> float:
        """Share of KV blocks in use, 0 to 1."""
        return 1.0 - self.free_blocks / self.limits.num_gpu_blocks

    @property
    def unfinished(self) -> int:
        """Requests in the engine: running, waiting or held."""
        return len(self.running) + len(self.waiting) + len(self.held)

    def rejection(self, prompt_tokens: int) -> Rejection | None:
        """Whether the queue limits forbid one more request of this size."""
        limits = self.limits
        if limits.max_num_queued_reqs is not None and len(self.waiting) >= limits.max_num_queued_reqs:
            return Rejection.REQUESTS
        if limits.max_num_queued_tokens is not None:
            queued = sum(seq.prompt_tokens for seq in self.waiting)
            if queued + prompt_tokens > limits.max_num_queued_tokens:
                return Rejection.TOKENS
        return None

    def add(self, seq: Sequence) -> None:
        """Put a sequence at the end of the queue; it runs from the next `begin_step` that has room for it."""
        seq.target = seq.prompt_tokens
        self.waiting.append(seq)

    def begin_step(self, start: float) -> float | None:
        """Schedule one step; returns the instant at which it ends, or None when there is nothing to do."""
        preempted = self._reserve_decode_blocks()
        step = _Step(self.limits.max_num_batched_tokens)
        # Decodes take their tokens of the budget before any prefill: chunked prefill never holds up running answers.
        for seq in self.running:
            if seq.computed == seq.target:
                seq.chunk = 0
                step.decodes += 1
                step.room -= 1
        for seq in self.running:
            if seq.computed < seq.target:
                self._prefill(seq, step)
        if not preempted:  # as in vLLM: a step that had to preempt a sequence admits none
            self._admit(step, start)
        if not self.running:
            return None
        seconds = self.pace.decode_seconds(step.decodes)
        if step.prefill:
            seconds += self.pace.prefill_seconds(step.prefill, begins=step.begins)
        return start + seconds

    def end_step(self, now: float) -> list[Sequence]:
        """Finish the step under way; returns the sequences that got a token, some of which have ended with it."""
        emitted: list[Sequence] = []
        gaps: Counter[float] = Counter()
        tokens = 0
        for seq in self.running:
            seq.computed += seq.chunk
            if seq.computed < seq.target:
                continue
            seq.generated += 1
            # The new token's KV counts as computed here; its block is reserved when the next step begins.
            seq.target = seq.computed = seq.prompt_tokens + seq.generated
            tokens += 1
            if seq.first_token_at is None:
                seq.first_token_at = now
                tokens += seq.prompt_tokens  # vLLM counts a prompt in the step that completes it
                self.recorder.on_first_token(seq, now)
            else:
                gaps[now - (seq.last_token_at or now)] += 1
            seq.last_token_at = now
            emitted.append(seq)
        self.recorder.on_step(tokens, gaps)
        self._retire(now)
        return emitted

    def abort(self, seq: Sequence, now: float) -> None:
        """Remove one sequence wherever it is. Has no effect when it has ended already."""
        if seq.finish is not None:
            return
        next(place for place in (self.running, self.waiting, self.held) if seq in place).remove(seq)
        self._end(seq, Finish.ABORT, now)

    def abort_all(self, now: float, finish: Finish = Finish.ABORT) -> list[Sequence]:
        """Remove all sequences and return them, the running ones first."""
        ended = [*self.running, *self.waiting, *self.held]
        for place in (self.running, self.waiting, self.held):
            place.clear()
        for seq in ended:
            self._end(seq, finish, now)
        return ended

    def _blocks_for(self, tokens: int) -> int:
        return -(-tokens // self.limits.block_size)

    def _reserve_decode_blocks(self) -> bool:
        """Give each decoding sequence the block that its next token needs; True when one had to be preempted."""
        preempted = False
        index = 0
        while index < len(self.running):
            seq = self.running[index]
            if seq.target <= seq.blocks * self.limits.block_size:
                index += 1
            elif self.free_blocks:
                self.free_blocks -= 1
                seq.blocks += 1
                index += 1
            else:
                self._preempt(self.running.pop())  # the one admitted last, as in vLLM's default policy
                preempted = True
        return preempted

    def _preempt(self, seq: Sequence) -> None:
        """Send a sequence back to the head of the queue; its KV is dropped and recomputed (vLLM's preemption mode)."""
        self.free_blocks += seq.blocks
        seq.blocks = seq.computed = seq.chunk = 0
        seq.preemptions += 1
        self.waiting.appendleft(seq)
        self.recorder.on_preemption()

    def _prefill(self, seq: Sequence, step: _Step) -> None:
        seq.chunk = min(seq.target - seq.computed, max(step.room, 0))
        step.room -= seq.chunk
        step.prefill += seq.chunk
        step.begins = step.begins or (seq.computed == 0 and seq.chunk > 0)

    def _admit(self, step: _Step, start: float) -> None:
        while self.waiting and len(self.running) < self.limits.max_num_seqs and step.room > 0:
            seq = self.waiting[0]
            need = self._blocks_for(seq.target)
            if need > self.free_blocks:
                return  # first come, first served: a small request must not overtake a large one
            self.waiting.popleft()
            self.free_blocks -= need
            seq.blocks = need
            if seq.scheduled_at is None:  # queue time ends once; being preempted and admitted again does not count
                seq.scheduled_at = start
            self.running.append(seq)
            self._prefill(seq, step)

    def _retire(self, now: float) -> None:
        staying: list[Sequence] = []
        for seq in self.running:
            if seq.generated < seq.budget:
                staying.append(seq)
            else:
                self._end(seq, seq.ending, now)
        self.running = staying

    def _end(self, seq: Sequence, finish: Finish, now: float) -> None:
        self.free_blocks += seq.blocks
        seq.blocks = 0
        seq.finish = finish
        self.recorder.on_finish(seq, now)

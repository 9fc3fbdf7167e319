"""Concurrency, and Sweep: a fixed number of requests in flight until all of them were answered. Closed loop. Pure."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.base.spans import NO_THINKING
from elastometer_loadgen.stages.defaults import ClosedLoop
from elastometer_loadgen.stages.stage import (
    MAX_REQUESTS,
    MAX_STAGE_SECONDS,
    MAX_USERS,
    Context,
    StageType,
    Turns,
    read_max_requests,
    read_warmup,
)
from elastometer_loadgen.stages.trace_file import MAX_TOKENS, Size
from elastometer_loadgen.stages.users import UsersStage

CONCURRENCY_FIELDS = ("durationSeconds", "concurrency", "requests", "maximumRequests", "warmupSeconds")
SWEEP_FIELDS = ("inputTokens", "outputTokens", "requestsEach")


@dataclass(frozen=True, slots=True)
class CountStage(ClosedLoop):
    """Closed loop until `count` requests were sent and answered: Concurrency by count, and Sweep with one at a time.

    A Sweep goes through `sizes` in order, each `count / len(sizes)` times. No request takes more than
    `request_seconds`.
    """

    name: str
    type: StageType
    concurrency: int
    count: int
    request_seconds: int
    sizes: tuple[Size, ...] = ()

    @property
    def duration_seconds(self) -> int:
        return -(-self.count // self.concurrency) * self.request_seconds

    @property
    def expected(self) -> Fraction:
        return Fraction(self.count)

    @property
    def is_open_ended(self) -> bool:
        return True

    @property
    def fixes_sizes(self) -> bool:
        return bool(self.sizes)

    @property
    def sized_tasks(self) -> tuple[str, ...]:
        return tuple(size.task for size in self.sizes)

    def size(self, number: int) -> Size | None:
        """The size of the request with this number within the stage; None where its task determines it."""
        return self.sizes[number * len(self.sizes) // self.count] if self.sizes else None

    def with_request_seconds(self, seconds: int) -> "CountStage":
        """It lasts as long as its conversations may; a request of a given size is no conversation."""
        return self if self.sizes else replace(self, request_seconds=seconds)

    def requests(self, turns: Turns) -> Fraction:
        return self.expected if self.sizes else self.expected * turns.most

    def details(self) -> dict[str, Any]:
        lengths = [size.prompt_tokens for size in self.sizes]
        return {"concurrency": self.concurrency, **({"inputTokens": lengths} if lengths else {})}

    def sentence(self) -> str:
        lengths = ", ".join(str(size.prompt_tokens) for size in self.sizes)
        return f"{self.concurrency} in flight" + (f", prompts of {lengths} tokens" if lengths else "")

    def load_at(self, seconds: float) -> str:  # noqa: ARG002
        return f"{self.concurrency} in flight"


def read_concurrency(fields: Fields, context: Context) -> UsersStage | CountStage:
    """Held by time when durationSeconds is given, by count when requests is; exactly one of the two must be."""
    name, concurrency = fields.name(), fields.integer("concurrency", 1, MAX_USERS, default=None)
    if fields.has("durationSeconds") == fields.has("requests"):
        fields.fault("durationSeconds", "must be given, or requests instead, but not both")
    if not fields.has("requests"):
        seconds = fields.integer("durationSeconds", 1, MAX_STAGE_SECONDS, default=1)
        return UsersStage(name, StageType.CONCURRENCY, seconds, concurrency, None, NO_THINKING,
                          read_max_requests(fields), warmup_seconds=read_warmup(fields, seconds, "durationSeconds"))
    for given in ("maximumRequests", "warmupSeconds"):
        if fields.has(given):
            fields.refuse(given, "be absent where requests is given")
    count = fields.integer("requests", 1, MAX_REQUESTS, default=None)
    return CountStage(name, StageType.CONCURRENCY, concurrency, count, context.request_seconds)


def read_sweep(fields: Fields, context: Context) -> CountStage:
    """One request at a time through the lengths, `requestsEach` of each."""
    output = fields.integer("outputTokens", 1, MAX_TOKENS, default=None)
    each = fields.integer("requestsEach", 1, 100_000, default=None)
    listed, names = fields.elements("inputTokens", 100)
    lengths = [listed.integer(name, 1, MAX_TOKENS, default=None) for name in names]
    sizes = tuple(Size(f"sweep-{length}", length, output) for length in lengths)
    count = each * max(len(sizes), 1)
    return CountStage(fields.name(), StageType.SWEEP, 1, count, context.request_seconds, sizes)

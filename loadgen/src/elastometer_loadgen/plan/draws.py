"""What a request draws: numbers from the seed and its id alone, and from them the fields of its body.

The draw is a hash, not a random stream: no request depends on another one. What was added later is drawn from a second
hash, so that the requests of older profiles stay what they were. Pure.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import orjson

from elastometer_loadgen.base.spans import Span
from elastometer_loadgen.profile.sampling import SAMPLED, SeedRule
from elastometer_loadgen.profile.task import Task

# Six draws of 64 bits (task, row, token limit and three sampling fields) and one of 16 for the fingerprint.
DRAWS = struct.Struct("<6QH")
# Four more: two sampling fields, the length of a generated prompt and the seed that the server gets.
FURTHER_DRAWS = struct.Struct("<4Q")
PLACES = {
    "temperature": 3, "topP": 4, "repetitionPenalty": 5, "frequencyPenalty": 7, "presencePenalty": 8,
}
INPUT_PLACE, SEED_PLACE = 9, 10
# Places above it hold numbers of the second hash.
SECOND_HASH = 6
RANGE_BITS = 64
RANGE = 1 << RANGE_BITS
# Servers differ in the seeds that they take; 31 bits without a sign fit all of them.
SEED_BITS = 31
NO_INPUT = range(1)
TAIL = b',"stream":true,"stream_options":{"include_usage":true}}'
SAMPLING_DECIMALS = 4


def draw(seed: int, request_id: int) -> tuple[int, ...]:
    """The numbers of a request, in the order of DRAWS."""
    return DRAWS.unpack(blake2b(f"{seed}/requests/{request_id}".encode(), digest_size=DRAWS.size).digest())


def draw_further(seed: int, request_id: int) -> tuple[int, ...]:
    """The numbers after those, in the order of FURTHER_DRAWS."""
    digest = blake2b(f"{seed}/requests/{request_id}/further".encode(), digest_size=FURTHER_DRAWS.size).digest()
    return FURTHER_DRAWS.unpack(digest)


class Decimal(NamedTuple):
    """A drawn field: (offset + slope * draw) / divisor, in integers, so that the result is rounded only once."""

    name: bytes
    place: int
    offset: int
    slope: int
    divisor: int

    def json(self, draws: Sequence[int]) -> bytes:
        """The field as part of a body."""
        value = round((self.offset + self.slope * draws[self.place]) / self.divisor, SAMPLING_DECIMALS)
        return b',"%b":%b' % (self.name, orjson.dumps(value))


@dataclass(frozen=True, slots=True)
class Drawn:
    """The fields that each request of a task draws."""

    limits: range
    decimals: tuple[Decimal, ...]
    inputs: range | None
    sends_seed: bool
    needs_further: bool
    """Whether the numbers of the second hash are used."""

    def limit(self, draws: Sequence[int]) -> int:
        """The most tokens that a request asks for."""
        return self.limits[draws[2] * len(self.limits) // RANGE]

    def input_tokens(self, draws: Sequence[int]) -> int:
        """The length of a generated prompt; 0 where none is generated."""
        inputs = self.inputs or NO_INPUT
        return inputs[draws[INPUT_PLACE] * len(inputs) // RANGE]

    def json(self, limit: int, draws: Sequence[int]) -> bytes:
        """The end of a body, from the value of the token limit on."""
        seed = b',"seed":%d' % (draws[SEED_PLACE] >> RANGE_BITS - SEED_BITS) if self.sends_seed else b""
        return b"%d%b%b%b" % (limit, b"".join([field.json(draws) for field in self.decimals]), seed, TAIL)


def drawn_fields(task: Task) -> Drawn:
    """The fields that the requests of a task draw."""
    spans = task.sampling.spans
    decimals = tuple(
        _decimal(field.body_name, PLACES[name], spans[name]) for name, field in SAMPLED.items() if name in spans
    )
    inputs = None if task.input_tokens is None else _choices(task.input_tokens)
    sends_seed = task.sampling.seed is SeedRule.PER_REQUEST
    needs_further = sends_seed or inputs is not None or any(field.place > SECOND_HASH for field in decimals)
    return Drawn(_choices(task.maximum_tokens), decimals, inputs, sends_seed, needs_further)


def _choices(span: Span) -> range:
    return range(int(span.low), int(span.high) + 1)


def _decimal(name: str, place: int, span: Span) -> Decimal:
    (low, below), (width, under) = span.low.as_integer_ratio(), (span.high - span.low).as_integer_ratio()
    return Decimal(name.encode(), place, low * under * RANGE, width * below, below * under * RANGE)

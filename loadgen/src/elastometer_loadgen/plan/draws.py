"""What a request draws: numbers from the seed and its id alone, and from them the fields of its body.

The draw is a hash, not a random stream: no request depends on another one. Pure.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import orjson

from elastometer_loadgen.base.spans import Span
from elastometer_loadgen.profile.task import Task

# Six draws of 64 bits (task, row, token limit and three sampling fields) and one of 16 for the fingerprint.
DRAWS = struct.Struct("<6QH")
RANGE = 2**64
TAIL = b',"stream":true,"stream_options":{"include_usage":true}}'
SAMPLING_DECIMALS = 4


def draw(seed: int, request_id: int) -> tuple[int, ...]:
    """The numbers of a request, in the order of DRAWS."""
    return DRAWS.unpack(blake2b(f"{seed}/requests/{request_id}".encode(), digest_size=DRAWS.size).digest())


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

    least_tokens: int
    token_choices: int
    decimals: tuple[Decimal, ...]

    def limit(self, draws: Sequence[int]) -> int:
        """The most tokens that a request asks for."""
        return self.least_tokens + draws[2] * self.token_choices // RANGE

    def json(self, limit: int, draws: Sequence[int]) -> bytes:
        """The end of a body, from the value of the token limit on."""
        return b"%d%b%b" % (limit, b"".join([field.json(draws) for field in self.decimals]), TAIL)


def drawn_fields(task: Task) -> Drawn:
    """The fields that the requests of a task draw."""
    least, most = int(task.maximum_tokens.low), int(task.maximum_tokens.high)
    sampling = {"temperature": task.temperature, "top_p": task.top_p, "repetition_penalty": task.repetition_penalty}
    decimals = (_decimal(name, at, span) for at, (name, span) in enumerate(sampling.items(), 3) if span is not None)
    return Drawn(least, most - least + 1, tuple(decimals))


def _decimal(name: str, place: int, span: Span) -> Decimal:
    (low, below), (width, under) = span.low.as_integer_ratio(), (span.high - span.low).as_integer_ratio()
    return Decimal(name.encode(), place, low * under * RANGE, width * below, below * under * RANGE)

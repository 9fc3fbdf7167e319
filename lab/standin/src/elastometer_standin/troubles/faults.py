"""Faults on demand. Whether a request is struck depends on the request and a seed, never on a clock.

So the same requests meet the same faults in every run and on every replica, whatever the timing.
"""

import enum
import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass


class Fault(enum.Enum):
    """What can happen to one request; the values are the names in `--standin-<value>-rate`.

    Where several could strike one request, the first in this order does: faults before a reply come first.
    """

    ERROR = "error"
    """HTTP 500 at once."""
    UNAVAILABLE = "unavailable"
    """HTTP 503 at once."""
    DROP = "drop"
    """The connection is closed before a byte of the reply."""
    RESET_FIRST = "reset-first"
    """As drop, by RST."""
    MUTE = "mute"
    """No byte of the reply is ever sent, and the connection stays open."""
    TRUNCATE = "truncate"
    """The stream ends in its middle: no finish_reason, no [DONE], connection closed."""
    RESET = "reset"
    """As truncate, by RST."""
    STALL = "stall"
    """The stream falls silent in its middle and stays open."""
    ABORT = "abort"
    """The stream ends in its middle with finish_reason `abort`, usage and [DONE]."""
    CROSSTALK = "crosstalk"
    """The answer carries the canary of the request before."""
    BROKEN_JSON = "broken-json"
    """One event of the stream (or the whole body) is not JSON."""
    OTHER_TASK = "other-task"
    """The answer belongs to an earlier request that asked for a label, or for JSON."""
    WRONG_LABEL = "wrong-label"
    """None of the labels that were asked for."""
    LABEL_CASE = "label-case"
    """The right label with upper and lower case swapped."""
    NOT_JSON = "not-json"
    """Plain words where JSON was asked for."""
    JSON_IN_TEXT = "json-in-text"
    """JSON in a code fence, with words before it."""
    CUT_JSON = "cut-json"
    """JSON that ends in its middle, although the reply says `stop`."""
    MISSING_FIELD = "missing-field"
    """A required field is missing."""
    FIELD_CASE = "field-case"
    """A required field's name with upper and lower case swapped."""
    STRING_FOR_ARRAY = "string-for-array"
    """A list written as one string with commas."""
    QUOTED_NUMBER = "quoted-number"
    """A number in quotes."""
    REPEAT = "repeat"
    """The same few words over and over."""
    CUT = "cut"
    """Half the text, and finish_reason `length`."""
    SHORT = "short"
    """Three tokens and finish_reason `stop`."""
    FORGET = "forget"
    """The text without the facts that the prompt asked to remember."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The rates of all faults, each 0 to 1, and the seed that picks the requests."""

    rates: Mapping[str, float]
    seed: int = 0

    @property
    def armed(self) -> bool:
        """Whether any request can be struck. Without it no prompt needs to be searched for what could be broken."""
        return any(rate > 0.0 for rate in self.rates.values())

    def fault_for(self, key: int, possible: Set[Fault] = frozenset(Fault)) -> Fault | None:
        """The fault that strikes the request with this key, if any; the first in the enum's order wins."""
        for fault in Fault:
            rate = self.rates.get(fault.value, 0.0)
            # The fault's name is part of the draw, so one fault's rate does not decide which requests another strikes.
            if rate > 0.0 and fault in possible and draw(key, fault.value, self.seed) < rate:
                return fault
        return None


def draw(key: int, name: str, seed: int) -> float:
    """A number in [0, 1) that depends on the arguments only.

    A hash of them and not `random`: the same on every replica, and independent for each fault of one request.
    """
    digest = hashlib.blake2b(f"{seed}:{name}:{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def parse_rates(rates: Mapping[str, float]) -> dict[str, float]:
    """A checked copy of the rates; ValueError names the one that is unknown or out of range."""
    known = {fault.value for fault in Fault}
    for name, rate in rates.items():
        if name not in known:
            raise ValueError(f"fault {name!r} is unknown; must be one of {', '.join(sorted(known))}")
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0.0 <= rate <= 1.0:
            raise ValueError(f"rate of fault {name!r} must be a number from 0 to 1, got {rate!r}")
    return {name: float(rate) for name, rate in rates.items()}

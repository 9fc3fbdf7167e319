"""Faults on demand. Which requests a fault strikes is fixed by the requests and a seed, never by a clock.

So the same requests meet the same faults in every run and on every replica, whatever the timing. Only a condition
(`troubles.conditions`) can ask for more: then a request that would be struck is spared while it does not hold.
"""

import enum
import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from elastometer_standin.troubles.conditions import Circumstance, Circumstances, Condition, parse_condition


class Fault(enum.Enum):
    """What can happen to one request; the values are the names in `--standin-<value>-rate` and `-when`.

    Where several could strike one request, the first in this order does: faults before a reply come first.
    """

    ERROR = "error"
    """HTTP 500 at once."""
    UNAVAILABLE = "unavailable"
    """HTTP 503 at once."""
    OOM = "oom"
    """HTTP 500 after the time of the prefill, and torch's log line about memory that ran out."""
    ENGINE_DEAD = "engine-dead"
    """The engine dies: every open reply fails, and the process ends."""
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
    """The answer belongs to an earlier request of another kind."""
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
    LATE_REPEAT = "late-repeat"
    """The same few words over and over in the last third of the text."""
    GARBLE = "garble"
    """U+FFFD in the middle of the text, as after bytes that are not UTF-8."""
    CUT = "cut"
    """Half the text, and finish_reason `length`."""
    EARLY_STOP = "early-stop"
    """Finish_reason `stop` at 93 % of max_tokens, however long the text would have been."""
    SHORT = "short"
    """Three tokens and finish_reason `stop`."""
    FORGET = "forget"
    """The text without the facts that the prompt asked to remember."""
    DELAY = "delay"
    """The request begins to wait only after a time. Drawn apart: it can strike together with one of the others."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The rates of all faults, each 0 to 1, the conditions of some, and the seed that picks the requests."""

    rates: Mapping[str, float]
    seed: int = 0
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """By the fault's name. A fault without one may strike at any time."""

    @property
    def armed(self) -> frozenset[Fault]:
        """The faults that can strike any request. Without one no prompt needs to be searched for what could break."""
        return frozenset(fault for fault in Fault if self.rates.get(fault.value, 0.0) > 0.0)

    def fault_for(self, key: int, possible: Set[Fault] = frozenset(Fault)) -> Fault | None:
        """The fault that strikes the request with this key, if any; the first in the enum's order wins."""
        return next((fault for fault in Fault if fault in possible and self._strikes(fault, key)), None)

    def allowed(self, circumstances: Circumstances, injected: Mapping[Fault, int]) -> frozenset[Fault]:
        """The armed faults whose condition holds; `injected` counts how often each has struck before."""
        return frozenset(
            fault
            for fault in self.armed
            if (condition := self.conditions.get(fault.value)) is None
            or condition.holds({**circumstances, Circumstance.INJECTED: injected.get(fault, 0)})
        )

    def _strikes(self, fault: Fault, key: int) -> bool:
        rate = self.rates.get(fault.value, 0.0)
        # The fault's name is part of the draw, so one fault's rate does not decide which requests another strikes.
        return rate > 0.0 and draw(key, fault.value, self.seed) < rate


def draw(key: int, name: str, seed: int) -> float:
    """A number in [0, 1) that depends on the arguments only.

    A hash of them and not `random`: the same on every replica, and independent for each fault of one request.
    """
    digest = hashlib.blake2b(f"{seed}:{name}:{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def parse_rates(rates: Mapping[str, float]) -> dict[str, float]:
    """A checked copy of the rates; ValueError names the one that is unknown or out of range."""
    for name, rate in rates.items():
        _refuse_unknown(name)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0.0 <= rate <= 1.0:
            raise ValueError(f"rate of fault {name!r} must be a number from 0 to 1, got {rate!r}")
    return {name: float(rate) for name, rate in rates.items()}


def parse_conditions(texts: Mapping[str, Any]) -> dict[str, Condition]:
    """The conditions by fault; an empty text means no condition. ValueError names the fault and what is wrong."""
    for name, text in texts.items():
        _refuse_unknown(name)
        if not isinstance(text, str):
            raise ValueError(f"condition of fault {name!r} must be a text, got {text!r}")
    return {name: _condition(name, text) for name, text in texts.items() if text.strip()}


def _condition(name: str, text: str) -> Condition:
    try:
        return parse_condition(text)
    except ValueError as error:
        raise ValueError(f"condition of fault {name!r}: {error}") from None


def _refuse_unknown(name: str) -> None:
    known = sorted(fault.value for fault in Fault)
    if name not in known:
        raise ValueError(f"fault {name!r} is unknown; must be one of {', '.join(known)}")

"""When a fault may strike: `streams>=60,turn>4` and what such a text is compared with. Pure; instants are passed in."""

import enum
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf


class Circumstance(enum.Enum):
    """What a condition can ask about one request as it arrives; the values are the names in a condition."""

    STREAMS = "streams"
    """Requests in the server, waiting or running, this one included."""
    PROMPT_TOKENS = "prompt-tokens"
    """Of the whole prompt, with its template, as `usage` states them."""
    PROMPT_CHARACTERS = "prompt-characters"
    """Of the last message of the user; of the prompt, where it is a text and no chat."""
    MAX_TOKENS = "max-tokens"
    """The most tokens that the answer may have, cut to what the context has left."""
    TURN = "turn"
    """Messages of the user in the request: 1 in the first turn of a conversation."""
    BURST_SECONDS = "burst-seconds"
    """Since the first request after a time without any; see `Bursts`."""
    UPTIME_SECONDS = "uptime-seconds"
    """Since the server began to serve."""
    INJECTED = "injected"
    """How often this process has injected the fault before."""


Circumstances = Mapping[Circumstance, float]

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}
_TERM = re.compile(r"\s*([a-z-]+)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*")
BURST_GAP_SECONDS = 3.0
"""After this long without a request the next one begins a burst."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Terms that must all hold: a circumstance, how it is compared, and with what."""

    text: str
    terms: tuple[tuple[Circumstance, str, float], ...]

    def holds(self, circumstances: Circumstances) -> bool:
        """Whether every term holds."""
        return all(OPERATORS[sign](circumstances[name], bound) for name, sign, bound in self.terms)


def parse_condition(text: str) -> Condition:
    """`streams>=60,turn>4`: terms joined by commas. ValueError names the term that is wrong and states the rule."""
    return Condition(text, tuple(_term(part) for part in text.split(",")))


def _term(text: str) -> tuple[Circumstance, str, float]:
    found = _TERM.fullmatch(text)
    names = [circumstance.value for circumstance in Circumstance]
    if found is None or found.group(1) not in names:
        raise ValueError(
            f"each term of a condition must be NAME<NUMBER with one of {', '.join(OPERATORS)} and a NAME of "
            f"{', '.join(names)}, one is {text.strip()!r}"
        )
    return Circumstance(found.group(1)), found.group(2), float(found.group(3))


@dataclass(slots=True)
class Bursts:
    """Finds the first request of each burst: one that comes after `BURST_GAP_SECONDS` in which none was under way."""

    began: float = -inf
    last_seen: float = -inf
    """When a request was last seen, arriving or under way."""

    def follow(self, under_way: int, now: float) -> None:
        """Note that requests are under way, or that the last of them has just ended; to be called whenever any ends."""
        if under_way:
            self.last_seen = inf
        elif self.last_seen == inf:
            self.last_seen = now

    def arrived(self, now: float) -> float:
        """Seconds since the burst began, 0 for its first request."""
        if now - self.last_seen >= BURST_GAP_SECONDS:
            self.began = now
        self.last_seen = max(now, self.last_seen)
        return now - self.began

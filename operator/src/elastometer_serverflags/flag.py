"""One flag of a server's command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Takes(StrEnum):
    """How many of the following arguments belong to a flag."""

    NOTHING = "nothing"
    ONE = "one"
    OPTIONAL = "optional"
    """One, or none where another flag follows."""
    MANY = "many"
    """All up to the next flag, and at least one."""


class Reads(StrEnum):
    """What vLLM makes of a value before it looks at what the value means."""

    TEXT = "text"
    INTEGER = "integer"
    HUMAN = "human"
    """An integer, also as `4k` (thousands) or `4K` (1024s)."""
    LENGTH = "length"
    """As HUMAN, or -1 or `auto`, for which the server finds the value itself."""
    NUMBER = "number"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag by its first name. `also` are its other names, `off` those that switch it off. With `is_optional`, an
    empty value and `None` mean the default, as if the flag had not been given. Without `choices`, any value may do."""

    name: str
    takes: Takes = Takes.ONE
    reads: Reads = Reads.TEXT
    also: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    is_optional: bool = False
    choices: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the parser knows."""
        return (self.name, *self.also, *self.off)

"""Reads untrusted mappings field by field and collects every fault instead of stopping at the first.

A fault names the path, the rule and the value. `null` counts as absent, since the API server drops nulls too.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import isfinite
from typing import Any, TypeVar

import orjson

DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
SIGNED = re.compile(rf"-?{DECIMAL.pattern}")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SHOWN_CHARACTERS = 80

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Fault:
    """One error in a document."""

    path: str
    rule: str

    def __str__(self) -> str:
        return f"{self.path} {self.rule}"


def shown(value: object) -> str:
    """The value as it was written, cut to a line."""
    try:
        # JSON has no NaN and no infinity: orjson would write null.
        text = str(value) if isinstance(value, float) and not isfinite(value) else _dumped(value)
    except TypeError:
        text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The most similar of the known words, whatever the case; None where none is similar."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lower, 1, cutoff)
    return lower[near[0]] if near else None


def unknown_field(name: object, known: Sequence[str], of: str = "") -> str:
    """The rule that a field breaks by not being one of those that are known, with what may have been meant. `of` is
    what the fields belong to, where that does not go without saying."""
    near = nearest(str(name), known)
    advice = f"did you mean {near}?" if near else f"known here: {', '.join(known) or 'none'}"
    return f"is not a known field{f' of {of}' if of else ''}; {advice}"


def _dumped(value: object) -> str:
    """Decimals, which stand for the numbers of a file, are shown as numbers."""
    return orjson.dumps(value, default=float).decode()


class Fields:
    """One mapping under inspection. After a fault a reader returns its default, or some value of the right type."""

    def __init__(self, value: object, path: str, faults: list[Fault], known: Sequence[str]) -> None:
        self.path = path
        self.faults = faults
        self._values: Mapping[str, Any] = {}
        if not isinstance(value, Mapping):
            faults.append(Fault(path or "the profile", f"must be a mapping; got {shown(value)}"))
            # Its fields are all missing as a consequence, which would only be noise: their faults go nowhere.
            self.faults = []
            return
        self._values = {str(key): item for key, item in value.items() if item is not None}
        for key in map(str, value):
            if key not in known:
                self.fault(key, unknown_field(key, known))

    def at(self, name: str) -> str:
        """The full path of a field of this mapping."""
        return f"{self.path}.{name}" if self.path else name

    def fault(self, name: str, rule: str) -> None:
        """Adds the fault that a field breaks a rule; `rule` continues the sentence that the path starts."""
        self.faults.append(Fault(self.at(name), rule))

    def refuse(self, name: str, rule: str) -> None:
        """Adds a broken "must" together with the value that was found."""
        self.fault(name, f"must {rule}; got {shown(self._values.get(name))}")

    def has(self, name: str) -> bool:
        """True when the field was given and is not null."""
        return name in self._values

    def raw(self, name: str) -> Any:
        """The value as it was given, or None."""
        return self._values.get(name)

    def integer(self, name: str, low: int, high: int, *, default: int | None) -> int:
        """An integer in [low, high]; `default=None` makes the field required."""
        value = self._given(name, required=default is None)
        fallback = low if default is None else default
        if value is None:
            return fallback
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.refuse(name, f"be an integer from {low} to {high}")
            return fallback
        return value

    def decimal(self, name: str, low: str, high: str, *, default: Fraction | None = None) -> Fraction | None:
        """A decimal string in [low, high]."""
        # Strings, since a spec should not contain floating-point numbers:
        # https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
        value = self.raw(name)
        if value is None:
            return default
        rule = f'be a decimal string from "{low}" to "{high}"'
        if not isinstance(value, str):
            self.refuse(name, f"{rule} (in quotes)" if isinstance(value, int | float) else rule)
            return default
        if not SIGNED.fullmatch(value) or not Fraction(low) <= Fraction(value) <= Fraction(high):
            self.refuse(name, rule)
            return default
        return Fraction(value)

    def text(self, name: str, max_characters: int, *, default: str | None) -> str:
        """A non-empty string of at most `max_characters`; `default=None` makes it required."""
        value = self._given(name, required=default is None)
        if value is None:
            return default or ""
        if not isinstance(value, str) or not 1 <= len(value) <= max_characters:
            self.refuse(name, f"be a string of 1 to {max_characters} characters")
            return default or ""
        return value

    def name(self) -> str:
        """The field `name`: a DNS label, since it ends up in labels and file names."""
        value = self._given("name", required=True)
        if value is None:
            return ""
        if not isinstance(value, str) or not NAME.fullmatch(value):
            self.refuse("name", "be at most 63 of a-z, 0-9 and '-', with no '-' at either end")
            return ""
        return value

    def choice(self, name: str, kind: type[Choice], *, default: Choice) -> Choice:
        """One of the values of an enum."""
        value = self.raw(name)
        if value is None:
            return default
        words = [item.value for item in kind]
        if not isinstance(value, str) or value not in words:
            near = nearest(str(value), words)
            hint = f" (did you mean {near}?)" if near else ""
            self.refuse(name, f"be one of {', '.join(words)}{hint}")
            return default
        return kind(value)

    def flag(self, name: str) -> bool:
        """True or false; False when absent."""
        value = self.raw(name)
        if value is not None and not isinstance(value, bool):
            self.refuse(name, "be true or false")
        return value is True

    def mapping(self, name: str, known: Sequence[str]) -> "Fields":
        """The fields of a nested mapping; an absent one is empty."""
        return Fields(self._values.get(name, {}), self.at(name), self.faults, known)

    def items(self, name: str, max_items: int, *, required: bool) -> list[Any]:
        """A list of 1 to `max_items` items; empty when the field is optional and absent."""
        value = self._given(name, required=required)
        if value is None:
            return []
        if not isinstance(value, list) or not 1 <= len(value) <= max_items:
            self.refuse(name, f"be a list of 1 to {max_items} items")
            return []
        return value

    def elements(self, name: str, max_items: int) -> "tuple[Fields, tuple[str, ...]]":
        """A required list of plain values as fields of their own, and their names, such as `inputTokens[0]`."""
        items = self.items(name, max_items, required=True)
        values = {f"{name}[{index}]": item for index, item in enumerate(items)}
        return Fields(values, self.path, self.faults, tuple(values)), tuple(values)

    def require(self, name: str, when: str = "") -> None:
        """Adds a fault when a required field is absent; `when` is the condition under which it is required."""
        if not self.has(name):
            self.fault(name, f"must be given{' when ' if when else ''}{when}; it is absent")

    def _given(self, name: str, *, required: bool) -> Any:
        if required:
            self.require(name)
        return self.raw(name)

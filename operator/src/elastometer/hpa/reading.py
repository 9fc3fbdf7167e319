"""Reads JSON that may be wrong: every flaw is noted as `path: rule, is value`, and reading continues."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from elastometer.hpa.arithmetic import INT32_MAX, INT32_MIN
from elastometer.hpa.quantity import RULE, milli_units
from elastometer.model.schema import Json, Reading, unknown_fields
from elastometer_loadgen.base.fields import unknown_field

Word = TypeVar("Word", bound=StrEnum)
_SHOWN = 60


class Node:
    """One place of a document, which may be absent. Its first flaw is noted; the value then returned only serves to
    read the rest of the document."""

    __slots__ = ("_flaws", "_key", "_parent", "value")

    def __init__(self, value: object, key: str, flaws: list[str], parent: Node | None = None) -> None:
        self.value = value
        self._key = key
        self._flaws = flaws
        self._parent = parent

    @property
    def path(self) -> str:
        """The path, such as `spec.metrics[0].type`; the root of a trace has an empty one."""
        above = self._parent.path if self._parent is not None else ""
        return f"{above}{self._key}" if not above or self._key.startswith("[") else f"{above}.{self._key}"

    @property
    def absent(self) -> bool:
        return self.value is None

    def refuse(self, rule: str) -> None:
        """Notes a flaw."""
        self._flaws.append(f"{self.path or 'document'}: {rule}, is {_shown(self.value)}")

    def at(self, key: str) -> Node:
        """The field of an object; absent if this place is absent or not an object (which is a flaw)."""
        value = self.value
        # Nearly every value is a dict, and that check is three times as fast as the one for Mapping.
        if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101
            return Node(value.get(key), key, self._flaws, self)
        if value is not None:
            self.refuse("must be an object")
            self.value = None
        return Node(None, key, self._flaws, self)

    def only(self, *known: str) -> None:
        """Refuses every field but these: one that is misspelt would be taken for an absent one."""
        if isinstance(self.value, Mapping):
            for name in self.value:
                if name not in known:
                    self._flaws.append(f"{Node(None, name, [], self).path}: {unknown_field(name, known)}")

    def only_in(self, schema: Json, reading: Reading) -> None:
        """The same with the fields of a schema, at every depth."""
        self._flaws.extend(unknown_fields(self.value, schema, self.path, reading))

    def items(self) -> Iterator[Node]:
        """The entries of a list; nothing if it is absent."""
        if isinstance(self.value, list):
            for index, item in enumerate(self.value):
                yield Node(item, f"[{index}]", self._flaws, self)
        elif self.value is not None:
            self.refuse("must be a list")

    def fields(self) -> Iterator[tuple[str, Node]]:
        """The fields of an object; nothing if it is absent."""
        if isinstance(self.value, Mapping):
            for key, item in self.value.items():
                yield key, Node(item, key, self._flaws, self)
        elif self.value is not None:
            self.refuse("must be an object")

    def text(self, may_be_empty: bool = False) -> str:
        """A text."""
        if isinstance(self.value, str) and (self.value or may_be_empty):
            return self.value
        self.refuse("must be a string")
        return ""

    def whole(self, low: int = INT32_MIN, high: int = INT32_MAX) -> int:
        """An integer, by default of 32 bits as in the API."""
        value = self.value
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.refuse(f"must be a whole number from {low} to {high}")
        return 0

    def number(self) -> float:
        """A finite number."""
        value = self.value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15:
            return float(value)
        self.refuse("must be a number")
        return 0.0

    def number_or_none(self) -> float | None:
        return None if self.value is None else self.number()

    def flag(self) -> bool:
        if isinstance(self.value, bool):
            return self.value
        self.refuse("must be true or false")
        return False

    def flag_or_false(self) -> bool:
        return self.value is not None and self.flag()

    def text_or_none(self) -> str | None:
        return None if self.value is None else self.text()

    def quantity(self) -> int:
        """Milli-units."""
        return milli_units(self.quantity_text())

    def quantity_text(self) -> str:
        """A quantity as text; the API also accepts a number."""
        value = self.value
        text = value if isinstance(value, str) else str(value)
        try:
            milli_units(text)
        except ValueError:
            self.refuse(RULE)
            return "1"
        return text

    def one_of(self, words: type[Word], otherwise: Word) -> Word:
        """A word of a closed set."""
        if isinstance(self.value, str) and self.value in list(words):
            return words(self.value)
        self.refuse(f"must be one of {', '.join(words)}")
        return otherwise

    def path_segment(self) -> str:
        """A name that can be part of an API path."""
        name = self.text()
        if name in (".", "..") or "/" in name or "%" in name:
            self.refuse("must be neither '.' nor '..' and must not hold '/' or '%'")
        return name


def _shown(value: object) -> str:
    """A value as a message shows it."""
    if value is None:
        return "absent"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

"""Templates in a JSON schema: values that must be those of the request's own row of data. Pure.

Only what a schema states as a value may hold a template: `const` and `enum`, at any depth of them. Such a value is
text; where the schema beside it asks for a number, an integer or a boolean, it is read as one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from elastometer_loadgen.base.numbers import decode
from elastometer_loadgen.base.template import render

OPENING = "{{"
VALUE_WORDS = ("const", "enum")
PLAIN_TYPES = ("number", "integer", "boolean")
# Words whose members are schemas under names of the author's choosing, one of which may be `const`.
NAMED_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
OMITTED = object()
# From a value of a schema, its path and whether it is read as a number or a boolean to what takes its place.
Fill: TypeAlias = Callable[[Any, str, bool], Any]


@dataclass(frozen=True, slots=True)
class ValueTemplate:
    """One text with a template; `is_plain` where it is read as a number or a boolean."""

    path: str
    text: str
    is_plain: bool


def value_templates(schema: object, path: str = "") -> tuple[ValueTemplate, ...]:
    """Every template in the values of a schema."""
    found: list[ValueTemplate] = []

    def note(value: Any, at: str, is_plain: bool) -> Any:
        found.extend(ValueTemplate(place, text, is_plain) for place, text in _texts(value, at) if OPENING in text)

    _mapped(schema, path, note)
    return tuple(found)


def rendered_schema(schema: Mapping[str, Any], row: Mapping[str, str]) -> dict[str, Any]:
    """The schema with the row's values in its templates."""

    def fill(value: Any, at: str, is_plain: bool) -> Any:  # noqa: ARG001
        return _rendered(value, row, is_plain=is_plain)

    filled: dict[str, Any] = _mapped(schema, "", fill)
    return filled


def open_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without the values that depend on a row: what fits it may be an answer to any row."""

    def keep(value: Any, at: str, is_plain: bool) -> Any:  # noqa: ARG001
        return OMITTED if any(OPENING in text for _, text in _texts(value, at)) else value

    opened: dict[str, Any] = _mapped(schema, "", keep)
    return opened


def is_plain_value(text: str) -> bool:
    """Whether the text is a number or a boolean."""
    return not isinstance(_plain(text), str)


def _mapped(schema: object, path: str, fill: Fill) -> Any:
    """The schema with each of its values replaced by what `fill` makes of it."""
    if isinstance(schema, list):
        return [_mapped(item, f"{path}[{index}]", fill) for index, item in enumerate(schema)]
    if not isinstance(schema, Mapping):
        return schema
    is_plain = schema.get("type") in PLAIN_TYPES
    members = {word: _member(word, value, f"{path}.{word}", fill, is_plain) for word, value in schema.items()}
    return {word: member for word, member in members.items() if member is not OMITTED}


def _member(word: str, value: object, path: str, fill: Fill, is_plain: bool) -> Any:
    if word in VALUE_WORDS:
        return fill(value, path, is_plain)
    if word in NAMED_SCHEMAS and isinstance(value, Mapping):
        return {name: _mapped(inner, f"{path}.{name}", fill) for name, inner in value.items()}
    return _mapped(value, path, fill)


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Path and text of every string in a value."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")


def _rendered(value: object, row: Mapping[str, str], *, is_plain: bool) -> Any:
    if isinstance(value, str) and OPENING in value:
        text = render(value, row)
        return _plain(text) if is_plain else text
    if isinstance(value, Mapping):
        return {name: _rendered(item, row, is_plain=is_plain) for name, item in value.items()}
    return [_rendered(item, row, is_plain=is_plain) for item in value] if isinstance(value, list) else value


def _plain(text: str) -> Any:
    """The number or the boolean that a text is; the text itself where it is neither."""
    try:
        value = decode(text.strip())
    except (ValueError, RecursionError):
        return text
    return text if value is None or isinstance(value, str | list | dict) else value

"""What a report's JSON says -> the classes that it was written from, so that a later page can show its tables.

It is the way back of `render.json_report`: names in camelCase, enums by their values, tuples as lists. A field that the
JSON does not hold has its default, as in the report of an earlier version; without a default, the document cannot be
read.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any], Any]


class NotReadBack(ValueError):
    """A document that is not of the class, with the path to what differs."""


def camel_case(name: str) -> str:
    """The name of a field in JSON."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def read_back(kind: type[T], document: object) -> T:
    """The object of that dataclass. Raises NotReadBack."""
    dataclass: Any = kind
    try:
        found: T = _of_class(dataclass)(document)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise NotReadBack(f"{kind.__name__}: {error}") from error
    return found


@cache
def _reader(hint: Any) -> Reader:
    """How a value of this type is read."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return _of_choices(parts)
    if origin is tuple:
        return _of_tuple(parts)
    if origin is not None and issubclass(origin, Mapping):
        return _of_mapping(*parts)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return lambda value: _of_class(hint)(value)  # looked up at the first value, since a class may hold itself
    if hint in (Any, object):
        return lambda value: value
    return _of_scalar(hint)


@cache
def _of_class(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    fields = [(item.name, camel_case(item.name), _reader(hints[item.name])) for item in dataclasses.fields(kind)
              if item.metadata.get("json", True)]

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(f"must be an object, is {type(value).__name__}")
        return kind(**{name: reader(value[key]) for name, key, reader in fields if key in value})

    return read


def _of_tuple(parts: tuple[Any, ...]) -> Reader:
    if len(parts) == 2 and parts[1] is Ellipsis:
        one = _reader(parts[0])
        return lambda value: tuple(one(item) for item in _list(value))
    readers = [_reader(part) for part in parts]
    return lambda value: tuple(read(item) for read, item in zip(readers, _list(value), strict=True))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"must be a list, is {type(value).__name__}")
    return value


def _of_mapping(key: Any, item: Any) -> Reader:
    read_key, read_item = _reader(key), _reader(item)
    return lambda value: {read_key(name): read_item(found) for name, found in value.items()}


def _of_choices(parts: tuple[Any, ...]) -> Reader:
    """The first of several types that the value fits; null is None only where that is one of them."""
    readers = [_reader(part) for part in parts if part is not NoneType]

    def read(value: Any) -> Any:
        if value is None and NoneType in parts:
            return None
        for reader in readers:
            try:
                return reader(value)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                last = error
        raise last

    return read


def _of_scalar(kind: Any) -> Reader:
    taken = (int, float) if kind is float else Decimal if kind is Decimal else kind

    def read(value: Any) -> Any:
        if not isinstance(value, taken) or (isinstance(value, bool) and kind is not bool):
            raise TypeError(f"must be {kind.__name__}, is {type(value).__name__}")
        return value

    return read

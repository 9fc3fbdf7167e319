"""The rules of JSON Schema for numbers that are what their digits say. Pure.

In binary floating point 4.02 is no multiple of 0.01, and 2^64 + 1 is 2^64. Numbers are therefore read as decimals, in
an answer and in its schema, and `jsonschema` gets the three rules that depend on it.
"""

from collections.abc import Hashable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from elastometer_loadgen.base.numbers import is_multiple

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


def exact_validator() -> "type[Validator]":
    """The class of validators of draft 2020-12 for values of `decode` and schemas of `with_decimals`."""
    # Imported here: it takes a tenth of a second, which profiles without a schema need not spend.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: _is_integer(value))
    rules = {"multipleOf": _multiple_of, "uniqueItems": _unique_items}
    kind: type[Validator] = extend(Draft202012Validator, rules, type_checker=types)  # type: ignore[no-untyped-call]
    return kind


def _is_integer(value: object) -> bool:
    """By value: 12.0 and 1e3 are integers, true is not."""
    if isinstance(value, Decimal):
        return is_multiple(value, Decimal(1))
    return isinstance(value, int) and not isinstance(value, bool)


def _multiple_of(validator: "Validator", factor: int | Decimal, value: object, schema: object) -> Iterator[Exception]:  # noqa: ARG001
    from jsonschema import ValidationError

    if validator.is_type(value, "number") and not is_multiple(value, factor):  # type: ignore[arg-type]
        yield ValidationError(f"{value!r} is not a multiple of {factor}")


def _unique_items(validator: "Validator", wanted: bool, value: object, schema: object) -> Iterator[Exception]:  # noqa: ARG001
    from jsonschema import ValidationError

    if wanted and isinstance(value, list) and len({_identity(item) for item in value}) < len(value):
        yield ValidationError(f"{value!r} has items that are equal")


def _identity(value: Any) -> Hashable:
    """Equal for equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, dict):
        return frozenset((name, _identity(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(_identity(item) for item in value)
    return (type(value), value) if isinstance(value, bool) else value

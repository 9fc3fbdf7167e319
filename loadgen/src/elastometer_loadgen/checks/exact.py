"""JSON whose numbers are what their digits say. Pure.

In binary floating point 4.02 is no multiple of 0.01, and 2^64 + 1 is 2^64. Numbers are therefore read as decimals, in
an answer and in its schema, and `jsonschema` gets the three rules that depend on it.
"""

import json
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

# Python reads no integer of more than 4,300 digits, to protect itself; as a decimal it is read in linear time.
MAX_INTEGER_DIGITS = 4000


def decode(text: str) -> Any:
    """The value of a JSON text by the grammar of RFC 8259; raises ValueError or RecursionError."""
    return _DECODER.decode(text)


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= MAX_INTEGER_DIGITS else Decimal(text)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"an exponent that cannot be held: {text[:40]}") from error


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=_refuse)


def with_decimals(value: object) -> Any:
    """The value with each float as the shortest decimal that stands for it; raises ValueError for NaN and infinity."""
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError("hold finite numbers only")
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {name: with_decimals(item) for name, item in value.items()}
    return [with_decimals(item) for item in value] if isinstance(value, list) else value


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
    """By value: 12.0 and 1e3 are integers, true is none."""
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


def is_multiple(value: int | Decimal, factor: int | Decimal) -> bool:
    """Whether `value` is a whole multiple of `factor`, which is above 0; exact for any exponent, in bounded time."""
    (digits, power), (unit, unit_power) = _parts(Decimal(value)), _parts(Decimal(factor))
    shift = power - unit_power
    if shift >= 0:
        return digits % unit * pow(10, shift, unit) % unit == 0
    # A number of n digits that is not 0 is no multiple of 10 to the power of n; more need not be computed.
    is_small = digits < 10 ** min(-shift, MAX_INTEGER_DIGITS)
    return digits == 0 or (not is_small and digits % (unit * 10**-shift) == 0)


def _parts(number: Decimal) -> tuple[int, int]:
    """Digits and exponent: 4.02 is 402 and -2."""
    _, digits, exponent = number.as_tuple()
    return int(Decimal((0, digits, 0))), int(exponent)

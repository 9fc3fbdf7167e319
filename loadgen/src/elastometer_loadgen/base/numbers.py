"""Numbers that are what their digits say: JSON with decimals in place of binary floating point. Pure."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite, nan
from typing import Any, NoReturn

# Python reads no integer of more than 4,300 digits, to protect itself; as a decimal it is read in linear time.
MAX_INTEGER_DIGITS = 4000


def decode(text: str) -> Any:
    """The value of a JSON text by the grammar of RFC 8259; raises ValueError or RecursionError."""
    return _STRICT.decode(text)


def decode_row(text: str) -> Any:
    """The same for a line of a file, where NaN and Infinity, which many programs write, are read as no number."""
    return _ROWS.decode(text)


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= MAX_INTEGER_DIGITS else Decimal(text)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"an exponent that cannot be held: {text[:40]}") from error


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_STRICT = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=_refuse)
_ROWS = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=lambda _: nan)


def with_decimals(value: object) -> Any:
    """The value with each float as the shortest decimal that stands for it; raises ValueError for NaN and infinity."""
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError("hold finite numbers only")
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {name: with_decimals(item) for name, item in value.items()}
    return [with_decimals(item) for item in value] if isinstance(value, list) else value


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

"""RFC 3339 times as columns of nanoseconds."""
from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from elastometer.model.units import instant_or_none

TIME = pl.Datetime("ns", "UTC")
LARGEST = 2**63 - 1
# Years whose nanoseconds 64 bits hold.
_MICROSECONDS = r"^(?:1[789]|2[01])\d\d-\d\d-\d\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{6}Z$"


def instants(texts: pl.Series) -> pl.Series:
    """RFC 3339 times in nanoseconds, null where the text is not one. Nearly all have six decimals; the others are read
    one by one, and those that lie beyond what 64 bits hold become the outermost instant."""
    parsed = texts.set(~texts.str.contains(_MICROSECONDS), None).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="ns", time_zone="UTC", strict=False)
    others: Sequence[str] = texts.filter(parsed.is_null() & texts.is_not_null()).unique().to_list()
    read = {text: instant for text in others if (instant := bounded(text)) is not None}
    if not read:
        return parsed
    rest = texts.replace_strict(read, default=None, return_dtype=pl.Int64).cast(TIME)
    return parsed.zip_with(parsed.is_not_null(), rest).alias(texts.name)


def bounded(text: object) -> int | None:
    """The instant, at the outermost one that 64 bits hold if it lies beyond; None if the text is not a time."""
    instant = instant_or_none(text)
    return None if instant is None else max(-LARGEST, min(LARGEST, instant))

"""What a GPU costs: `spec.price` of an ElasticityTest, which the report turns into money."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from elastometer.model.document import Document, at, document_at, text_at
from elastometer.model.schema import shown
from elastometer_loadgen.base.fields import unknown_field

PATH = "spec.price"
_FIELDS = ("perGPUHour", "currency")
# The patterns of the CRD: six digits before the point and six after it, and a code of ISO 4217.
_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class GpuPrice:
    """The price of one GPU for one hour."""

    per_gpu_hour: Decimal
    currency: str


def gpu_price(spec: Document) -> GpuPrice | None:
    """The price that the spec of a test states; None if it states none, or one that cannot be read."""
    amount, currency = text_at(spec, "price", "perGPUHour"), text_at(spec, "price", "currency")
    if amount is None or currency is None or any(price_flaws(spec)):
        return None
    return GpuPrice(Decimal(amount), currency)


def price_flaws(spec: Document) -> Iterator[str]:
    """Every flaw of `spec.price` as `path: rule, is value`; nothing where there is no price."""
    given = at(spec, "price")
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield f"{PATH}: must be an object with {' and '.join(_FIELDS)}, is {shown(given)}"
        return
    price = document_at(spec, "price")
    yield from (f"{PATH}.{name}: {unknown_field(name, _FIELDS)}" for name in price if name not in _FIELDS)
    amount, currency = price.get("perGPUHour"), price.get("currency")
    # Not text_at: a number in YAML has already lost the digits that were written.
    if not isinstance(amount, str) or _AMOUNT.fullmatch(amount) is None or Decimal(amount) == 0:
        yield f'{PATH}.perGPUHour: must be a decimal string above 0, such as "2.50", is {_said(amount)}'
    if not isinstance(currency, str) or _CURRENCY.fullmatch(currency) is None:
        yield f"{PATH}.currency: must be a code of three capital letters (ISO 4217), such as USD, is {_said(currency)}"


def _said(value: object) -> str:
    return "absent" if value is None else shown(value)

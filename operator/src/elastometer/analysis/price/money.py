"""Paid time as GPU time and as money. A unit that is not known gives no number, and says why."""
from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.price.gpus import Gpus
from elastometer.model.document import spec_of
from elastometer.model.gpu_price import GpuPrice, price_flaws
from elastometer.model.price import Amount, Money
from elastometer_loadgen.base.record import Outcome

# 365.25 days of 24 hours, a twelfth of them, rounded: the month by which clouds bill.
HOURS_PER_MONTH = 730
_MILLISECONDS_PER_HOUR = 3_600_000
# Fine enough for a millisecond of a GPU.
_SMALLEST = Decimal("0.000001")
NO_PRICE = "spec.price is not given"


@dataclass(frozen=True, slots=True)
class PaidTime:
    """What turns replica-milliseconds into GPU-milliseconds and money."""

    gpus: Gpus
    price: GpuPrice | None

    def gpu_milliseconds(self, replica_milliseconds: int) -> int | None:
        """None where the GPUs of a replica are not known."""
        return None if self.gpus.count is None else self.gpus.count * replica_milliseconds

    def cost(self, replica_milliseconds: int) -> Decimal | None:
        """None where the GPUs of a replica or their price are not known."""
        time = self.gpu_milliseconds(replica_milliseconds)
        return None if time is None or self.price is None else self.price.per_gpu_hour * time / _MILLISECONDS_PER_HOUR

    def amount(self, replica_milliseconds: int) -> str | None:
        """The cost as a decimal string."""
        cost = self.cost(replica_milliseconds)
        return None if cost is None else _text(cost)


def money(evidence: Evidence, paid: PaidTime, replica_milliseconds: int, length: int) -> Money:
    """What `replica_milliseconds` cost over `length` milliseconds of this traffic."""
    served, tokens, unreported = _answered(evidence)
    cost, reason = paid.cost(replica_milliseconds), _no_cost(evidence, paid)
    no_tokens = "no request was served" if not served else \
        f"{unreported} of {served} served requests report no usage" if unreported else \
        "the answers had no output tokens"
    return Money(
        None if paid.price is None else str(paid.price.per_gpu_hour),
        None if paid.price is None else paid.price.currency,
        run=_per(cost, 1, 1, reason, ""),
        per_thousand_requests=_per(cost, 1000, served, reason, "no request was served"),
        per_million_output_tokens=_per(cost, 1_000_000, tokens or 0, reason, no_tokens),
        per_month=_per(cost, HOURS_PER_MONTH * _MILLISECONDS_PER_HOUR, length, reason, ""),
        served_requests=served, output_tokens=tokens, hours_per_month=HOURS_PER_MONTH)


def _answered(evidence: Evidence) -> tuple[int, int | None, int]:
    """(requests served, their output tokens or None where one reports none, how many report none)."""
    table = evidence.table
    tokens = table["completion_tokens"].filter(table["outcome"] == Outcome.SUCCESS.value)
    unreported = tokens.null_count()
    return len(tokens), int(tokens.sum()) if len(tokens) and not unreported else None, unreported


def _no_cost(evidence: Evidence, paid: PaidTime) -> str | None:
    if paid.price is None:
        return "; ".join(price_flaws(spec_of(evidence.spec))) or NO_PRICE
    return paid.gpus.reason


def _per(cost: Decimal | None, times: int, count: int, reason: str | None, otherwise: str) -> Amount:
    if cost is None:
        return Amount(reason=reason)
    return Amount(_text(cost * times / count)) if count else Amount(reason=otherwise)


def _text(amount: Decimal) -> str:
    return f"{amount.quantize(_SMALLEST, ROUND_HALF_EVEN):f}"

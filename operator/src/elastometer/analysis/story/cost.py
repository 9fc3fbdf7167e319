"""What a run cost: what it held, compared with a fixed maximum, and the seconds in which its users were let down."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.analysis.run import DerivedRun
from elastometer.model.price import AlternativeName, Part, Price
from elastometer.model.report import Report
from elastometer.model.story import Cost
from elastometer.model.units import SECOND


def cost(run: DerivedRun, report: Report, miss_seconds: int | None) -> Cost:
    """A part that was not measured is None."""
    evidence, price = run.evidence, report.price
    load_seconds = (evidence.load_end - evidence.origin) / SECOND
    undecided, missing = _missing(report)
    if price is None:
        return Cost(miss_seconds=miss_seconds, load_seconds=load_seconds, missing_replicas=missing,
                    undecided_replicas=undecided)
    shares, money = _shares(price), price.money
    always = price.alternative(AlternativeName.STATIC_MAXIMUM)
    return Cost(
        miss_seconds=miss_seconds, load_seconds=load_seconds, paid_replica_seconds=price.paid_replica_seconds,
        paid_gpu_seconds=price.paid_gpu_seconds, maximum_replicas=None if always is None else always.replicas,
        static_maximum_percent=None if always is None or not always.replica_milliseconds else
        round(100 * price.paid_replica_milliseconds / always.replica_milliseconds, 1),
        idle_percent=shares.get(Part.IDLE), starting_percent=shares.get(Part.STARTING),
        missing_replicas=missing, undecided_replicas=undecided,
        money=money.run.value, currency=money.currency,
    )


def _missing(report: Report) -> tuple[float | None, float | None]:
    """(replicas that were not ordered, and replicas that were not Ready), of the demanded ones, on average."""
    found = report.elasticity
    if found is None or found.decision_under is None or found.cold_start_under is None:
        return None, None
    return round(found.decision_under, 3), round(found.decision_under + found.cold_start_under, 3)


def _shares(price: Price) -> Mapping[Part, float]:
    """Each part in percent of what was paid for; Pending is not."""
    whole = price.paid_replica_milliseconds
    return {one.part: round(100 * one.replica_milliseconds / whole, 1)
            for one in price.parts if whole and one.part is not Part.PENDING}

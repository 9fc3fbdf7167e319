"""The price of a run: what was held and what for, compared with other supplies of the same demand, and as money."""
from __future__ import annotations

from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.price.alternatives import Compared, alternatives, oracle_of, oracle_supply, typical_cold_start
from elastometer.analysis.price.flaps import flaps
from elastometer.analysis.price.gpus import gpus_of
from elastometer.analysis.price.money import PaidTime, money
from elastometer.analysis.price.overshoot import overshoot
from elastometer.analysis.price.parts import Demanded, parts, ready
from elastometer.analysis.price.spans import spans, unwatched
from elastometer.analysis.price.whole import in_parts, milliseconds, whole
from elastometer.analysis.requests.misses import measured_miss_seconds
from elastometer.analysis.run import DerivedRun
from elastometer.model.document import spec_of
from elastometer.model.elasticity import DemandAccount
from elastometer.model.gpu_price import gpu_price
from elastometer.model.price import Part, Price


def price(run: DerivedRun, demand: Demand) -> Price | None:
    """From the start of the load to the end of the record; None if no Pod or no load was recorded. Useful is what the
    backlog demands too; the alternatives are compared by what arrives, since enough replicas leave no backlog."""
    evidence = run.evidence
    if not evidence.pods or not evidence.requests or evidence.last_seen is None:
        return None
    # Before the load the run waits for the operator, not for the autoscaler: that time is not part of the price.
    end = milliseconds(evidence.seconds(evidence.last_seen))
    if end <= 0:
        return None
    found, gpus = spans(evidence, end), gpus_of(evidence.pods)
    paid = PaidTime(gpus, gpu_price(spec_of(evidence.spec)))
    arrival, backlog = (whole(demand.arrival), whole(demand.backlog)) if demand.is_judged else (None, None)
    unknown = f"the demand is not known: {demand.account.reason}" if backlog is None else None
    split = parts(found, None if backlog is None else Demanded(backlog, whole(demand.work)), end, gpus.count)
    held = sum(one.replica_milliseconds for one in split)
    on_node = held - sum(one.replica_milliseconds for one in split if one.part is Part.PENDING)
    cold_start = typical_cold_start(run)
    best = oracle_of(run, in_parts(demand.load) if demand.is_judged else None, cold_start, end)
    compared = Compared(run, paid, arrival, unknown, best, measured_miss_seconds(evidence), end)
    return Price(
        start_seconds=0.0, end_seconds=end / 1000, gpus_per_replica=gpus.count, no_gpus=gpus.reason,
        held_replica_milliseconds=held, held_gpu_milliseconds=paid.gpu_milliseconds(held),
        paid_replica_milliseconds=on_node, paid_gpu_milliseconds=paid.gpu_milliseconds(on_node), parts=split,
        demand=None if backlog is None else _words(demand.account), not_split=unknown,
        alternatives=alternatives(compared, on_node), oracle=None if best is None else oracle_supply(best, cold_start),
        overshoot=None if backlog is None else overshoot(backlog, ready(found), whole(run.replicas.ordered), end),
        flaps=tuple(flaps(run, found, backlog, end, paid)), money=money(evidence, paid, on_node, end),
        unwatched_replica_milliseconds=unwatched(evidence, 0, end),
    )


def _words(account: DemandAccount) -> str:
    error = "its error is not known" if account.error_percent is None else f"± {account.error_percent:.0f} %"
    return f"{account.source.value}, from {account.basis} ({error})"

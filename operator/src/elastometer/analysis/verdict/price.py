"""What the run held, in replica-seconds, compared with a fixed number of replicas over the same time."""
from __future__ import annotations

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.replicas import ReplicaCurves, gpus_per_replica
from elastometer.model.measurements import Price


def price(evidence: Evidence, curves: ReplicaCurves) -> Price | None:
    """From the start of the load to the end of the record; None if no Pod or no load was recorded."""
    if not evidence.pods or not evidence.requests or evidence.last_seen is None:
        return None
    # Before the load the run waits for the operator, not for the autoscaler: that time is not part of the price.
    end = evidence.seconds(evidence.last_seen)
    if end <= 0:
        return None
    peak, least = evidence.terms.maximum_replicas, evidence.terms.minimum_replicas
    return Price(
        start_seconds=0.0, end_seconds=end, gpus_per_replica=gpus_per_replica(evidence),
        ready_replica_seconds=round(curves.ready.integral(0.0, end), 1),
        held_replica_seconds=round(curves.held.integral(0.0, end), 1),
        static_peak_replica_seconds=None if peak is None else round(peak * end, 1),
        static_minimum_replica_seconds=None if least is None else round(least * end, 1),
    )

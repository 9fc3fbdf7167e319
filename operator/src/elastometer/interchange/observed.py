"""What happened to the replicas, as a part of a benchmark report: starts, replica curves, and the elasticity itself."""
from __future__ import annotations

from dataclasses import asdict
from typing import Any

from elastometer.analysis.run import DerivedRun
from elastometer.interchange.figures import over_time, spread, without_nothing
from elastometer.model.measurements import ColdStart, Origin
from elastometer.model.milestones import Milestone
from elastometer.model.names import server_name
from elastometer.model.report import Report
from elastometer.model.units import SECOND, format_instant

Json = dict[str, Any]
Window = tuple[float, float]


def observability(run: DerivedRun, report: Report, window: Window, *, is_first: bool) -> Json:
    """The part on the stage that had this window (seconds from the start of the load). Starts from before the load
    belong to the first stage. `elastometer` holds what the format has no field for; it allows more fields here."""
    return without_nothing({
        "pod_startup_times": _starts(report, window, is_first=is_first),
        "replica_status": _replicas(run, report, window),
        "elastometer": _own(report),
    })


def _starts(report: Report, window: Window, *, is_first: bool) -> Json | None:
    found = [one for one in report.cold_starts if _belongs(one, window, is_first=is_first)]
    if not found:
        return None
    lengths = [one.cold_start.milliseconds / 1000 for one in found if one.cold_start.milliseconds is not None]
    return without_nothing({
        "pods": [_pod(one, report) for one in found], "aggregate": spread(lengths, "s")})


def _belongs(one: ColdStart, window: Window, *, is_first: bool) -> bool:
    created = _stamp(one, Milestone.CREATED)
    if created is None:
        return is_first and one.origin is Origin.INITIAL
    return created[0] < window[1] and (is_first or created[0] >= window[0])


def _stamp(one: ColdStart, name: Milestone) -> tuple[float, str] | None:
    return next(((item.stamp.seconds, item.stamp.time) for item in one.instants if item.used and item.name is name),
                None)


def _pod(one: ColdStart, report: Report) -> Json:
    created, ready = _stamp(one, Milestone.CREATED), _stamp(one, Milestone.READY)
    length = one.cold_start.milliseconds
    return without_nothing({
        "name": one.pod, "model": report.model, "role": "replica", "node": one.node,
        "creation_timestamp": None if created is None else created[1],
        "ready_timestamp": None if ready is None else ready[1],
        "startup_seconds": None if length is None else length / 1000,
    })


def _replicas(run: DerivedRun, report: Report, window: Window) -> Json | None:
    """A snapshot at the beginning of the stage and at every change in it, from the watch. The Deployment of a test has
    no minReadySeconds, so that its available replicas are its Ready ones."""
    curves = run.replicas
    times = sorted({window[0], *(time for steps in (curves.ordered, curves.ready) for time in steps.times()
                                 if window[0] < time < window[1])})
    snapshots = [_snapshot(run, report, time) for time in times]
    known = [one for one in snapshots if one is not None]
    if not known:
        return None
    return without_nothing({
        "namespace": report.namespace, "timestamp": known[-1]["timestamp"], "controllers": known[-1]["controllers"],
        "time_series": known,
        "aggregate_ready_replicas": over_time(curves.ready, *window, "count"),
    })


def _snapshot(run: DerivedRun, report: Report, time: float) -> Json | None:
    ordered, ready = run.replicas.ordered.value_at(time), run.replicas.ready.value_at(time)
    if ordered is None or ready is None:
        return None
    instant = run.evidence.origin + round(time * SECOND)
    return {
        "timestamp": format_instant(instant), "namespace": report.namespace,
        "controllers": [{
            "kind": "Deployment", "name": server_name(report.test), "role": "replica",
            "desired_replicas": int(ordered), "available_replicas": int(ready), "ready_replicas": int(ready)}],
    }


def _own(report: Report) -> Json:
    summary = report.summary
    return without_nothing({
        "verdict": report.verdict.value, "scale_outs": summary.scale_out_count, "scale_ins": summary.scale_in_count,
        "peak_ready_replicas": summary.peak_ready_replicas,
        "scale_out_lag_milliseconds": summary.scale_out_lag_milliseconds,
        "cold_start_milliseconds": summary.cold_start_milliseconds,
        "scorecard": _scorecard(report), "paid_gpu_seconds": report.price and report.price.paid_gpu_seconds,
    })


def _scorecard(report: Report) -> Json | None:
    """The elasticity metrics by supply, over the whole load; None where the demand is not known."""
    demand, elasticity = report.demand, report.elasticity
    if demand is None or elasticity is None or elasticity.reason is not None:
        return None
    return without_nothing({
        "demand_source": demand.source.value, "demand_error_percent": demand.error_percent,
        "decision_under": elasticity.decision_under, "cold_start_under": elasticity.cold_start_under,
        **{row.supply.value.lower(): without_nothing(asdict(row.score))
           for row in elasticity.supplies if row.score is not None},
    })

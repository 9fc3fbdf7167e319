"""Reads back what Prometheus scraped during a run, once, when the run has ended.

Each query is asked once, one after the other, so that a run costs Prometheus no more than opening a dashboard does.
"""
from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from elastometer.controller.scaling import rests_at_zero
from elastometer.controller.session import Session
from elastometer.model.bundle_files import SERIES
from elastometer.model.errors import WorldError
from elastometer.model.wake_signals import PrometheusTrigger, prometheus_triggers
from elastometer.plan import TestPlan
from elastometer.resources.promql import RenderedQuery, render_own, render_queries
from elastometer.resources.scaler import autoscaler_name
from elastometer.world.prometheus import Prometheus, failed_query

Json = dict[str, Any]
# Series begin a little before the load, so that they hold a sample from before its first effect.
LEAD_SECONDS = 30
# Of one coarse query: 3,600 points are an hour at one a second, and 400,000 over all Pods some 30 MB of JSON.
MAX_POINTS, MAX_SAMPLES = 3_600, 400_000


async def collect_series(session: Session) -> None:
    """Queries Prometheus for all series once the run is over. After a kill the new answers replace the old ones."""
    store, plan, start = session.store, session.plan, session.store.start_time
    if start is None:
        return
    step = plan.spec.measurement.scrape_period_seconds
    begin, end = start - timedelta(seconds=max(LEAD_SECONDS, step)), session.context.clock.now()
    coarse = coarse_step(step, (end - begin).total_seconds(), plan.spec.scaler.maximum)
    prometheus = Prometheus(plan.prometheus_url)
    answers = [await prometheus.range_query(query.name, query.promql, begin, end, coarse if query.coarse else step)
               for query in _queries(session)]
    if rests_at_zero(plan):
        triggers = prometheus_triggers(plan.spec.scaler.body)
        answers += [await _trigger_series(plan, trigger, begin, end) for trigger in triggers]
    # All or nothing: the file is deleted first, so that a repeated collection does not append to half of another.
    store.close()
    store.path(SERIES).unlink(missing_ok=True)
    for answer in answers:
        store.append_series(answer)


def coarse_step(scrape_seconds: int, seconds: float, pods: int) -> int:
    """The step of what is only drawn and tabled: the scrape period, or the multiple of it that keeps within the bounds
    of one query. `pods` is how many there may be at a time."""
    points = min(MAX_POINTS, max(1, MAX_SAMPLES // max(1, pods)))
    return scrape_seconds * max(1, ceil(seconds / (scrape_seconds * points)))


def _queries(session: Session) -> tuple[RenderedQuery, ...]:
    plan, autoscaler = session.plan, session.autoscaler
    name = autoscaler_name(plan) if autoscaler is None else autoscaler["metadata"]["name"]
    return (*render_queries(plan.names.namespace, plan.names.server, name),
            *render_own(plan.spec.measurement.series, plan.names))


async def _trigger_series(plan: TestPlan, trigger: PrometheusTrigger, begin: datetime, end: datetime) -> Json:
    """What a trigger read where there may be no replica: from its own server, as KEDA does, but without credentials."""
    step, url = plan.spec.measurement.scrape_period_seconds, trigger.server.rstrip("/")
    if trigger.is_private and url != plan.prometheus_url:
        why = "KEDA reads it with credentials of its own"
        return failed_query(trigger.series, trigger.query, begin, end, step, why)
    try:
        prometheus = Prometheus(url or plan.prometheus_url)
    except WorldError as error:
        return failed_query(trigger.series, trigger.query, begin, end, step, str(error))
    return await prometheus.range_query(trigger.series, trigger.query, begin, end, step)

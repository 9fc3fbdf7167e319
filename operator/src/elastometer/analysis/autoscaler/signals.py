"""What the scaling signal asked for between the syncs: by the requests' own records, and by what Prometheus scraped.

The requests show it to a millisecond: a request waits from its sending to its first token and runs from there to its
end (the few milliseconds of its way and of its prefill count as waiting). The scraped series show when a number could
be read, to one step of the query. A signal that is in neither is not known.
"""
from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

import polars as pl

from elastometer.analysis.autoscaler.needs import Signals
from elastometer.analysis.autoscaler.points import WantedReplicas
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.steps import Step, Steps
from elastometer.hpa.settings import HpaSpec, Metric, MetricType, TargetType
from elastometer.model.bundle import SeriesName
from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.measurements import Source
from elastometer.model.request_measures import in_whole_milliseconds
from elastometer.model.server_metrics import SERIES
from elastometer.model.units import Instant
from elastometer.promql.plain import plain_sums

_NAMES = (("num_requests_waiting", SeriesName.WAITING), ("num_requests_running", SeriesName.RUNNING),
          ("cache_usage", SeriesName.KV_CACHE))
_TRIGGER = re.compile(r"s(\d+)-")
_REQUEST_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class _Signal:
    """A metric that is an average over the replicas: the sum of these series, each so often, and its target per
    replica."""

    series: Mapping[SeriesName, int]
    target: float

    def replicas(self, total: float) -> float:
        """Rounded first, so that a quotient of 3.0000000000000004 is not taken for 4 replicas."""
        return float(ceil(round(total / self.target, 9)))

    def wanted(self, levels: Iterable[Step], source: Source, resolution_seconds: float) -> WantedReplicas:
        """ceil(total / target): the replicas for which the average is on target."""
        steps = ((time, self.replicas(total)) for time, total in levels)
        return WantedReplicas(Steps.of(steps), source.value, resolution_seconds)


def signals(evidence: Evidence, spec: HpaSpec) -> dict[int, Signals]:
    """By the index of the metric; metrics of which nothing is known are left out."""
    known = ((index, _signal_of(metric, evidence.spec)) for index, metric in enumerate(spec.metrics))
    return {index: Signals(_truth(signal, evidence), _readable(signal, evidence))
            for index, signal in known if signal is not None}


def _signal_of(metric: Metric, test: Document) -> _Signal | None:
    """By the metric's name, or by the query of the KEDA trigger that it stands for."""
    if metric.target_type is not TargetType.AVERAGE_VALUE or metric.target <= 0:
        return None
    if metric.type is MetricType.PODS:
        series = {name: 1 for part, name in _NAMES if part in metric.name}
    else:
        series = _asked(metric, test)
    return _Signal(series, metric.target / 1000) if series else None


def _asked(metric: Metric, test: Document) -> dict[SeriesName, int]:
    """The series that the query of the trigger adds up. Any other function over them is not followed."""
    trigger = _TRIGGER.match(metric.name)
    if metric.type is not MetricType.EXTERNAL or trigger is None:
        return {}
    triggers, index = documents_at(test, "spec", "autoscaler", "scaledObject", "triggers"), int(trigger.group(1))
    query = text_at(triggers[index], "metadata", "query") or "" if index < len(triggers) else ""
    return {SERIES[name]: times for name, times in (plain_sums(query, tuple(SERIES)) or {}).items()}


def _truth(signal: _Signal, evidence: Evidence) -> WantedReplicas | None:
    """From the request records, which do not show the KV cache."""
    if not len(evidence.requests) or SeriesName.KV_CACHE in signal.series:
        return None
    at = in_whole_milliseconds(pl.col("instant") - evidence.origin)
    levels = _moves(signal.series, evidence.table).group_by(at.alias("at")).agg(pl.col("move").sum()).sort("at").select(
        "at", pl.col("move").cum_sum().alias("total")).collect()
    # What a level asks for is looked up once for each, and steps that ask for the same are one.
    asked = {total: signal.replicas(total) for total in levels["total"].unique()}
    steps = levels.select(
        pl.col("at") / 1000, wanted=pl.col("total").replace_strict(asked, return_dtype=pl.Float64)).filter(
        pl.col("wanted") != pl.col("wanted").shift(1, fill_value=-1.0))
    return WantedReplicas(Steps(tuple(steps.rows())), Source.REQUEST.value, _REQUEST_SECONDS)


def _moves(series: Mapping[SeriesName, int], table: pl.DataFrame) -> pl.LazyFrame:
    """`instant`, and the `move` by which there is more or less, for every request that begins or ceases to wait or to
    run."""
    waits, runs = series.get(SeriesName.WAITING, 0), series.get(SeriesName.RUNNING, 0)
    moves = [pl.LazyFrame(schema={"instant": pl.Int64, "move": pl.Int64})]
    for times, start, end in ((waits, pl.col("send"), pl.coalesce("first_token", "end")),
                              (runs, pl.col("first_token"), pl.col("end"))):
        spans = table.lazy().select(start.alias("start"), end.alias("end")).filter(pl.col("end") > pl.col("start"))
        if times:
            moves += [spans.select(pl.col(name).alias("instant"), pl.lit(move, dtype=pl.Int64).alias("move"))
                      for name, move in (("start", times), ("end", -times))]
    return pl.concat(moves)


def _readable(signal: _Signal, evidence: Evidence) -> WantedReplicas | None:
    """From the scraped series, on the grid of their query."""
    results = [evidence.samples(name) for name in signal.series]
    known = [result for result in results if result is not None]
    if len(known) < len(results):
        return None
    totals: dict[Instant, float] = defaultdict(float)
    for result, times in zip(known, signal.series.values(), strict=True):
        for one in result.series:
            for instant, value in one.samples:
                totals[instant] += times * value
    levels = ((evidence.seconds(instant), totals[instant]) for instant in sorted(totals))
    return signal.wanted(levels, Source.PROMETHEUS, max(result.step_seconds or 0.0 for result in known))

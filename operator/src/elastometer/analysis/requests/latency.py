"""Latency and errors per stage. Percentiles are exact, by nearest rank: each one is a value that was observed.

What one request took is defined in the load generator's `base.measures`, for both sides.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.littles_law import Window, littles_law, scraped_in_flight
from elastometer.model import request_measures
from elastometer.model.estimates import Interval
from elastometer.model.load_rows import LoadRow, Quantiles
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import RequestRows, table_of
from elastometer.model.units import SECOND, to_milliseconds
from elastometer.statistics.means import block_edges, mean_of_blocks
from elastometer.statistics.percentiles import percentile
from elastometer.statistics.rates import rate, truncated_percent
from elastometer_loadgen.base.measures import nearest_rank
from elastometer_loadgen.base.record import Outcome

TOTAL = "total"
PERCENTILES = (50, 90, 95, 99)
NO_ANSWER, OTHERS = "none", "others"
KINDS_SHOWN = 12


def ordered(table: pl.DataFrame, measure: pl.Expr) -> pl.Series:
    """The values that there are, in nanoseconds, rising."""
    return table.select(measure.alias("value"))["value"].drop_nulls().sort()


def ranked(values: pl.Series, percentile: float) -> float | None:
    """A percentile of values in rising order, by nearest rank; None without values."""
    rank = nearest_rank(range(len(values)), percentile)
    return None if rank is None else values[rank]


def quantiles(values: pl.Series) -> Quantiles:
    """Of values in order of time, in nanoseconds; nulls are left out."""
    known = values.drop_nulls()
    edges, rising = block_edges(len(known)), known.sort()
    mean = mean_of_blocks([float(known[left:right].sum()) for left, right in edges],
                          [right - left for left, right in edges])
    found = {f"p{percent}": percentile(rising, percent) for percent in PERCENTILES}
    of = {name: _milliseconds(one.value) for name, one in found.items()}
    return Quantiles(
        len(known), of["p50"], of["p95"], of["p99"], _milliseconds(ranked(rising, 100)), of["p90"],
        _milliseconds(mean.value), _milliseconds(mean.plus_minus),
        {name: None if one.interval is None else Interval(
            to_milliseconds(one.interval.low), to_milliseconds(one.interval.high)) for name, one in found.items()},
        {name: one.needs for name, one in found.items() if one.needs is not None},
    )


def _milliseconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else to_milliseconds(nanoseconds)


def load_rows(evidence: Evidence) -> tuple[LoadRow, ...]:
    """A row per stage in the order of the schedule, and the total last."""
    table, windows = evidence.table, _windows(evidence)
    found: list[str] = table["stage"].unique(maintain_order=True).to_list()
    parts = ((name, of_stage(table, name))
             for name in dict.fromkeys([*(stage.name for stage in evidence.terms.stages), *found]))
    rows = [_checked(load_row(name, RequestRows(mine)), mine, table, windows.get(name), evidence)
            for name, mine in parts]
    return (*rows, _checked(load_row(TOTAL, evidence.requests), table, table, _whole(evidence), evidence))


def task_rows(evidence: Evidence) -> tuple[LoadRow, ...]:
    """A row per stage and task, and the total of each task; none for a single task, whose rows are the stages'."""
    table, windows = evidence.table, _windows(evidence)
    stages: list[str] = table["stage"].unique(maintain_order=True).to_list()
    tasks: list[str] = table["task"].unique(maintain_order=True).to_list()
    rows: list[LoadRow] = []
    for task in tasks if len(tasks) > 1 else ():
        every = table.filter(pl.col("task") == task)
        parts = [(stage, of_stage(every, stage), windows.get(stage)) for stage in stages]
        for name, mine, window in [*parts, (TOTAL, every, _whole(evidence))]:
            if mine.height:
                row = replace(load_row(name, RequestRows(mine)), task=task)
                rows.append(_checked(row, mine, every, window, None))
    return tuple(rows)


def _windows(evidence: Evidence) -> dict[str, Window]:
    """When each stage ran, as far as it is known."""
    known = {stage.name: (stage.start_seconds, stage.end_seconds) for stage in evidence.stages}
    return {name: (evidence.origin + round(start * SECOND), evidence.origin + round(end * SECOND))
            for name, (start, end) in known.items() if start is not None and end is not None}


def _whole(evidence: Evidence) -> Window:
    return evidence.origin, evidence.load_end


def _checked(
    row: LoadRow, mine: pl.DataFrame, every: pl.DataFrame, window: Window | None,
    evidence: Evidence | None,
) -> LoadRow:
    """With what was in flight; the servers' metrics know no tasks, so that a row of one has no `evidence` of them."""
    if window is None or not row.count:
        return row
    scraped = None if evidence is None else scraped_in_flight(evidence, window)
    return replace(row, in_flight=littles_law(mine, every, window, scraped))


def of_stage(table: pl.DataFrame, stage: str) -> pl.DataFrame:
    """The requests of one stage, in the same order. Those that follow one another in the table are not copied."""
    is_of = table["stage"] == stage
    first, count = is_of.arg_max() or 0, int(is_of.sum())
    is_whole = bool(is_of.slice(first, count).all())
    return table.slice(first, count) if is_whole else table.filter(is_of)


def load_row(stage: str, records: Sequence[RecordedRequest]) -> LoadRow:
    """One row; no request at all leaves every number absent."""
    table = table_of(records)
    outcomes = dict(table["outcome"].value_counts().iter_rows())
    good, at_once, again = table.select(
        request_measures.served().sum().alias("good"), request_measures.served_at_once().sum().alias("at_once"),
        pl.col("first_attempt").count().alias("again")).row(0)
    measured = table.select(
        first=request_measures.time_to_first_token(), pace=request_measures.time_per_output_token(),
        whole=request_measures.latency(), from_send=request_measures.latency_from_send())
    return LoadRow(
        stage=stage, count=len(table),
        success_percent=truncated_percent(good, len(table)) if len(table) else None,
        first_attempt_success_percent=truncated_percent(at_once, len(table)) if len(table) else None,
        sent_again=again,
        outcomes={outcome.value: outcomes[outcome.value] for outcome in Outcome if outcome.value in outcomes},
        time_to_first_token=quantiles(measured["first"]), time_per_output_token=quantiles(measured["pace"]),
        latency=quantiles(measured["whole"]), latency_from_send=quantiles(measured["from_send"]),
        output_tokens_per_second=_tokens_per_second(table),
        success=rate(good, len(table)) if len(table) else None,
        statuses=_counts(table["status"]), finish_reasons=_counts(table["finish_reason"]),
    )


def _counts(values: pl.Series) -> dict[str, int]:
    """How often each value is there, the most frequent first; a server may send any number of different ones."""
    found = values.alias("value").value_counts(name="count")
    every = found.with_columns(pl.col("value").cast(pl.String).fill_null(NO_ANSWER)).sort(
        "count", "value", descending=[True, False])
    shown, rest = every.head(KINDS_SHOWN), every.slice(KINDS_SHOWN)
    return {**dict(shown.iter_rows()), **({OTHERS: int(rest["count"].sum())} if rest.height else {})}


def _tokens_per_second(table: pl.DataFrame) -> float | None:
    """Tokens that the server counted, over the time from the first intended request to the last end."""
    tokens, first, last = table.select(
        pl.col("completion_tokens").drop_nulls().sum(), pl.col("intended").min(), pl.col("end").max()).row(0)
    if last is None or table["completion_tokens"].null_count() == len(table):
        return None
    return round(tokens / ((last - first) / SECOND), 1) if last > first else None

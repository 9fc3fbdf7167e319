"""One row of a table by input: counts, latencies, rates and losses of its requests."""
from __future__ import annotations

import polars as pl

from elastometer.analysis.by_input.parts import Part
from elastometer.analysis.levels.levels import lost_counts
from elastometer.analysis.requests.answers import failed_own_share, failed_share
from elastometer.analysis.requests.latency import quantiles
from elastometer.model import request_measures
from elastometer.model.by_input import InputBy, InputRow
from elastometer.model.units import SECOND
from elastometer.statistics.percentiles import percentile
from elastometer.statistics.rates import rate
from elastometer_loadgen.base.record import Outcome


def input_row(part: Part) -> InputRow:
    """Without its mark, which needs the other rows."""
    requests = part.requests
    times = requests.select(
        whole=request_measures.latency(), first=request_measures.time_to_first_token(),
        pace=pl.col("completion_tokens") * SECOND / request_measures.latency_from_send())
    served = int(requests.select(request_measures.served().sum()).item())
    timed_out = int((requests["outcome"] == Outcome.TIMED_OUT.value).sum())
    return InputRow(
        by=part.by, stage=part.stage, label=part.label,
        task=part.task,
        group=part.label if part.by is InputBy.GROUP else None, low=part.low, high=part.high,
        input_tokens=_median(requests, "prompt_tokens"), input_characters=_median(requests, "input_characters"),
        requests=requests.height, latency=quantiles(times["whole"]), time_to_first_token=quantiles(times["first"]),
        tokens_per_second=percentile(times["pace"].drop_nulls().sort(), 50),
        errors=rate(requests.height - served, requests.height), timed_out=timed_out, lost=lost_counts(requests),
        failed_checks=failed_share(requests), failed_own=failed_own_share(requests))


def _median(requests: pl.DataFrame, column: str) -> float | None:
    found = requests[column].median()
    return float(found) if isinstance(found, int | float) else None

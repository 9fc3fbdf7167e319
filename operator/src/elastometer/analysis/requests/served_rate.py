"""How steady the rate of served requests was: requests that ended well, counted in bins of equal length."""
from __future__ import annotations

from statistics import median

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model import request_measures
from elastometer.model.health import ServedRate
from elastometer.model.units import SECOND, Instant
from elastometer.statistics.variation import FEWEST_BINS, variation_beyond_chance, variation_interval

BIN_SECONDS = 10
# With fewer requests, chance alone makes a bin fall below half of the median too often.
FEWEST_IN_A_BIN = 10


def served_rate(evidence: Evidence, stage: str | None) -> ServedRate:
    """Over the part of a stage behind its warm-up, or over the whole load; bins that do not end within it are left
    out."""
    span = _span(evidence, stage)
    if span is None:
        return ServedRate(BIN_SECONDS, (), reason="it is not known when the stage ran")
    counts = _counts(evidence.table, *span)
    if len(counts) < FEWEST_BINS:
        return ServedRate(BIN_SECONDS, counts, reason=(
            f"{len(counts)} bins of {BIN_SECONDS} s are fewer than {FEWEST_BINS}"))
    middle = median(counts)
    if middle < FEWEST_IN_A_BIN:
        return ServedRate(BIN_SECONDS, counts, median=middle, reason=(
            f"{middle:g} requests in a bin of {BIN_SECONDS} s (median) are fewer than {FEWEST_IN_A_BIN}"))
    return ServedRate(
        BIN_SECONDS, counts, median=middle, variation_percent=round(variation_beyond_chance(counts), 2),
        interval=variation_interval(counts), lowest_of_median_percent=round(100 * min(counts) / middle, 1))


def _span(evidence: Evidence, stage: str | None) -> tuple[Instant, Instant] | None:
    if stage is None:
        return evidence.origin, evidence.load_end
    found = next((one for one in evidence.stages if one.name == stage), None)
    if found is None or found.start_seconds is None or found.end_seconds is None:
        return None
    start, end = found.start_seconds + found.warmup_seconds, found.end_seconds
    return evidence.origin + round(start * SECOND), evidence.origin + round(end * SECOND)


def _counts(table: pl.DataFrame, start: Instant, end: Instant) -> tuple[int, ...]:
    """All that was served in the time counts, whichever stage asked for it: a rate is the service's."""
    length = BIN_SECONDS * SECOND
    bins = max(0, (end - start) // length)
    ends = table.filter(request_measures.served() & pl.col("end").is_between(start, start + bins * length, "left"))
    found = dict(ends.select(((pl.col("end") - start) // length).alias("bin"))["bin"].value_counts().iter_rows())
    return tuple(int(found.get(number, 0)) for number in range(bins))

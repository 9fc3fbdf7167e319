"""Failed first attempts by stage, class, status and message, with when they came and what became of them.

Messages hold addresses, ports, ids and counts. With each number replaced by N, those of one fault become one.
"""
from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.latency import of_stage
from elastometer.model import request_measures
from elastometer.model.errors_in_time import BEGIN_SECONDS, ErrorKind, SecondAttempts
from elastometer.model.units import SECOND, Instant
from elastometer.statistics.drawn import hypergeometric_at_least
from elastometer.statistics.rates import rate

# A server that puts a random text into each message would fill the report.
MOST_KINDS = 200
_NUMBER = r"0x[0-9a-fA-F]+|[0-9]+(?:[.:][0-9]+)*"
_KIND = ("kind", "answered", "message")


def error_kinds(evidence: Evidence) -> tuple[ErrorKind, ...]:
    """In order of the stages; within one the most frequent first. At most MOST_KINDS."""
    found: list[ErrorKind] = []
    starts = {stage.name: stage.start_seconds for stage in evidence.stages}
    for stage in evidence.table["stage"].unique(maintain_order=True).to_list():
        begin = starts.get(stage)
        found += _of_stage(stage, None if begin is None else evidence.origin + round(begin * SECOND), evidence)
    return tuple(found[:MOST_KINDS])


def _of_stage(stage: str, begin: Instant | None, evidence: Evidence) -> Iterator[ErrorKind]:
    requests = of_stage(evidence.table, stage)
    until = None if begin is None else begin + round(BEGIN_SECONDS * SECOND)
    marked = None if until is None else int(requests.select((pl.col("intended") < until).sum()).item())
    failed = _failed(requests)
    kinds = failed.group_by(_KIND, maintain_order=True).agg(
        pl.len().alias("count"), pl.col("intended").min().alias("first"), pl.col("intended").max().alias("last"),
        pl.col("text").first(), pl.col("is_served").sum().alias("served"),
        (pl.col("was_again") & ~pl.col("is_served")).sum().alias("lost"),
        (pl.lit(None, pl.Int64) if until is None else (pl.col("intended") < until).sum()).alias("early"))
    for row in kinds.sort("count", descending=True, maintain_order=True).iter_rows(named=True):
        count, early = row["count"], row["early"]
        chance = None if early is None or marked is None else \
            round(hypergeometric_at_least(early, count, marked, requests.height), 6)
        yield ErrorKind(
            stage=stage, outcome=row["kind"], status=row["answered"], message=row["message"], example=row["text"],
            count=count, requests=requests.height, first_seconds=evidence.seconds(row["first"]),
            last_seconds=evidence.seconds(row["last"]), early=None if early is None else rate(early, count),
            early_requests=marked, chance=chance,
            requests_until_last=int(requests.select((pl.col("intended") <= row["last"]).sum()).item()),
            second_attempt=SecondAttempts(row["served"], row["lost"], count - row["served"] - row["lost"]))


def _failed(requests: pl.DataFrame) -> pl.DataFrame:
    """Requests whose first attempt failed, with what is known of that attempt."""
    again = pl.col("first_attempt").is_not_null()
    text = pl.when(again).then("first_error").otherwise("error")
    return requests.filter(~request_measures.served_at_once()).select(
        "intended", request_measures.served().alias("is_served"), again.alias("was_again"),
        pl.coalesce("first_attempt", "outcome").cast(pl.String).alias("kind"),
        pl.when(again).then("first_status").otherwise("status").alias("answered"),
        text.alias("text"), text.str.replace_all(_NUMBER, "N").alias("message"))

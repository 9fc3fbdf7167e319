"""A finding from the spread of latencies under a steady load, with what coincides with it."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

import polars as pl

from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.requests.jitter import JitteryWindow, SteadyPart, jittery_windows, standstill_share
from elastometer.analysis.requests.knees import within
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import duration
from elastometer.model.report import Finding, Report
from elastometer.model.units import MILLISECOND

FEWEST_WINDOWS = 3
# From this share on, nearly all requests in flight stood still together; or nearly all outliers are of one kind.
NEARLY_ALL = 0.8
# A Pod or a kind of request that has more than this of all requests is no exception.
NO_EXCEPTION = 0.6
# A prompt so many times as long as the median one is long.
LONG = 4
SCALING_SECONDS = 30.0


def jitter_findings(facts: Facts) -> Iterator[Finding]:
    """None without a report, which only tests lack."""
    if facts.report is None:
        return
    found = jittery_windows(facts.evidence, _steady_parts(facts, facts.report))
    windows = [one for one in found if not _is_scaled(one, facts)]
    if len(windows) < FEWEST_WINDOWS:
        return
    worst = max(windows, key=lambda one: one.outliers.height / one.requests.height)
    stages = ", ".join(f"'{name}'" for name in dict.fromkeys(one.stage for one in windows))
    longest = max(one.outliers.select((pl.col("end") - pl.col("send")).max()).item() for one in windows)
    reasons = list(_coincides(windows, facts, facts.report))
    begin = facts.evidence.seconds(worst.start)
    yield Finding(
        FindingName.JITTERY_LATENCY, Severity.WARNING, "Under a steady load, some requests take far longer than others",
        f"In {len(windows)} windows of 30 s ({stages}), at least 5 % of the requests took far longer than the others "
        f"at that time; in that from {begin:+.0f} s on {worst.outliers.height} of {worst.requests.height}, at a median "
        f"of {duration(worst.median / MILLISECOND)}; the longest of all took {duration(longest / MILLISECOND)}. "
        + ("; ".join(reasons) or "Nothing recorded coincides with it"),
        "Look at what coincides: for a standstill at the engine's log and its host (garbage collection, a full disk, "
        "other processes), for one Pod at its node, for long prompts at chunked prefill (`--max-num-batched-tokens`), "
        "for preemptions at the KV cache.")


def _is_scaled(window: JitteryWindow, facts: Facts) -> bool:
    """Whether replicas came or went in it: each then has another load, which explains other times."""
    span = facts.evidence.seconds(window.start), facts.evidence.seconds(window.end)
    return len(set(within(facts.run.replicas.ready, *span))) > 1


def _steady_parts(facts: Facts, report: Report) -> list[SteadyPart]:
    """Each level, and each stage of one rate."""
    levels = [SteadyPart(row.stage, row.start_seconds, row.end_seconds) for row in report.levels]
    rates = [SteadyPart(one.name, one.start_seconds + one.warmup_seconds, one.end_seconds)
             for one in facts.evidence.stages if one.start_seconds is not None and one.end_seconds is not None
             and one.start_rate is not None and one.start_rate == one.end_rate]
    return [*levels, *rates]


def _coincides(windows: Sequence[JitteryWindow], facts: Facts, report: Report) -> Iterator[str]:
    still = median([standstill_share(one) for one in windows])
    if still >= NEARLY_ALL:
        yield (f"Nearly all requests in flight stood still together ({100 * still:.0f} % of them, median over the "
               "windows): the engine or its host paused")
    outliers = pl.concat([one.outliers for one in windows])
    every = pl.concat([one.requests for one in windows])
    if (pod := _one_pod(outliers, every)) is not None:
        yield f"They are of one Pod: {pod}"
    if (share := _beside_long_prompts(outliers, every)) is not None:
        yield f"{100 * share:.0f} % of them were in flight with a prompt of more than {LONG} times the median length"
    stages = {one.stage for one in windows}
    preempted = sum(row.preemptions or 0.0 for row in report.levels if row.stage in stages)
    if preempted > 0:
        yield f"{preempted:,.0f} sequences were preempted in these stages"
    near = [event for event in report.scale_events if any(
        facts.evidence.seconds(one.start) - SCALING_SECONDS <= event.seen.seconds
        <= facts.evidence.seconds(one.end) + SCALING_SECONDS for one in windows)]
    if near:
        yield f"{len(near)} scale events were within {SCALING_SECONDS:.0f} s of these windows"


def _one_pod(outliers: pl.DataFrame, every: pl.DataFrame) -> str | None:
    counts = outliers["pod"].drop_nulls().value_counts(sort=True)
    if counts.is_empty() or every["pod"].n_unique() < 2:
        return None
    pod, count = counts.row(0)
    of_all = int((every["pod"] == pod).sum()) / every.height
    return str(pod) if count >= NEARLY_ALL * outliers.height and of_all <= NO_EXCEPTION else None


def _beside_long_prompts(outliers: pl.DataFrame, every: pl.DataFrame) -> float | None:
    """The share of outliers in flight with a long prompt, if that of all requests is at most half as large."""
    usual = every["prompt_tokens"].median()
    if not isinstance(usual, int | float):
        return None
    long = every.filter(pl.col("prompt_tokens") > LONG * usual).select("send", "end").rows()[:1000]
    if not long:
        return None
    beside = pl.any_horizontal(*((pl.col("send") < end) & (pl.col("end") > send) for send, end in long))
    shares = [int(part.select(beside.sum()).item()) / part.height for part in (outliers, every)]
    return shares[0] if shares[0] >= NEARLY_ALL and shares[1] <= shares[0] / 2 else None

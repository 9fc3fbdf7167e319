"""Findings from the errors: those that come at the begin of a stage, and servers that turn requests away."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, lgamma

import polars as pl

from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.requests.latency import of_stage
from elastometer.model import request_measures
from elastometer.model.errors_in_time import BEGIN_SECONDS, ErrorKind
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural, share_interval
from elastometer.model.report import Finding, Report
from elastometer.model.resource_names import KV_CACHE, REJECTIONS
from elastometer.model.saturation import SaturationRow
from elastometer.model.units import SECOND, Instant
from elastometer.statistics.drawn import hypergeometric_at_least
from elastometer.statistics.rates import rate

# One error is nothing that can come at the begin.
FEWEST_AT_START = 2
# Where so many failed, and so large a share of what was due, nothing was cold: the server was down.
LEAST_OF_AN_OUTAGE, MOST_PERCENT_AT_START = 20, 50.0
# A run has a handful of stages; each is asked twice.
CHANCE_AT_START = 0.005
# Codes with which a server or a gateway says that it has no room: RFC 9110 15.6.4, RFC 6585 4.
TURNED_AWAY = (429, 503)
FEWEST_TURNED_AWAY = 10
# Fewer are the errors of a moment.
LEAST_PERCENT = 0.5


def error_findings(facts: Facts) -> Iterator[Finding]:
    """None without a report, which only tests lack."""
    if facts.report is not None:
        yield from _at_start(facts.report)
        yield from _overloaded(facts, facts.report)


def _at_start(report: Report) -> Iterator[Finding]:
    by_stage: dict[str, list[ErrorKind]] = {}
    for kind in report.errors_in_time:
        by_stage.setdefault(kind.stage, []).append(kind)
    found = [(stage, kinds, chance) for stage, kinds in by_stage.items()
             if (chance := chance_at_start(kinds)) is not None and chance <= CHANCE_AT_START]
    if not found:
        return
    served = all(kind.second_attempt.served == kind.count for _, kinds, _ in found for kind in kinds)
    yield Finding(
        FindingName.ERRORS_AT_START, Severity.WARNING, "Requests failed at the begin of a stage",
        "; ".join(_start_words(stage, kinds, chance) for stage, kinds, chance in found),
        "Something is not warm when the load begins: connections, caches, compiled kernels, or a gateway's list of "
        "endpoints. Send a few requests before the load, and let the readiness probe wait for the first of them. "
        + ("A second attempt served all of them, so that `load.retries` hides it from users."
           if served else "Give the load `retries: 1` to see whether a second attempt is served."))


def chance_at_start(kinds: Sequence[ErrorKind]) -> float | None:
    """How likely the failed requests of a stage come so early by chance; None for fewer than FEWEST_AT_START, and
    where less than half came early.

    None as well for an outage: at least LEAST_OF_AN_OUTAGE, and more than MOST_PERCENT_AT_START of the requests up to
    the last of them. A server that is only cold serves most of what it is asked.

    The smaller of two, doubled, since either would be reported: that so many are within BEGIN_SECONDS, and that the
    last of all comes so soon, C(m, k) / C(n, k) for k failures among the first m of n requests.
    """
    count = sum(kind.count for kind in kinds)
    early = [kind.early.hits for kind in kinds if kind.early is not None]
    marked = next((kind.early_requests for kind in kinds if kind.early_requests is not None), None)
    if marked is None or count < FEWEST_AT_START or 2 * sum(early) < count:
        return None
    whole, until = kinds[0].requests, max(kind.requests_until_last for kind in kinds)
    if count >= LEAST_OF_AN_OUTAGE and 100 * count > MOST_PERCENT_AT_START * until:
        return None
    within = hypergeometric_at_least(sum(early), count, marked, whole)
    soon = exp(_log_ways(until, count) - _log_ways(whole, count)) if sum(early) == count else 1.0
    return min(1.0, 2 * min(within, soon))


def _log_ways(of: int, choose: int) -> float:
    return lgamma(of + 1) - lgamma(choose + 1) - lgamma(of - choose + 1)


def _start_words(stage: str, kinds: Sequence[ErrorKind], chance: float) -> str:
    count, early = sum(kind.count for kind in kinds), sum(kind.early.hits for kind in kinds if kind.early)
    names = ", ".join(dict.fromkeys(
        kind.outcome + ("" if kind.status is None else f" {kind.status}") for kind in kinds))
    served = sum(kind.second_attempt.served for kind in kinds)
    again = f"; a second attempt served {served} of them" if served else ""
    return (f"'{stage}': {early} of {plural(count, 'failed request')} ({names}) were due in its first "
            f"{BEGIN_SECONDS:.0f} s, the first at {min(kind.first_seconds for kind in kinds):+.1f} s, the last at "
            f"{max(kind.last_seconds for kind in kinds):+.1f} s; by chance with {100 * chance:.2g} %{again}")


def _overloaded(facts: Facts, report: Report) -> Iterator[Finding]:
    """Requests that came while no replica was Ready are another fault."""
    rows = [(stage, away, of) for stage in facts.evidence.table["stage"].unique(maintain_order=True).to_list()
            for away, of in (_turned_away(stage, facts),)
            if away >= FEWEST_TURNED_AWAY and rate(away, of).interval.low >= LEAST_PERCENT]
    if not rows:
        return
    parts = [f"'{stage}': {away:,} of {of:,} ({share_interval(rate(away, of))})" for stage, away, of in rows]
    counted = _rejections(report)
    yield Finding(
        FindingName.OVERLOADED, Severity.PROBLEM, "Servers turned requests away",
        "Answered with 503 or 429: " + "; ".join(parts) + counted, " ".join(_help([one[0] for one in rows], facts)))


def _turned_away(stage: str, facts: Facts) -> tuple[int, int]:
    """(first attempts that were turned away while a replica was Ready, all requests) of a stage."""
    requests = of_stage(facts.evidence.table, stage)
    status = pl.when(pl.col("first_attempt").is_not_null()).then("first_status").otherwise("status")
    due = requests.filter(status.is_in(TURNED_AWAY), ~request_measures.served_at_once())["intended"].to_list()
    return sum(_has_replica(instant, facts) for instant in due), requests.height


def _has_replica(instant: Instant, facts: Facts) -> bool:
    ready = facts.run.replicas.ready.value_at((instant - facts.evidence.origin) / SECOND)
    return ready is None or ready > 0


def _rejections(report: Report) -> str:
    """The servers' own count, which separates their rejections from those of a gateway."""
    found = next((one for one in (report.resources.quantities if report.resources is not None else ())
                  if one.name == REJECTIONS and one.rows), None)
    grown = sum(level.increase or 0.0 for level in found.rows[0].levels) if found is not None else 0.0
    return f"; the servers' own counter of rejections grew by {grown:,.0f}" if grown > 0 else ""


def _help(stages: Sequence[str], facts: Facts) -> Iterator[str]:
    """What the record says of the three things that give room: replicas, shorter answers, larger GPUs."""
    maximum = facts.evidence.terms.maximum_replicas
    ready = [value for time, value in facts.run.replicas.ready.points if _is_within(time, stages, facts)]
    most = max(ready, default=None)
    if maximum is not None and most is not None and most >= maximum:
        yield f"All {maximum} replicas that `maxReplicas` allows were Ready: raise it."
    elif maximum is not None:
        yield (f"At most {0 if most is None else most:.0f} of the {maximum} replicas that `maxReplicas` allows were "
               "Ready, so that more of them would come too late as well: let the autoscaler act earlier.")
    full = {row.full for row in _saturated(stages, facts) if row.full is not None}
    if KV_CACHE in full:
        yield "The KV cache was full: lower `max_tokens`, or use GPUs with more memory."
    elif full:
        yield f"Full was: {', '.join(sorted(full))}. Shorter answers (`max_tokens`) or faster hardware give room there."
    else:
        yield ("No resource was full by what was recorded, so the limit is one of settings: `--max-num-seqs`, the "
               "server's limit on its queue, or the gateway's.")


def _is_within(seconds: float, stages: Sequence[str], facts: Facts) -> bool:
    return any(one.name in stages and one.start_seconds is not None and one.end_seconds is not None
               and seconds < one.end_seconds for one in facts.evidence.stages)


def _saturated(stages: Sequence[str], facts: Facts) -> list[SaturationRow]:
    table = facts.report.saturation if facts.report is not None else None
    return of_stages(table.rows, stages) if table else []


def of_stages(rows: Sequence[SaturationRow], stages: Sequence[str]) -> list[SaturationRow]:
    """Those of these stages and of their steps. Only the latter have names with a space: level-1 is not level-10."""
    return [row for row in rows if row.name.partition(" ")[0] in stages]

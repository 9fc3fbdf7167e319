"""How far the record itself can be trusted: watch gaps, torn lines, empty queries, the load generator, the clocks."""
from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.model import request_measures
from elastometer.model.in_words import plural
from elastometer.model.reasons import LoadFlaw
from elastometer.model.report import AwayBand, GapBand, GeneratorState, Quality, SeriesState
from elastometer.model.units import MILLISECOND, SECOND, Nanoseconds


def quality(run: DerivedRun) -> Quality:
    """Everything that weakens the numbers of a report."""
    bundle, evidence = run.bundle, run.evidence
    low, high, samples = clock_offset(evidence)
    served, without_pod = evidence.table.filter(request_measures.served()).select(
        pl.len().alias("served"), pl.col("pod").is_null().sum().alias("without")).row(0)
    return Quality(
        torn_lines=bundle.torn_lines, unreadable_lines=bundle.unreadable_lines,
        outside_window=bundle.outside_window, missing_files=bundle.missing,
        gaps=tuple(
            GapBand(gap.resource, evidence.seconds(gap.start), evidence.seconds(gap.end), gap.reason)
            for gap in evidence.gaps
        ),
        series=tuple(
            SeriesState(one.name, one.outcome.value, sum(len(part.samples) for part in one.series), one.message)
            for one in sorted(bundle.series, key=lambda one: one.name)
        ),
        generators=tuple(
            GeneratorState(one.worker, one.planned, one.sent, one.skipped, one.records,
                           one.lateness_p99_milliseconds, one.bound_milliseconds, one.fell_behind)
            for one in sorted(bundle.generators, key=lambda one: (one.worker, one.incarnation))
        ),
        away=tuple(away(evidence)),
        skipped_requests=_sum(one.skipped for one in bundle.generators),
        unsent_requests=_sum(_unsent_by_worker(evidence)),
        unsent_turns=_sum(one.unsent_turns for one in bundle.generators),
        clock_offset_low_milliseconds=low, clock_offset_high_milliseconds=high, clock_samples=samples,
        served_requests=served, served_without_pod=without_pod,
    )


def away(evidence: Evidence) -> Iterator[AwayBand]:
    """When each load worker was away, by worker and time. Times are seconds from the start of the load."""
    gaps = [(one.worker, gap) for one in evidence.generators for gap in one.interruptions]
    for worker, gap in sorted(gaps, key=lambda item: (item[0], item[1].end)):
        yield AwayBand(worker, None if gap.start is None else evidence.seconds(gap.start), evidence.seconds(gap.end))


def _unsent_by_worker(evidence: Evidence) -> Iterator[int]:
    """For each worker, the requests that it had not sent when it was stopped. Of two incarnations the one with fewer
    counts, because it is the one that continued to send."""
    left: dict[int, int] = {}
    for one in evidence.generators:
        if one.unsent is not None:
            here = one.unsent - (one.unsent_turns or 0)
            left[one.worker] = min(here, left.get(one.worker, here))
    yield from left.values()


def _sum(counts: Iterable[int | None]) -> int | None:
    """None if no worker counted."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def clock_offset(evidence: Evidence) -> tuple[float | None, float | None, int]:
    """Bounds of the operator's clock minus the API server's, in milliseconds, and the number of samples.

    The server stamped its answer at some time within its whole second, after the request left and before the answer
    came. So each sample bounds the offset, and the offset lies within the intersection of all bounds.
    """
    lows: list[Nanoseconds] = []
    highs: list[Nanoseconds] = []
    for sample in evidence.clocks:
        lows.append(sample.sent - sample.server - SECOND)
        highs.append(sample.received - sample.server)
    if not lows:
        return None, None, 0
    low, high = max(lows), min(highs)
    if low > high:
        # A clock was set during the run: no offset fits all samples, so the widest range is given.
        low, high = min(lows), max(highs)
    return round(low / MILLISECOND, 1), round(high / MILLISECOND, 1), len(lows)


def load_flaws(run: DerivedRun) -> Iterator[tuple[LoadFlaw, str]]:
    """(reason, sentence) for each way in which the load was not delivered as specified; a predicted load always is."""
    bundle, evidence = run.bundle, run.evidence
    if bundle.predicted is not None:
        return
    for one in bundle.generators:
        if one.fell_behind:
            yield LoadFlaw.FELL_BEHIND, _fell_behind(one.worker, one.lateness_p99_milliseconds, one.bound_milliseconds)
    reported = {one.worker for one in bundle.generators}
    silent = sorted(set(range(bundle.terms.workers or (1 if bundle.requests else 0))) - reported)
    if silent:
        names = ", ".join(str(worker) for worker in silent)
        yield LoadFlaw.INCOMPLETE, f"load worker {names} sent no final summary"
    for gap in away(evidence):
        since = "" if gap.start_seconds is None else f"from {gap.start_seconds:+.1f} s "
        yield LoadFlaw.INCOMPLETE, f"load worker {gap.worker} was away {since}until {gap.end_seconds:+.1f} s"
    if unsent := sum(_unsent_by_worker(evidence)):
        yield LoadFlaw.INCOMPLETE, (f"{_were(unsent)} never sent: {_their(unsent)} worker was stopped before "
                                    f"{_their(unsent)} scheduled time")
    if capped := sum(one.capped_users or 0 for one in bundle.generators):
        yield LoadFlaw.INCOMPLETE, f"{plural(capped, 'user')} reached maximumRequests and left early"
    skipped = sum(one.skipped or 0 for one in bundle.generators)
    if skipped:
        yield LoadFlaw.INCOMPLETE, (f"{_were(skipped)} never sent: {_their(skipped)} scheduled time passed before "
                                    f"{_their(skipped)} worker (re)started")
    sent = sum(one.sent or 0 for one in bundle.generators)
    if sent > len(bundle.requests):
        yield LoadFlaw.RECORDS_MISSING, f"{_were(sent)} sent, but only {len(bundle.requests)} have a record"


def _were(count: int) -> str:
    return f"{plural(count, 'request')} {'was' if count == 1 else 'were'}"


def _their(count: int) -> str:
    return "its" if count == 1 else "their"


def _fell_behind(worker: int, late: float | None, bound: float | None) -> str:
    if late is None or bound is None:
        return f"load worker {worker} reports that it was the limit, not the server"
    return (f"load worker {worker} sent its requests {late:g} ms late at p99, more than the {bound:g} ms allowed: "
            f"the load generator was the limit, not the server")

"""A Pod's start as Prometheus saw it: process start (a value that the process exports), first scrape, first success."""
from __future__ import annotations

from collections.abc import Iterable, Mapping

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.pods import Seen
from elastometer.model.bundle import LabelledSamples, SeriesName
from elastometer.model.document import text_at
from elastometer.model.measurements import ScrapedStart, Source, Stamp
from elastometer.model.milestones import Milestone
from elastometer.model.units import MILLISECOND, SECOND, Instant, Nanoseconds, from_unix_seconds, to_milliseconds

# prometheus_client reads the start from /proc in clock ticks of 10 ms.
PROCESS_RESOLUTION = 10 * MILLISECOND
# Beyond the year 9999 a value is no time.
LAST_UNIX_SECOND = 253_402_300_800


def scraped_start(
    pod: str, used: Mapping[Milestone, Seen], process: Seen | None, evidence: Evidence,
) -> ScrapedStart:
    """What the series show of one Pod; the differences are Prometheus' instant minus the watch's or the client's."""
    started = None if process is None else process.instant
    whole = SeriesName.UP if evidence.samples(SeriesName.UP) else SeriesName.PROCESS_START
    scrape = _first_time(evidence.samples_of(whole, pod))
    success = _first_time(evidence.samples_of(SeriesName.FINISHED, pod))
    resolution = _resolution(evidence)
    return ScrapedStart(
        process_start=_stamp(started, PROCESS_RESOLUTION, evidence),
        first_scrape=_stamp(scrape, resolution, evidence),
        first_success=_stamp(success, resolution, evidence),
        process_start_difference_milliseconds=_difference(started, used.get(Milestone.STARTED)),
        first_success_difference_milliseconds=_difference(success, _first_end(pod, evidence)),
        reason=_reason(pod, started, scrape, evidence),
    )


def process_start(pod: str, evidence: Evidence, since: Instant | None) -> Seen | None:
    """The start that the server's process exports: the only source of it that is finer than a second. `since` is the
    start of its container, if others had failed before it."""
    samples = sorted(pair for one in evidence.samples_of(SeriesName.PROCESS_START, pod) for pair in one.samples)
    for value in (from_unix_seconds(value) for _, value in samples if 0 <= value < LAST_UNIX_SECOND):
        if since is None or value >= since:
            return Seen(Milestone.PROCESS_STARTED, value, Source.PROMETHEUS, PROCESS_RESOLUTION)
    return None


def _resolution(evidence: Evidence) -> Nanoseconds:
    """A sample on the query's grid is at most one step and one scrape period old."""
    series = evidence.samples(SeriesName.UP) or evidence.samples(SeriesName.FINISHED)
    step = (series.step_seconds if series is not None else None) or 0
    return round((step + (evidence.terms.scrape_seconds or 0)) * SECOND)


def _first_end(pod: str, evidence: Evidence) -> Seen | None:
    """When the client saw the end of the first request that the Pod served: the counter moves then and not before."""
    end = evidence.first_ends.get(pod)
    return None if end is None else Seen(Milestone.FIRST_END, end, Source.REQUEST, MILLISECOND)


def _first_time(series: Iterable[LabelledSamples]) -> Instant | None:
    times = [
        time for one in series
        # The counter has a series per reason; only the others mean that the Pod served a request.
        if text_at(one.labels, "finished_reason") not in ("abort", "error")
        for time, value in one.samples if value > 0
    ]
    return min(times, default=None)


def _stamp(instant: Instant | None, resolution: Nanoseconds, evidence: Evidence) -> Stamp | None:
    return None if instant is None else evidence.stamp(instant, Source.PROMETHEUS, resolution)


def _difference(scraped: Instant | None, seen: Seen | None) -> float | None:
    return None if scraped is None or seen is None else to_milliseconds(scraped - seen.instant)


def _reason(pod: str, started: Instant | None, scrape: Instant | None, evidence: Evidence) -> str | None:
    if started is not None or scrape is not None:
        return None
    result = evidence.series.get(SeriesName.PROCESS_START.value)
    if result is None:
        return "Prometheus was not queried"
    if result.message:
        return f"{result.outcome.value}: {result.message}"
    return f"no sample of Pod {pod} within the run" if result.series else result.outcome.value

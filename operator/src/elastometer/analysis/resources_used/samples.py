"""Series of a bundle as frames: one row for each Pod and instant of the query's grid, with the quantity's value.

Counters become rates between two samples that were really taken: a query repeats the last sample at each instant of
its grid, and cAdvisor reads more seldom than Prometheus scrapes. Where a series says when its samples were taken, a
repeated one is no new one, and the time between two is exact.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.resources_used.quantities import Defined, Kind
from elastometer.model.bundle import LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.document import text_at
from elastometer.model.observation import Sighting
from elastometer.model.resources_used import Group
from elastometer.model.units import SECOND, Instant

_POD, _TIME, _VALUE, _TAKEN, _GROWN = "pod", "time", "value", "taken", "grown"
# Of the gaps between two samples of a Pod, how many are at most the resolution.
_GAP_SHARE = 0.9
NOT_RECORDED = "NotRecorded"


@dataclass(frozen=True, slots=True)
class Samples:
    """A quantity's values. The frame has `pod`, `seconds` (from the start of the load, of the query's grid), `value` in
    the quantity's unit, and `grown`, a counter's growth since its last sample. It is sorted by Pod and time."""

    frame: pl.DataFrame
    jobs: tuple[str, ...]
    container: str | None
    step_seconds: float
    resolution_seconds: float


def samples_of(defined: Defined, evidence: Evidence) -> Samples | None:
    """The samples of a quantity; None where its series have none of this test's Pods."""
    chosen = _chosen(defined, evidence.series.get(defined.series), evidence)
    if chosen is None:
        return None
    frame, taken = _frame(chosen.series, evidence), _taken(defined, chosen, evidence)
    if taken is not None:
        frame = frame.join(taken, on=[_POD, _TIME], how="left")
    values = _values(defined, frame, chosen, evidence)
    origin = evidence.origin
    seconds = ((pl.col(_TIME) - origin) / SECOND).round(3).alias("seconds")
    found = values.select(_POD, seconds, (pl.col(_VALUE) * defined.factor).alias(_VALUE), _GROWN)
    found = found.filter(pl.col(_VALUE).is_not_null() | pl.col(_GROWN).is_not_null()).sort(_POD, "seconds")
    if found.is_empty():
        return None
    jobs = chosen.jobs or _jobs_of_server(evidence)
    return Samples(found, jobs, chosen.container, chosen.step_seconds, _resolution(taken, chosen, evidence))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """At most one series for each Pod, all of one container and, where several scraped it, of one job."""

    series: tuple[LabelledSamples, ...]
    jobs: tuple[str, ...]
    container: str | None
    step_seconds: float


def _chosen(defined: Defined, result: SeriesResult | None, evidence: Evidence) -> _Chosen | None:
    if result is None or result.outcome is not SeriesOutcome.SAMPLES:
        return None
    step = result.step_seconds or _scrape_seconds(evidence)
    if defined.group is Group.OWN:
        jobs = tuple(sorted({job for one in result.series if (job := _job(one))}))
        return _Chosen(result.series, jobs, None, step)
    known = {pod.name for pod in evidence.pods}
    series = [one for one in result.series if one.samples and (not known or one.pod in known)]
    container = next((one for one in defined.containers if any(_container(item) == one for item in series)), None)
    if defined.containers:
        series = [one for one in series if _container(one) == container]
    if not series:
        return None
    job = _fullest_job(series)
    return _Chosen(tuple(one for one in series if _job(one) == job), (job,) if job else (), container, step)


def _fullest_job(series: Iterable[LabelledSamples]) -> str:
    counts: Counter[str] = Counter()
    for one in series:
        counts[_job(one)] += len(one.samples)
    return min(counts, key=lambda job: (-counts[job], job))


def _container(series: LabelledSamples) -> str:
    return text_at(series.labels, "container") or ""


def _job(series: LabelledSamples) -> str:
    return text_at(series.labels, "job") or ""


def _jobs_of_server(evidence: Evidence) -> tuple[str, ...]:
    """The job of vLLM's own metrics: that of the same endpoint's process."""
    result = evidence.samples(SeriesName.PROCESS_SAMPLED)
    return tuple(sorted({job for one in (result.series if result else ()) if (job := _job(one))}))


def _scrape_seconds(evidence: Evidence) -> float:
    return float(evidence.terms.scrape_seconds or 15)


def _frame(series: Sequence[LabelledSamples], evidence: Evidence) -> pl.DataFrame:
    """Samples until the Pod was gone: a series without a staleness marker is repeated for five minutes."""
    ends = {pod.name: pod.last.received for pod in evidence.pods if pod.last.sighting is Sighting.DELETED}
    pods: list[str] = []
    times: list[Instant] = []
    values: list[float] = []
    of_pod = Counter(one.pod for one in series)
    for one in series:
        end = ends.get(one.pod)
        kept = one.samples if end is None else [pair for pair in one.samples if pair[0] <= end]
        pods += [one.pod if one.pod and of_pod[one.pod] == 1 else _labels(one)] * len(kept)
        times += [time for time, _ in kept]
        values += [value for _, value in kept]
    schema = {_POD: pl.String, _TIME: pl.Int64, _VALUE: pl.Float64}
    return pl.DataFrame([pods, times, values], schema=schema).sort(_POD, _TIME)


def _labels(series: LabelledSamples) -> str:
    """What tells a series of a team's query apart where its Pod does not."""
    return ", ".join(f"{name}={value}" for name, value in sorted(series.labels.items())) or "all"


def _taken(defined: Defined, chosen: _Chosen, evidence: Evidence) -> pl.DataFrame | None:
    """When each sample was taken, seconds; None where nothing says so."""
    result = None if defined.sampled is None else evidence.samples(defined.sampled)
    pods = {one.pod for one in chosen.series}
    series = [one for one in (result.series if result else ())
              if one.pod in pods and (_job(one),) == chosen.jobs
              and (chosen.container is None or _container(one) == chosen.container)]
    return _frame(series, evidence).rename({_VALUE: _TAKEN}) if series else None


def _values(defined: Defined, frame: pl.DataFrame, chosen: _Chosen, evidence: Evidence) -> pl.DataFrame:
    if defined.kind is Kind.GAUGE:
        return frame.with_columns(pl.lit(None, pl.Float64).alias(_GROWN))
    if defined.kind in (Kind.RATE, Kind.EVENTS):
        return _rates(frame, from_zero=defined.kind is Kind.EVENTS)
    other = _other(defined, chosen, evidence)
    if defined.kind is Kind.PART:
        both = frame.join(other, on=[_POD, _TIME], suffix="_other")
        return both.with_columns(_percent(_VALUE, pl.col(_VALUE) + pl.col("value_other")),
                                 pl.lit(None, pl.Float64).alias(_GROWN))
    taken = frame.select(_POD, _TIME, _TAKEN) if _TAKEN in frame.columns else None
    whole = other if taken is None else other.join(taken, on=[_POD, _TIME], how="left")
    both = _rates(frame).join(_rates(whole), on=[_POD, _TIME], suffix="_other")
    return both.with_columns(_percent(_VALUE, pl.col("value_other")))


def _other(defined: Defined, chosen: _Chosen, evidence: Evidence) -> pl.DataFrame:
    result = None if defined.other is None else evidence.samples(defined.other)
    series = [one for one in (result.series if result else ())
              if chosen.container is None or _container(one) == chosen.container]
    return _frame([one for one in series if not chosen.jobs or (_job(one),) == chosen.jobs], evidence)


def _percent(part: str, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(100.0 * pl.col(part) / whole).alias(_VALUE)


def _rates(frame: pl.DataFrame, *, from_zero: bool = False) -> pl.DataFrame:
    """Growth per second since the sample before, held until the next; a counter that fell began again at 0."""
    dated = frame if _TAKEN in frame.columns else frame.with_columns((pl.col(_TIME) / SECOND).alias(_TAKEN))
    dated = dated.with_columns(pl.col(_TAKEN).fill_null(pl.col(_TIME) / SECOND))
    is_new = pl.col(_TAKEN).diff().over(_POD).fill_null(1.0) > 0
    fresh = dated.filter(is_new).with_columns(pl.col(_VALUE).diff().over(_POD).alias(_GROWN))
    grown = pl.when(pl.col(_GROWN) < 0).then(pl.col(_VALUE)).otherwise(pl.col(_GROWN))
    fresh = fresh.with_columns((grown.fill_null(pl.col(_VALUE)) if from_zero else grown).alias(_GROWN))
    rate = pl.col(_GROWN) / pl.col(_TAKEN).diff().over(_POD)
    rates = fresh.select(_POD, _TIME, rate.alias(_VALUE), _GROWN)
    held = dated.select(_POD, _TIME).join(rates, on=[_POD, _TIME], how="left").sort(_POD, _TIME)
    return held.with_columns(pl.col(_VALUE).forward_fill().over(_POD))


def _resolution(taken: pl.DataFrame | None, chosen: _Chosen, evidence: Evidence) -> float:
    """How far apart the samples were taken, at nine of ten; else the query's step and the age of the newest sample."""
    if taken is None:
        return chosen.step_seconds + _scrape_seconds(evidence)
    gaps = taken.select(pl.col(_TAKEN).diff().over(_POD).alias("gap")).filter(pl.col("gap") > 0)["gap"]
    found = gaps.quantile(_GAP_SHARE, "nearest")
    return round(max(chosen.step_seconds, found or 0.0), 1)


def missing_reason(defined: Defined, evidence: Evidence) -> tuple[str, str]:
    """(outcome, why there is nothing) of a quantity without samples."""
    wanted = (defined.series, *([defined.other.value] if defined.other else []))
    found = [evidence.series.get(name) for name in wanted]
    failed = next((one for one in found if one is not None and one.outcome is SeriesOutcome.QUERY_FAILED), None)
    if failed is not None:
        return SeriesOutcome.QUERY_FAILED.value, f"the query failed: {failed.message}"
    if any(one is None for one in found):
        return NOT_RECORDED, "the record has no such series, as one of an earlier version"
    return SeriesOutcome.NO_DATA.value, defined.missing

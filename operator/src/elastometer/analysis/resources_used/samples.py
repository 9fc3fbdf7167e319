"""Series of a bundle as frames: one row for each Pod and instant of the query's grid, with the quantity's value.

Counters become rates between two samples that were really taken: a query repeats the last sample at each instant of
its grid, and cAdvisor reads more seldom than Prometheus scrapes. Where a series says when its samples were taken, a
repeated one is no new one, and the time between two is exact.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
_LARGEST = 1e290
# A counter of the same source that grows with each reading: a server that is scraped uses CPU and network.
_READ_WITH = {SeriesName.CONTAINER_SAMPLED: SeriesName.CONTAINER_CPU,
              SeriesName.NETWORK_SAMPLED: SeriesName.NETWORK_RECEIVED}
# As the CRD's default, for a record whose spec is lost.
DEFAULT_SCRAPE_SECONDS = 15.0
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


class SampleReader:
    """Reads the quantities of one run; when samples were taken is read once for all quantities of one source."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._ends = {pod.name: pod.last.received for pod in evidence.pods if pod.last.sighting is Sighting.DELETED}
        self._taken: dict[tuple[SeriesName, str | None, str | None], pl.DataFrame | None] = {}

    def samples_of(self, defined: Defined) -> Samples | None:
        """The samples of a quantity; None where its series have none of this test's Pods."""
        chosen = _chosen(defined, self._evidence.series.get(defined.series), self._evidence)
        if chosen is None:
            return None
        taken = None if defined.sampled is None else self._when_taken(defined.sampled, chosen)
        values = self._values(defined, self._frame(chosen.series), taken, chosen)
        seconds = ((pl.col(_TIME) - self._evidence.origin) / SECOND).round(3).alias("seconds")
        scaled = pl.col(_VALUE) * defined.factor
        found = values.select(_POD, seconds, _measurable(scaled).alias(_VALUE), _measurable(pl.col(_GROWN)))
        found = found.filter(pl.col(_VALUE).is_not_null() | pl.col(_GROWN).is_not_null())
        if found.is_empty():
            return None
        jobs = (chosen.job,) if chosen.job else () if defined.group is Group.OWN else _jobs_of_server(self._evidence)
        return Samples(found, jobs, chosen.container, chosen.step_seconds, _resolution(taken, chosen, self._evidence))

    def _when_taken(self, name: SeriesName, chosen: _Chosen) -> pl.DataFrame | None:
        """When each sample was taken, seconds; None where nothing says so."""
        key = (name, chosen.container, chosen.job)
        if key not in self._taken:
            series, counter = self._beside(name, chosen), _READ_WITH.get(name)
            found = self._frame(series).rename({_VALUE: _TAKEN}) if series else None
            self._taken[key] = found if found is None or counter is None else _read(
                found, self._frame(self._beside(counter, chosen)))
        return self._taken[key]

    def _beside(self, name: SeriesName, chosen: _Chosen) -> list[LabelledSamples]:
        """The series of another query that belong to the same container and job."""
        result = self._evidence.samples(name)
        return [one for one in (result.series if result else ())
                if (chosen.container is None or _container(one) == chosen.container)
                and (chosen.job is None or _job(one) == chosen.job)]

    def _frame(self, series: Sequence[LabelledSamples]) -> pl.DataFrame:
        """Samples until the Pod was gone: a series without a staleness marker is repeated for five minutes."""
        of_pod = Counter(one.pod for one in series)
        named = sorted((one.pod if one.pod and of_pod[one.pod] == 1 else _labels(one), index)
                       for index, one in enumerate(series))
        pods: list[str] = []
        pairs: list[tuple[Instant, float]] = []
        for name, index in named:
            end, samples = self._ends.get(series[index].pod), series[index].samples
            kept = samples if end is None else [pair for pair in samples if pair[0] <= end]
            pods += [name] * len(kept)
            pairs += kept
        frame = pl.DataFrame({
            _POD: pl.Series(pods, dtype=pl.Categorical), _TIME: pl.Series([time for time, _ in pairs], dtype=pl.Int64),
            _VALUE: pl.Series([value for _, value in pairs], dtype=pl.Float64)})
        is_torn = (pl.col(_TIME).diff().over(_POD) <= 0).any()
        # Prometheus sends samples in order and each once; a file may have been written otherwise.
        return frame.unique([_POD, _TIME], keep="last").sort(_POD, _TIME) if frame.select(is_torn).item() else frame

    def _values(
        self, defined: Defined, frame: pl.DataFrame, taken: pl.DataFrame | None, chosen: _Chosen,
    ) -> pl.DataFrame:
        other = self._frame(self._beside(defined.other, chosen)) if defined.other is not None else None
        if defined.kind is Kind.PART and other is not None:
            both = frame.join(other, on=[_POD, _TIME], suffix="_other", maintain_order="left")
            frame = both.with_columns(_percent(_VALUE, pl.col(_VALUE) + pl.col("value_other")))
        elif defined.kind is Kind.SHARE and other is not None:
            both = _rates(frame, taken).join(_rates(other, taken), on=[_POD, _TIME], suffix="_other",
                                             maintain_order="left")
            return both.with_columns(_percent(_VALUE, pl.col("value_other")))
        elif defined.kind is not Kind.GAUGE:
            return _rates(frame, taken, from_zero=defined.kind is Kind.EVENTS)
        return frame.with_columns(pl.lit(None, pl.Float64).alias(_GROWN))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """At most one series for each Pod, all of one container and, where several scraped it, of one job."""

    series: tuple[LabelledSamples, ...]
    job: str | None
    container: str | None
    step_seconds: float


def _chosen(defined: Defined, result: SeriesResult | None, evidence: Evidence) -> _Chosen | None:
    if result is None or result.outcome is not SeriesOutcome.SAMPLES:
        return None
    stated = result.step_seconds
    step = stated if stated is not None and stated > 0 else _scrape_seconds(evidence)
    if defined.group is Group.OWN:
        return _Chosen(result.series, None, None, step)
    known = {pod.name for pod in evidence.pods}
    series = [one for one in result.series if one.samples and (not known or one.pod in known)]
    container = next((one for one in defined.containers if any(_container(item) == one for item in series)), None)
    if defined.containers:
        series = [one for one in series if _container(one) == container]
    if not series:
        return None
    job = _fullest_job(series)
    kept = [one for one in series if _job(one) == job]
    return _Chosen(tuple(_added_by_pod(kept) if defined.is_split else kept), job or None, container, step)


def _added_by_pod(series: Iterable[LabelledSamples]) -> Iterator[LabelledSamples]:
    """One series for each Pod, the sum of its series at each instant."""
    of_value: dict[str, dict[Instant, float]] = {}
    for one in series:
        values = of_value.setdefault(one.pod, {})
        for instant, value in one.samples:
            values[instant] = values.get(instant, 0.0) + value
    for pod, values in of_value.items():
        yield LabelledSamples({"pod": pod}, tuple(sorted(values.items())))


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
    stated = evidence.terms.scrape_seconds
    return float(stated) if stated is not None and stated > 0 else DEFAULT_SCRAPE_SECONDS


def _labels(series: LabelledSamples) -> str:
    """What tells a series of a team's query apart where its Pod does not."""
    return ", ".join(f"{name}={value}" for name, value in sorted(series.labels.items())) or "all"


def _read(taken: pl.DataFrame, counter: pl.DataFrame) -> pl.DataFrame:
    """When the source was read, where a scrape does not keep its times: what stands still was not read again."""
    both = taken.join(counter, on=[_POD, _TIME], how="left", maintain_order="left")
    is_same = (pl.col(_VALUE) == pl.col(_VALUE).shift(1).over(_POD)).fill_null(value=False)
    first = pl.when(~is_same).then(pl.col(_TAKEN)).forward_fill().over(_POD)
    return both.select(_POD, _TIME, first.alias(_TAKEN))


def _measurable(value: pl.Expr) -> pl.Expr:
    """Without what is no quantity, so that sums of all Pods stay finite."""
    return pl.when(value.abs() <= _LARGEST).then(value)


def _percent(part: str, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(100.0 * pl.col(part) / whole).alias(_VALUE)


def _rates(frame: pl.DataFrame, taken: pl.DataFrame | None, *, from_zero: bool = False) -> pl.DataFrame:
    """Growth per second since the sample before, held until the next; a counter that fell began again at 0."""
    of_grid = pl.col(_TIME) / SECOND
    dated = frame.with_columns(of_grid.alias(_TAKEN)) if taken is None else frame.join(
        taken, on=[_POD, _TIME], how="left", maintain_order="left").with_columns(pl.col(_TAKEN).fill_null(of_grid))
    is_new = pl.col(_TAKEN).diff().over(_POD).fill_null(1.0) > 0
    fresh = dated.filter(is_new).with_columns(pl.col(_VALUE).diff().over(_POD).alias(_GROWN))
    grown = pl.when(pl.col(_GROWN) < 0).then(pl.col(_VALUE)).otherwise(pl.col(_GROWN))
    fresh = fresh.with_columns((grown.fill_null(pl.col(_VALUE)) if from_zero else grown).alias(_GROWN))
    rate = pl.col(_GROWN) / pl.col(_TAKEN).diff().over(_POD)
    rates = fresh.select(_POD, _TIME, rate.alias(_VALUE), _GROWN)
    held = dated.select(_POD, _TIME).join(rates, on=[_POD, _TIME], how="left", maintain_order="left")
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

"""The bundle put in order: what was seen of each object, by the clock of whichever source saw it.

Streams may be merged in any order: lines are sorted by receipt, and lines of one stream keep theirs.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl

from elastometer.analysis.evidence.about_pods import (
    events_by_subject,
    first_listings,
    listed_as_ready,
    logs_by_pod,
    samples_by_pod,
    server_pods,
)
from elastometer.analysis.evidence.served_by import first_ends, with_pods
from elastometer.analysis.evidence.stages import stages_as_run
from elastometer.analysis.evidence.warm_ups import WarmUp, warm_ups, without_warm_ups
from elastometer.model.autoscalers import keda_autoscaler_name, rivals, under_test
from elastometer.model.bundle import Bundle, LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.document import Document, document_at, text_at
from elastometer.model.measurements import Source, Stamp
from elastometer.model.names import server_name
from elastometer.model.observation import (
    ClockSample,
    LogSeen,
    MetricsSeen,
    Note,
    ObjectKind,
    ObjectSeen,
    Observation,
    Sighting,
    WatchGap,
)
from elastometer.model.request import GeneratorSummary, RecordedRequest
from elastometer.model.request_table import RequestRows, in_order, table_of
from elastometer.model.terms import StageWindow, Terms
from elastometer.model.units import MILLISECOND, SECOND, Instant, Nanoseconds, format_instant, to_seconds

T = TypeVar("T")
WATCH_RESOLUTION = MILLISECOND
API_RESOLUTION = SECOND


@dataclass(frozen=True, slots=True)
class PodHistory:
    """One server Pod, by its uid: every sighting, in order of receipt."""

    name: str
    uid: str
    sightings: tuple[ObjectSeen, ...]

    @property
    def last(self) -> ObjectSeen:
        """The newest state that was seen."""
        return self.sightings[-1]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The bundle, sorted and grouped. `origin` is the start of the load; without one, the first thing that was seen.

    `spec` is the ElasticityTest as served, `stages` are those of the terms with the windows in which they really ran,
    and `first_ends` has the end of the first request that each Pod is known to have served. `events_of` has the events
    by the uid of what they are about (by its name, if they have none). `listed` has the Pods that each line of `slices`
    lists as ready, and `first_listing` the first line that lists a Pod. `series_of` has the time series by query and
    Pod. `autoscalers` are sightings of the HorizontalPodAutoscaler under test, `rivals` the names of others that scaled
    the same Deployment.
    """

    terms: Terms
    origin: Instant
    has_origin: bool
    spec: Document = field(default_factory=dict)
    generators: tuple[GeneratorSummary, ...] = ()
    stages: tuple[StageWindow, ...] = ()
    warm_ups: tuple[WarmUp, ...] = ()
    pods: tuple[PodHistory, ...] = ()
    deployments: tuple[ObjectSeen, ...] = ()
    autoscalers: tuple[ObjectSeen, ...] = ()
    rivals: tuple[str, ...] = ()
    scaled_objects: tuple[ObjectSeen, ...] = ()
    slices: tuple[ObjectSeen, ...] = ()
    listed: tuple[frozenset[str], ...] = ()
    first_listing: dict[str, ObjectSeen] = field(default_factory=dict)
    events: tuple[ObjectSeen, ...] = ()
    events_of: dict[str, tuple[ObjectSeen, ...]] = field(default_factory=dict)
    logs: dict[str, tuple[LogSeen, ...]] = field(default_factory=dict)
    gaps: tuple[WatchGap, ...] = ()
    clocks: tuple[ClockSample, ...] = ()
    notes: tuple[Note, ...] = ()
    readings: tuple[MetricsSeen, ...] = ()
    requests: Sequence[RecordedRequest] = ()
    first_ends: dict[str, Instant] = field(default_factory=dict)
    series: dict[str, SeriesResult] = field(default_factory=dict)
    series_of: dict[str, dict[str, tuple[LabelledSamples, ...]]] = field(default_factory=dict)
    last_seen: Instant | None = None

    @property
    def table(self) -> pl.DataFrame:
        """The requests as columns, in the same order: whatever looks at all of them reads these."""
        return table_of(self.requests)

    @property
    def judged(self) -> pl.DataFrame:
        """The requests without those that were due in a warm-up: what objectives and steady figures are about."""
        return without_warm_ups(self.table, self.warm_ups)

    def seconds(self, instant: Instant) -> float:
        """Seconds from the start of the load."""
        return to_seconds(instant - self.origin)

    def stamp(self, instant: Instant, source: Source, resolution: Nanoseconds) -> Stamp:
        """The instant as the report prints it."""
        return Stamp(self.seconds(instant), format_instant(instant), source, resolution / MILLISECOND)

    @property
    def load_end(self) -> Instant:
        """The end of the last stage; where that is not known, the end of the last request."""
        end = self.stages[-1].end_seconds if self.stages else 0.0
        if end is not None:
            return self.origin + round(end * SECOND)
        last = last_end(self.table)
        return self.origin if last is None else last

    def gap_within(self, start: Instant, end: Instant, *resources: str) -> WatchGap | None:
        """The first gap of one of the resources that touches [start, end]."""
        touching = (gap for gap in self.gaps if gap.start <= end and gap.end >= start)
        return next((gap for gap in touching if gap.resource in ("*", *resources)), None)

    def samples(self, name: SeriesName) -> SeriesResult | None:
        """The answer to a query; None if it has no samples."""
        result = self.series.get(name.value)
        return result if result is not None and result.outcome is SeriesOutcome.SAMPLES else None

    def samples_of(self, name: SeriesName, pod: str) -> tuple[LabelledSamples, ...]:
        """The time series of one Pod in the answer to a query; none if the answer has no samples."""
        return self.series_of.get(name.value, {}).get(pod, ())


def last_end(table: pl.DataFrame) -> Instant | None:
    """The end of the last request, or its intended time if it never ended; None without requests."""
    found = table.select(pl.coalesce("end", "intended").max()).item()
    return None if found is None else int(found)


def gather(bundle: Bundle) -> Evidence:
    """The evidence of a bundle, whole or partial."""
    lines = _by_class(bundle.observations)
    objects = _sort_by_receipt(_of_class(lines, ObjectSeen))
    test = bundle.terms.test
    pods = server_pods(_of_kind(objects, ObjectKind.POD), test)
    requests = RequestRows(with_pods(in_order(table_of(bundle.requests)), pods))
    origin = _find_origin(bundle, requests)
    scaled_objects = _select_named(objects, ObjectKind.SCALED_OBJECT, server_name(test))
    every = _of_kind(objects, ObjectKind.AUTOSCALER)
    slices, events = _of_kind(objects, ObjectKind.ENDPOINT_SLICE), _of_kind(objects, ObjectKind.EVENT)
    listed = listed_as_ready(slices)
    autoscalers = _select_autoscaler(every, scaled_objects, bundle)
    stages = stages_as_run(bundle, requests, origin or 0)
    searches = [search for generator in bundle.generators for search in generator.knees]
    return Evidence(
        terms=bundle.terms, origin=origin or 0, has_origin=origin is not None,
        spec=bundle.spec, generators=bundle.generators, stages=stages,
        warm_ups=tuple(warm_ups(stages, searches, origin or 0)),
        pods=_group_pods(pods),
        deployments=_select_named(objects, ObjectKind.DEPLOYMENT, server_name(test)),
        autoscalers=autoscalers, scaled_objects=scaled_objects,
        rivals=rivals((seen.object for seen in every), test, autoscalers[-1].object) if autoscalers else (),
        slices=slices, listed=listed, first_listing=first_listings(slices, listed),
        events=events, events_of=events_by_subject(events),
        logs=logs_by_pod(_of_class(lines, LogSeen)),
        gaps=tuple(sorted(_of_class(lines, WatchGap), key=lambda gap: (gap.start, gap.end, gap.resource))),
        clocks=tuple(sorted(_of_class(lines, ClockSample), key=lambda sample: sample.received)),
        notes=tuple(sorted(_of_class(lines, Note), key=lambda note: note.received)),
        readings=tuple(sorted(_of_class(lines, MetricsSeen), key=lambda reading: reading.received)),
        requests=requests, first_ends=first_ends(requests.table),
        series={result.name: result for result in bundle.series}, series_of=samples_by_pod(bundle.series),
        last_seen=max((line.received for line in bundle.observations), default=None),
    )


def _of_kind(objects: list[ObjectSeen], kind: ObjectKind) -> tuple[ObjectSeen, ...]:
    return tuple(seen for seen in objects if seen.kind is kind)


def _by_class(observations: Iterable[Observation]) -> Mapping[type, list[Observation]]:
    found: dict[type, list[Observation]] = defaultdict(list)
    for line in observations:
        found[type(line)].append(line)
    return found


def _of_class(lines: Mapping[type, list[Observation]], kind: type[T]) -> list[T]:
    return [line for line in lines.get(kind, ()) if isinstance(line, kind)]


def _sort_by_receipt(objects: list[ObjectSeen]) -> list[ObjectSeen]:
    # Several lines of one object may have one time. The API server's versions of a kind grow; where a record has none,
    # the sort is stable, so that lines of one stream keep their order.
    return sorted(objects, key=lambda seen: (seen.received, seen.kind.value, seen.version))


def _find_origin(bundle: Bundle, requests: Sequence[RecordedRequest]) -> Instant | None:
    if bundle.start is not None:
        return bundle.start
    if requests:
        return requests[0].intended
    return min((line.received for line in bundle.observations), default=None)


def _select_named(objects: list[ObjectSeen], kind: ObjectKind, *names: str) -> tuple[ObjectSeen, ...]:
    """Sightings of the object of one of the names. If there is none, the only object of the kind is taken; if there
    are several, none is taken, because nothing says which one is meant."""
    every = tuple(seen for seen in objects if seen.kind is kind)
    found = tuple(seen for seen in every if seen.name in names)
    return found or (every if len({seen.name for seen in every}) == 1 else ())


def _select_autoscaler(
    every: tuple[ObjectSeen, ...], scaled_objects: tuple[ObjectSeen, ...], bundle: Bundle,
) -> tuple[ObjectSeen, ...]:
    """Sightings of the autoscaler under test, which is known by its owner. Records of earlier versions hold one of a
    fixed name, and predicted ones have no owner."""
    test, keda = bundle.terms.test, document_at(bundle.spec, "spec", "autoscaler", "scaledObject")
    owner = scaled_objects[-1].object if scaled_objects else None
    mine = under_test((seen.object for seen in reversed(every)), test, bundle.terms.uid, owner)
    names = (server_name(test), keda_autoscaler_name(test, keda)) if mine is None else \
        (text_at(mine, "metadata", "name") or "",)
    return _select_named(list(every), ObjectKind.AUTOSCALER, *names)


def _group_pods(sightings: Sequence[ObjectSeen]) -> tuple[PodHistory, ...]:
    # By uid, not by name: a StatefulSet's Pod comes back under its old name.
    by_uid: dict[str, list[ObjectSeen]] = defaultdict(list)
    for seen in sightings:
        by_uid[seen.uid].append(seen)
    histories = [PodHistory(found[0].name, uid, tuple(found)) for uid, found in by_uid.items()]
    return tuple(sorted(histories, key=lambda pod: (pod.sightings[0].received, pod.name)))


def is_state_only(seen: ObjectSeen) -> bool:
    """Whether the line shows a state but not the instant at which it began, as every line of a list does."""
    return seen.sighting is Sighting.LISTED

"""Records everything that happens to one test, as it happens, by watches of its own.

    recorder = Recorder(api, names, RunStore(directory), SystemClock(), scaled_object=False)
    task = asyncio.create_task(recorder.run())        # until cancelled
    await recorder.synced(timeout=30)                 # every kind has been listed and is watched
    await recorder.changed.wait(); recorder.changed.clear()
    recorder.latest("Pod")                            # {name: newest object}, deleted ones are out

It derives nothing and decides nothing. What could not be seen is written down as a WatchGap. Times are taken from the
operator's clock when a line arrives, before it is decoded.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import orjson
from kubernetes.aio.client import ApiClient

from elastometer.model.autoscalers import under_test
from elastometer.model.bundle_files import HEARTBEAT, OBSERVATIONS
from elastometer.model.endpoints import ready_addresses
from elastometer.model.errors import WorldError
from elastometer.model.names import Names
from elastometer.model.observation import RESTARTED
from elastometer.model.times import format_instant, parse_instant
from elastometer.world import meters
from elastometer.world.api_reader import UNREACHABLE, ApiReader
from elastometer.world.clock import Clock
from elastometer.world.cluster import Refused
from elastometer.world.log_lines import of_test
from elastometer.world.metrics_api.polls import AutoscalerPolls
from elastometer.world.pod_logs.logs import PodLogs
from elastometer.world.pod_logs.stored_log import stored_logs
from elastometer.world.run_store import RunStore
from elastometer.world.watched import Json, watched_of
from elastometer.world.watching import Broken, Gap, News, Observed, ResourceWatch, Watching

HEARTBEAT_SECONDS = 1.0  # after a kill, the reported gap exceeds the outage by at most this much
STALL = timedelta(seconds=1)  # a stall of the operator or the API server that is longer than this makes stamps late
CLOCK_SAMPLE_SECONDS = 10.0  # a server that hangs for longer than this is noticed, at six requests per minute

log = logging.getLogger(__name__)


class Recorder:
    """The recording of one run: one watch per kind, the logs of the server Pods, the metrics that the autoscaler reads,
    a heartbeat, and samples of the API server's clock."""

    def __init__(self, api: ApiClient, names: Names, store: RunStore, clock: Clock, *, scaled_object: bool = False,
                 autoscaler_name: str | None = None,
                 publish_endpoints: Callable[[Iterable[str]], None] = lambda _: None) -> None:
        self.changed = asyncio.Event()
        self.broken: dict[str, str] = {}
        self._names, self._store, self._clock, self._autoscaler_name = names, store, clock, autoscaler_name
        self._publish_endpoints = publish_endpoints
        self._reader = ApiReader(api, clock)
        self._watches = {watched.kind: ResourceWatch(self._reader, watched, clock)
                         for watched in watched_of(names, scaled_object=scaled_object,
                                                   autoscalers=self._autoscaler_names)}
        self._pending = {watch.watched.resource for watch in self._watches.values()}
        self._all_listed = asyncio.Event()
        self._logs = PodLogs(self._reader, names.namespace, clock, self._write)
        self._polls = AutoscalerPolls(self._reader, self._autoscaler_and_target, clock, self._write)

    async def run(self) -> None:
        """Records until cancelled. Raises WorldError when the disk is full; all else is retried indefinitely."""
        # Read before the first heartbeat of this process replaces it.
        last_beat = self._store.read_json(HEARTBEAT)
        self._logs.resume(await asyncio.to_thread(stored_logs, self._store.path(OBSERVATIONS)))
        meters.RECORDERS.inc()
        try:
            # One group, which a full disk ends as a whole: a recording must not lack a kind without saying so.
            async with asyncio.TaskGroup() as group:
                for watch in self._watches.values():
                    group.create_task(self._follow(watch, group), name=f"watch of {watch.watched.resource}")
                group.create_task(self._heartbeat(last_beat), name="heartbeat")
                group.create_task(self._sample_clock(), name="clock samples")
                group.create_task(self._polls.run(), name="polls of metrics")
        except* WorldError as failures:
            raise _first(failures) from failures
        finally:
            meters.RECORDERS.dec()
            self._store.sync()

    async def synced(self, timeout: float) -> None:
        """Returns when every kind is watched; raises WorldError with what is missing when `timeout` (s) has passed."""
        try:
            async with asyncio.timeout(timeout):
                await self._all_listed.wait()
        except TimeoutError:
            missing = ", ".join(f"{name} ({self.broken.get(name, 'no answer yet')})" for name in sorted(self._pending))
            raise WorldError(f"recording could not begin within {timeout:g} s: not watched are {missing}") from None

    def latest(self, kind: str) -> Mapping[str, Json]:
        """The newest state of each object of the kind, by name; empty for a kind that is not watched."""
        watch = self._watches.get(kind)
        return watch.items if watch else {}

    def autoscaler(self) -> Json | None:
        """The newest state of the HorizontalPodAutoscaler under test, whatever its name."""
        names, scaled_object = self._names, self.latest("ScaledObject").get(self._names.server)
        return under_test(self.latest("HorizontalPodAutoscaler").values(), names.test, names.uid, scaled_object)

    def _autoscaler_and_target(self) -> tuple[Json, Json] | None:
        autoscaler, target = self.autoscaler(), self.latest("Deployment").get(self._names.server)
        return None if autoscaler is None or target is None else (autoscaler, target)

    def _autoscaler_names(self) -> set[str]:
        """An event may be listed before the autoscaler that it is about, so the name it will have counts as well."""
        expected = () if self._autoscaler_name is None else (self._autoscaler_name,)
        return {*expected, *self.latest("HorizontalPodAutoscaler")}

    def note(self, reason: str, message: str) -> None:
        """Writes down what the operator itself did."""
        self._write({"kind": "Note", "receivedTime": format_instant(self._clock.now()),
                     "reason": reason, "message": message})

    async def _follow(self, watch: ResourceWatch, group: asyncio.TaskGroup) -> None:
        resource = watch.watched.resource
        async for news in watch.news():
            self._store_news(watch, news)
            match news:
                case Observed(kind, item):
                    self._pass_on(watch.watched.kind, kind, item, group)
                    self.changed.set()
                case Broken(reason, refused):
                    log.warning("watch broken", extra=of_test(self._names, resource=resource, reason=reason))
                    self.broken[resource] = reason
                    # What the cluster refuses and the run can do without (nodes, KEDA) must not hold up its start.
                    if refused and not watch.watched.needed:
                        self._listed(resource)
                case Watching():
                    self.broken.pop(resource, None)
                    self._listed(resource)

    def _pass_on(self, watched: str, kind: str, item: Json, group: asyncio.TaskGroup) -> None:
        """Hands a changed object to what follows such objects."""
        match watched:
            case "Pod":
                self._logs.saw(kind, item, group)
            case "HorizontalPodAutoscaler" if item is self.autoscaler():
                self._polls.saw(item)
            case "EndpointSlice":
                self._publish_endpoints(ready_addresses(self.latest("EndpointSlice").values()))

    def _store_news(self, watch: ResourceWatch, news: News) -> None:
        match news:
            case Observed(kind, item, received):
                self._write({"kind": watch.watched.kind, "receivedTime": format_instant(received), "type": kind,
                             "object": item})
            case Gap(start, end, reason):
                self._write_gap(watch.watched.resource, start, end, reason)

    def _listed(self, resource: str) -> None:
        self._pending.discard(resource)
        if not self._pending:
            self._all_listed.set()
            self.changed.set()

    async def _heartbeat(self, last_beat: Json | None) -> None:
        """Writes each second that everything is watched and that all before it is on the disk. Silent while a needed
        watch is down, so that the next start of the operator reports the whole gap."""
        await self._all_listed.wait()
        if last_beat is not None:
            self._write_gap("*", parse_instant(last_beat["time"]), self._clock.now(), RESTARTED)
        while True:
            # In a thread, because fsync may take long: the loop must go on stamping the lines of the watches.
            if not self._needed_watch_is_broken():
                await asyncio.to_thread(self._beat, self._clock.now())
            before = self._clock.now()
            await self._clock.sleep(HEARTBEAT_SECONDS)
            after = self._clock.now()
            if after - before > timedelta(seconds=HEARTBEAT_SECONDS) + STALL:
                self._write_gap("*", before, after, "the operator was stalled")

    def _needed_watch_is_broken(self) -> bool:
        return any(watch.watched.needed and watch.watched.resource in self.broken for watch in self._watches.values())

    def _beat(self, instant: datetime) -> None:
        self._store.sync()
        self._store.write_json(HEARTBEAT, {"time": format_instant(instant)})

    async def _sample_clock(self) -> None:
        """Reads the API server's clock. This also notices a server that hangs: its watches stay open and silent, which
        looks the same as nothing happening."""
        silent_since: datetime | None = None
        while True:
            asked = self._clock.now()
            try:
                answer = await self._reader.get("/version", {})
                if answer.date:
                    self._write({"kind": "ClockSample", "receivedTime": format_instant(answer.received),
                                 "serverTime": format_instant(parsedate_to_datetime(answer.date)),
                                 "sentTime": format_instant(answer.sent)})
            except (Refused, ValueError, orjson.JSONDecodeError, *UNREACHABLE) as error:
                silent_since = silent_since or asked
                log.debug("no clock sample", extra=of_test(self._names, reason=str(error)))
            else:
                if answer.received - (silent_since or asked) > STALL:
                    self._write_gap("*", silent_since or asked, answer.received, "the API server did not answer")
                silent_since = None
            await self._clock.sleep(CLOCK_SAMPLE_SECONDS)

    def _write_gap(self, resource: str, start: datetime, end: datetime, reason: str) -> None:
        meters.WATCH_GAPS.labels(resource).inc()
        seconds = round((end - start).total_seconds(), 3)
        log.info("watch gap", extra=of_test(self._names, resource=resource, seconds=seconds, reason=reason))
        self._write({"kind": "WatchGap", "receivedTime": format_instant(self._clock.now()), "resource": resource,
                     "from": format_instant(start), "to": format_instant(end), "reason": reason})

    def _write(self, observation: Json) -> None:
        meters.OBSERVATIONS.labels(observation["kind"]).inc()
        self._store.append_observation(observation)

def _first(failures: BaseExceptionGroup[WorldError]) -> WorldError:
    """One failure of the group: a full disk stops every task at once, with the same error."""
    found: BaseException = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if isinstance(found, WorldError) else WorldError(str(found))

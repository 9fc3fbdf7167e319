"""One test while the operator carries it out: its run directory, its recorder, its registration at the receiver.

It is opened again after every restart: all it needs is in the cluster, the status and the run directory.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes.aio.client import ApiClient

from elastometer.controller.decision import PROGRESS_SECONDS
from elastometer.controller.judging.supervise import JUDGING
from elastometer.controller.leftovers import leftovers_of_earlier_test, own_leftovers
from elastometer.controller.progress import Counters, Standing, desired_replicas, progress
from elastometer.model.autoscalers import rivals
from elastometer.model.bundle_files import FILES, PLAN, REPORT_JSON, SPEC
from elastometer.model.errors import WorldError
from elastometer.model.names import COMPONENT_LABEL, LOAD, SERVER, TOKEN_KEY
from elastometer.model.snapshot import (
    JobFact,
    PodFact,
    PreflightFact,
    RefusalFact,
    Snapshot,
    job_fact,
    pod_fact,
    report_fact,
    scaled_object_fact,
    scaler_fact,
)
from elastometer.model.spec import ScalerType, with_files
from elastometer.model.status import Status
from elastometer.plan import Environment, TestPlan, describe
from elastometer.resources.load import token_secret
from elastometer.resources.scaler import autoscaler_name
from elastometer.world.clock import Clock
from elastometer.world.cluster import Cluster, owners
from elastometer.world.live.document import losses_of
from elastometer.world.log_lines import of_test
from elastometer.world.receiver import Receiver
from elastometer.world.recorder import Recorder
from elastometer.world.redaction import spec_without_secrets
from elastometer.world.run_store import RunStore

Json = dict[str, Any]
SYNC_SECONDS = 30.0  # until every kind is listed and watched; nothing is created before
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Context:
    """What all tests and studies share."""

    api: ApiClient
    cluster: Cluster
    receiver: Receiver
    clock: Clock
    data: Path
    environment: Environment
    # One judgement at a time, since each holds a whole run in memory.
    judging: asyncio.Lock = field(default_factory=asyncio.Lock)
    # And one comparison or search of a study, which may take long, beside it: no test waits for it.
    studying: asyncio.Lock = field(default_factory=asyncio.Lock)


class Session:
    """The resources of one test. `open` it, and `close` it whether or not that succeeded."""

    def __init__(self, context: Context, plan: TestPlan) -> None:
        self.context = context
        self.plan = plan
        self.store = RunStore(context.data / plan.names.run_directory)
        self.recorder: Recorder | None = None
        self.preflight: PreflightFact | None = None
        self.refusal: RefusalFact | None = None
        self._recording: asyncio.Task[None] | None = None
        self._cleaning_since: datetime | None = None
        self._progress_at = datetime.fromtimestamp(0, UTC)

    def fields(self, **facts: Any) -> dict[str, Any]:
        """The `extra` of a log record about this test."""
        return of_test(self.plan.names, **facts)

    async def open(self, status: Status) -> Session:
        """Registers with the receiver and records, unless the run has ended or its recording is closed."""
        # Only before a run has begun: later its own Pods would count as leftovers.
        is_new = status.start_time is None and self.store.read_json(SPEC) is None
        if is_new and (left := await leftovers_of_earlier_test(self.context.cluster, self.plan)):
            raise WorldError(f"what an earlier test of this name left must be deleted first; waiting for "
                             f"{', '.join(left)}")
        if (files := self.store.read_json(FILES)) is not None:
            self.plan = replace(self.plan, spec=await asyncio.to_thread(with_files, self.plan.spec, files))
        # Before recording: workers of a resumed run are waiting for the receiver to know them.
        await self._register()
        if not self.store.compacted and not status.finished:
            if self.store.read_json(SPEC) is None:
                names = self.plan.names
                meta = {"name": names.test, "namespace": names.namespace, "uid": names.uid}
                self.store.write_json(SPEC, {"metadata": meta, "spec": spec_without_secrets(self.plan.spec.raw)})
                self.store.write_json(PLAN, describe(self.plan))
            await self._record()
        return self

    async def take_files(self, files: Mapping[str, str]) -> None:
        """Stores the files of the load; later changes of their ConfigMap do not affect the run. Raises SpecError."""
        if files:
            spec = await asyncio.to_thread(with_files, self.plan.spec, files)
            self.store.write_json(FILES, files)
            self.plan = replace(self.plan, spec=spec)
            self.store.write_json(PLAN, describe(self.plan))

    async def _record(self) -> None:
        keda = self.plan.spec.scaler.type is ScalerType.KEDA
        context, names = self.context, self.plan.names
        publish = partial(context.receiver.publish_endpoints, names.uid)
        self.recorder = Recorder(
            context.api, names, self.store, context.clock, scaled_object=keda,
            autoscaler_name=autoscaler_name(self.plan), publish_endpoints=publish)
        self._recording = asyncio.create_task(self.recorder.run(), name=f"recorder {self.plan.names.test}")
        await self.recorder.synced(SYNC_SECONDS)

    async def _keep_recording(self) -> None:
        """A recorder ends by itself only when the disk is full. A new one continues, and reports the gap."""
        if self._recording is not None and self._recording.done():
            await self.stop_recording()
            await self._record()

    async def close(self) -> None:
        """Stops recording; the run directory stays."""
        await self.stop_recording()
        self.store.close()

    async def stop_recording(self) -> None:
        """Ends the recorder; nothing is appended to the observations after that."""
        if self._recording is None:
            return
        recording, self._recording, self.recorder = self._recording, None, None
        recording.cancel()
        await asyncio.wait([recording])
        if not recording.cancelled() and (failure := recording.exception()) is not None:
            log.error("the recorder ended", extra=self.fields(reason=str(failure)))

    def note_refusal(self, action: str, message: str) -> None:
        """Remembers since when the API server has refused this action."""
        known = self.refusal
        since = known.since if known is not None and known.action == action else self.context.clock.now()
        self.refusal = RefusalFact(action, message, since)

    async def _register(self) -> None:
        names = self.plan.names
        secret = await self.context.cluster.get("v1", "Secret", names.namespace, names.load)
        if secret is None:
            await self.context.cluster.create(token_secret(self.plan, secrets.token_urlsafe(32)))
            # Read back what is stored, which is not our token where another attempt created the Secret first.
            secret = await self.context.cluster.get("v1", "Secret", names.namespace, names.load)
        if secret is None:
            raise WorldError(f"the Secret {names.load} was deleted right after it was created")
        if names.uid not in owners(secret) or TOKEN_KEY not in secret.get("data", {}):
            raise WorldError(f"the Secret {names.load} must be this test's own; delete the one that exists")
        token = b64decode(secret["data"][TOKEN_KEY]).decode()
        await self.context.receiver.register(names.uid, self.store, token, self.plan.spec.profile.workers)

    async def snapshot(self, now: datetime, cleaning: bool) -> Snapshot:
        """The facts of this test now. `cleaning`: also which of its children still exist, at one GET for each."""
        await self._keep_recording()
        if cleaning and self._cleaning_since is None:
            self._cleaning_since = now
        left = await own_leftovers(self.context.cluster, self.plan) if cleaning else []
        names, latest = self.plan.names, self._latest
        pods = latest("Pod").values()
        server = tuple(pod_fact(pod) for pod in pods if _component(pod) == SERVER)
        load = tuple(pod_fact(pod) for pod in pods if _component(pod) == LOAD)
        hpa = self.autoscaler
        target = latest("Deployment").get(names.server)
        job, keda = latest("Job").get(names.load), latest("ScaledObject").get(names.server)
        scaler_seen = scaler_fact(hpa) if hpa is not None else None
        replicas = target["spec"].get("replicas") if target else None
        job_seen = job_fact(job, load) if job is not None else None
        return Snapshot(
            generation=self.plan.spec.generation,
            preflight=self.preflight,
            target_exists=target is not None,
            replicas=replicas,
            pods=server,
            scaler_exists=hpa is not None or keda is not None,
            scaler=scaler_seen,
            scaled_object=None if keda is None else scaled_object_fact(keda),
            rivals=rivals(latest("HorizontalPodAutoscaler").values(), names.test, hpa),
            job=job_seen,
            load_start=self.store.start_time,
            report=report_fact(self.store.read_json(REPORT_JSON)),
            judging_flaw=(self.store.read_json(JUDGING) or {}).get("reason", ""),
            bundle_sealed=self.store.sealed,
            leftovers=tuple(map(_kind_and_name, left)),
            cleaning_since=self._cleaning_since,
            refusal=self.refusal,
            progress=self._progress(server, desired_replicas(self.plan, scaler_seen, replicas), job_seen, now),
        )

    @property
    def autoscaler(self) -> Json | None:
        """The HorizontalPodAutoscaler under test as served; None before it exists, and where nothing is recorded."""
        return None if self.recorder is None else self.recorder.autoscaler()

    def _latest(self, kind: str) -> Mapping[str, Any]:
        return self.recorder.latest(kind) if self.recorder is not None else {}

    def _progress(
        self, pods: tuple[PodFact, ...], desired: int | None, job: JobFact | None, now: datetime
    ) -> Json | None:
        """Computed every few seconds only, because each change is a write of the status. None in between."""
        if self.recorder is None or (now - self._progress_at).total_seconds() < PROGRESS_SECONDS:
            return None
        self._progress_at = now
        live = self.context.receiver.live(self.plan.names.uid)
        recent = live.recent
        counters = Counters(live.succeeded + live.failed, live.failed, live.ttft_p50_ms, recent.served_per_second,
                            recent.latency_p50_ms, recent.latency_p95_ms, losses_of(live.losses))
        ready = sum(pod.ready and not pod.deleting for pod in pods)
        standing = Standing(now, self.store.start_time, None if job is None else job.ended, live.stage_starts)
        fields = progress(self.plan, standing, ready, desired, counters)
        self.context.receiver.show_progress(self.plan.names.uid, fields)
        return fields


def _kind_and_name(item: Json) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"


def _component(pod: Mapping[str, Any]) -> str | None:
    component: str | None = pod["metadata"].get("labels", {}).get(COMPONENT_LABEL)
    return component

"""Receives the load workers' records, and serves live counters and finished bundles: docs/data.md, `Receiver`.

A worker may send again, be restarted, or meet a restarted operator: bytes are stored once, at their offset, and
acknowledged when they are on the disk. The token is compared before anything else of a request is read.
"""
from __future__ import annotations

import asyncio
import hmac
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from aiohttp import web

from elastometer.model.bundle_files import (
    BUNDLE,
    JUNIT,
    LINES_SUFFIX,
    RECORDS_SUFFIX,
    REPORT_HTML,
    REPORT_JSON,
    REPORT_MARKDOWN,
    START,
    SUMMARY_SUFFIX,
)
from elastometer.model.times import format_instant
from elastometer.world import meters
from elastometer.world.clock import Clock
from elastometer.world.endpoints import Endpoints
from elastometer.world.live.document import Json, to_document
from elastometer.world.live.page import live_headers, live_page
from elastometer.world.live.tally import Live, Tally
from elastometer.world.receiver_requests import (
    RETRY_SECONDS,
    answer_errors,
    header_bytes,
    incarnation_of,
    json_object,
    offset_of,
    refusal,
)
from elastometer.world.run_store import MAX_WORKERS, RunStore
from elastometer_loadgen.base.secret import TOKEN_HEADER

MAX_POST_BYTES = 16 << 20
START_DELAY = timedelta(seconds=3)  # three polls of a worker: all know the common start before it comes
SERVED = {
    BUNDLE: "application/zstd",
    REPORT_HTML: "text/html; charset=utf-8",
    REPORT_JSON: "application/json",
    REPORT_MARKDOWN: "text/markdown; charset=utf-8",
    JUNIT: "application/xml",
}


@dataclass(slots=True)
class _Run:
    store: RunStore
    token: bytes
    workers: int
    tally: Tally = field(default_factory=Tally)
    seen: set[int] = field(default_factory=set)
    finished: set[int] = field(default_factory=set)
    start_time: datetime | None = None
    closed: bool = False
    # By the worker's index, and its incarnation with the suffix of the file.
    locks: defaultdict[tuple[int, str], asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    counting: asyncio.Lock = field(default_factory=asyncio.Lock)
    endpoints: Endpoints = field(default_factory=Endpoints)
    progress: Json | None = None


class Receiver:
    """The runs whose workers may post. `ready` is False until all runs that exist are registered again."""

    def __init__(self, clock: Clock) -> None:
        self.ready = False
        self._clock = clock
        self._runs: dict[str, _Run] = {}

    async def register(self, uid: str, store: RunStore, token: str, workers: int) -> None:
        """Opens the run's paths and counts what was stored before a restart. A second call changes nothing."""
        if uid in self._runs:
            return
        run = _Run(store, token.encode(), workers, start_time=store.start_time)
        await asyncio.to_thread(_recount, run)
        self._runs.setdefault(uid, run)
        meters.RUNS_REGISTERED.set(len(self._runs))

    def unregister(self, uid: str) -> None:
        """Closes the run's paths; unknown runs are fine."""
        self._runs.pop(uid, None)
        meters.RUNS_REGISTERED.set(len(self._runs))

    def close(self, uid: str) -> None:
        """Accepts no more records of a run: one that came during the merge would be acknowledged and lost."""
        self._runs[uid].closed = True

    def knows(self, uid: str) -> bool:
        """Whether the run is registered."""
        return uid in self._runs

    def publish_endpoints(self, uid: str, addresses: Iterable[str]) -> None:
        """Sets the addresses of the Ready Pods of the run's target, `host:port` each; unknown runs are fine."""
        if uid in self._runs:
            self._runs[uid].endpoints.publish(addresses)

    def show_progress(self, uid: str, progress: Json) -> None:
        """Sets what the live view shows beside the counters: the progress in the test's status."""
        if uid in self._runs:
            self._runs[uid].progress = progress

    def live(self, uid: str) -> Live:
        """The run so far, by its records. Raises KeyError for a run that is not registered."""
        run = self._runs[uid]
        tally = run.tally
        return Live(tally.sent, tally.succeeded, tally.sent - tally.succeeded, tally.ttft_p50_ms(),
                    tally.offered_per_second(), tally.last_intended, run.start_time, len(run.seen), len(run.finished),
                    tally.stage_starts, tally.recent(self._clock.now()), tally.losses(), tally.history.points())

    def app(self) -> web.Application:
        """The application for port 8081."""
        app = web.Application(client_max_size=MAX_POST_BYTES, middlewares=[answer_errors])
        worker = "/v1/runs/{uid}/workers/{index:[0-9]{1,4}}"
        app.add_routes([
            web.post(f"{worker}/hello", self._hello),
            web.post(f"{worker}/records", self._records),
            web.post(f"{worker}/fingerprints", self._fingerprints),
            web.post(f"{worker}/finish", self._finish),
            web.get("/v1/runs/{uid}/live", self._live),
            web.get("/v1/runs/{uid}/live.html", self._live_page),
            web.get("/v1/runs/{uid}/endpoints", self._endpoints),
            web.get("/v1/runs/{uid}/{file}", self._file),
        ])
        return app

    async def _hello(self, request: web.Request) -> web.Response:
        run, index = self._worker(request)
        body = json_object(await request.read())
        incarnation = incarnation_of(body.get("incarnation"))
        if body.get("workers") != run.workers:
            raise refusal(400, f"`workers` must be {run.workers}, is {body.get('workers')!r}")
        run.seen.add(index)
        # On the disk before any worker is given it: after a restart of the operator all must still have the same one.
        if run.start_time is None and len(run.seen) == run.workers:
            start_time = self._clock.now() + START_DELAY
            run.store.write_json(START, {"startTime": format_instant(start_time)})
            run.start_time = start_time
        return web.json_response({"startTime": format_instant(run.start_time) if run.start_time else None,
                                  "next": run.store.worker_size(index, incarnation),
                                  "nextFingerprint": run.store.worker_size(index, incarnation, LINES_SUFFIX)})

    async def _records(self, request: web.Request) -> web.Response:
        return await self._append(request, RECORDS_SUFFIX)

    async def _fingerprints(self, request: web.Request) -> web.Response:
        return await self._append(request, LINES_SUFFIX)

    async def _append(self, request: web.Request, suffix: str) -> web.Response:
        """Stores bytes of one of a worker's files at their offset, once."""
        run, index = self._worker(request)
        incarnation = incarnation_of(request.query.get("incarnation"))
        offset = offset_of(request.query.get("offset"))
        content = await request.read()
        # One append per file at a time: a worker that timed out may send the same bytes while they are being written.
        async with run.locks[index, incarnation + suffix]:
            stored = run.store.worker_size(index, incarnation, suffix)
            # A gap: bytes before these never arrived. The worker starts again from `next`.
            if offset > stored:
                return web.json_response({"next": stored}, status=409)
            if fresh := content[stored - offset:]:
                stored = await asyncio.to_thread(run.store.append_worker, index, incarnation, fresh, suffix)
                meters.BYTES_RECEIVED.inc(len(fresh))
                if suffix == RECORDS_SUFFIX:
                    # The tally is one for all workers of the run, and is counted in a thread.
                    async with run.counting:
                        counted = await asyncio.to_thread(run.tally.add, f"{index}-{incarnation}", fresh)
                    meters.RECORDS_RECEIVED.inc(counted)
        return web.json_response({"next": stored})

    async def _finish(self, request: web.Request) -> web.Response:
        run, index = self._worker(request)
        summary = json_object(await request.read())
        incarnation = incarnation_of(request.query.get("incarnation"))
        await asyncio.to_thread(run.store.write_summary, index, incarnation, summary)
        run.finished.add(index)
        return web.json_response({})

    async def _live(self, request: web.Request) -> web.Response:
        progress = self._run(request).progress
        document = to_document(self.live(request.match_info["uid"]), progress, self._clock.now())
        return web.Response(body=orjson.dumps(document), content_type="application/json",
                            headers={"Cache-Control": "no-store"})

    async def _live_page(self, _: web.Request) -> web.Response:
        # The same for every run, also for one that does not exist: it says nothing, so it needs no token.
        return web.Response(body=live_page(), headers=dict(live_headers()))

    async def _endpoints(self, request: web.Request) -> web.Response:
        return await self._run(request).endpoints.answer(request)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        run = self._run(request)
        name = request.match_info["file"]
        if name not in SERVED:
            raise refusal(404, f"the file must be one of {', '.join(SERVED)}, is {name!r}")
        path = run.store.path(name)
        if not run.store.sealed or not path.exists():
            raise refusal(404, "the report of this run is not written yet")
        headers = {"Content-Type": SERVED[name], "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return web.FileResponse(path, headers=headers)

    def _worker(self, request: web.Request) -> tuple[_Run, int]:
        run = self._run(request)
        index = int(request.match_info["index"])
        if index >= min(run.workers, MAX_WORKERS):
            raise refusal(400, f"the index of a worker must be below {run.workers}, is {index}")
        # `closed` is lost in a restart; `compacted` stands for it then.
        if run.closed or run.store.compacted:
            raise refusal(404, "this run has ended and accepts no more records")
        return run, index

    def _run(self, request: web.Request) -> _Run:
        run = self._runs.get(request.match_info["uid"])
        if run is None:
            # After a restart the run may exist without being registered yet: with 503 the worker tries again.
            if not self.ready:
                raise web.HTTPServiceUnavailable(headers={"Retry-After": RETRY_SECONDS}, text='{"error":"starting"}',
                                                 content_type="application/json")
            raise refusal(404, "no such run")
        if not hmac.compare_digest(header_bytes(request.headers.get(TOKEN_HEADER, "")), run.token):
            raise refusal(401, f"the header {TOKEN_HEADER} must carry the run's token")
        return run


def _recount(run: _Run) -> None:
    for path in run.store.worker_paths():
        index = int(path.name.partition("-")[0])
        run.seen.add(index)
        if path.with_suffix(SUMMARY_SUFFIX).exists():
            run.finished.add(index)
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                run.tally.add(path.stem, piece)

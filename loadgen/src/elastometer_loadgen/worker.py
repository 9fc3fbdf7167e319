"""One worker's life: wait for the common start, send its share, record every end, report, sum up."""

import asyncio
from bisect import bisect_right
from typing import Any

from elastometer_loadgen.ascent import climb_document
from elastometer_loadgen.assignment import Assignment
from elastometer_loadgen.clock import Clock, monotonic
from elastometer_loadgen.conduct import Conductor
from elastometer_loadgen.crowd import FIRST_CLOSED_ID
from elastometer_loadgen.exchange import Exchange
from elastometer_loadgen.inspection import Inspection
from elastometer_loadgen.meters import Meters
from elastometer_loadgen.process import ExitCode, prepare_process
from elastometer_loadgen.progress import Lines, Progress, note
from elastometer_loadgen.prompts import PromptSource
from elastometer_loadgen.record import format_record
from elastometer_loadgen.report import GaveUp, Reporter
from elastometer_loadgen.schedule import Arrival, compute_schedule
from elastometer_loadgen.spool import Spool
from elastometer_loadgen.stream import Client, Limits
from elastometer_loadgen.summary import Summary, finished_before
from elastometer_loadgen.vitals import Vitals

STANDALONE = "standalone"
# Room for imports and first wake-ups between the decision to start and the first arrival.
LEAD_SECONDS = 0.1
# A stopped pod has 30 s by default: so long for answers under way, so long for the last report, and a
# reserve.
DRAIN_SECONDS = 10.0
LAST_REPORT_SECONDS = 10.0


class Worker:
    """Carries out one assignment; every request ends in one line of the spool."""

    def __init__(self, assignment: Assignment, spool: Spool, reporter: Reporter | None = None) -> None:
        self._assignment = assignment
        self._spool = spool
        self._reporter = reporter
        self._clock = Clock()
        self._prompts = PromptSource(assignment.profile, assignment.model)
        self._schedule = compute_schedule(assignment.profile)
        self._vitals = Vitals(assignment.profile.lateness_bound_milliseconds)
        self._inspection = Inspection(assignment.profile.fingerprints, spool.tally, Lines().say)
        self._stopped = asyncio.Event()
        self._landed = asyncio.Event()
        self._landed.set()
        self._conductor: Conductor | None = None
        self._there_at = monotonic()
        self._broken: str | None = None
        self._client: Client | None = None
        self._following: asyncio.Future[None] | None = None
        planned = len(range(assignment.worker, len(self._schedule), assignment.workers))
        planned += sum(number >= FIRST_CLOSED_ID for number in spool.ids)
        self._progress = Progress(planned)
        self._planned_first = planned
        self.meters = Meters()
        self._done_before = len(spool.ids)

    def stop(self) -> None:
        """Ends the sending; what is in flight gets a little time."""
        self._stopped.set()

    async def run(self) -> ExitCode:
        """Returns when everything is recorded and reported, or cannot be."""
        # What goes wrong in a callback has no caller: without this the run would wait for it for ever.
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self._break(_words(context)))
        try:
            start = await self._start_instant()
        except GaveUp as error:
            note(str(error))
            return ExitCode.NOT_CARRIED_OUT
        if start is None:
            note("stopped before the start")
            return ExitCode.NOT_CARRIED_OUT
        before = finished_before(self._assignment.out, self._assignment.incarnation)
        if before is not None:
            note("all was sent before the restart; only the report is made again")
            reported = await self._report(before.data)
            return self._exit_code(carried_out=reported, fell_behind=before.fell_behind)
        if self._done_before and any(stage.is_open_ended for stage in self._assignment.profile.stages):
            note("cannot go on after a restart: nobody knows when the stages of an earlier life ended")
            return ExitCode.NOT_CARRIED_OUT
        prepare_process()
        begin = self._clock.monotonic_of(start)
        await self._sleep(begin - monotonic() - LEAD_SECONDS / 2)
        complete = await self._carry_out(start, begin)
        summary = self._sum_up(start)
        reported = await self._report(summary.save(self._assignment.out))
        return self._exit_code(carried_out=complete and reported, fell_behind=summary.fell_behind)

    async def _start_instant(self) -> int | None:
        """The common start, in microseconds since 1970; None when stopped before it was known."""
        if self._reporter is None:
            self._there_at = monotonic()
            return self._clock.instant(self._there_at + LEAD_SECONDS)
        waiting = asyncio.ensure_future(self._reporter.wait_for_start(self._assignment.workers))
        await self._unless_stopped(waiting)
        if not waiting.done():
            waiting.cancel()
            return None
        # From here on this worker is there: what it sends late is late, and not skipped.
        self._there_at = monotonic()
        greeting = waiting.result()
        if greeting.stored > self._spool.size:
            raise GaveUp(
                f"the receiver holds {greeting.stored} bytes of this incarnation, but the spool has only "
                f"{self._spool.size}: the spool was lost; start with another --incarnation"
            )
        return greeting.start

    async def _carry_out(self, start: int, begin: float) -> bool:
        """Sends and drains; True when every arrival that was still to come was sent and has its record."""
        assignment, profile = self._assignment, self._assignment.profile
        limits = Limits(profile.timeout_seconds, profile.idle_timeout_seconds)
        route = assignment.route(run_id=f"{start // 1000:x}")
        client = self._client = Client(route, limits, self._ended)
        place = (assignment.worker, assignment.workers)
        conductor = self._conductor = Conductor(profile, self._schedule, place, self._spool.ids, self._send)
        chores = [asyncio.ensure_future(task) for task in (self._progress.show(), self._sweep())]
        if self._reporter is not None:
            self._following = asyncio.ensure_future(self._reporter.follow(self._spool))
        self._vitals.start(lambda: client.open_sockets)
        self.meters.offered, self.meters.in_flight = lambda: self._offered(begin), lambda: client.in_flight
        self.meters.late = lambda: self._vitals.late
        conducting = asyncio.ensure_future(conductor.run(begin, self._there_at))
        await self._unless_stopped(conducting)
        conductor.stop()
        all_sent = await conducting
        await self._drain()
        for chore in chores:
            chore.cancel()
        client.close()
        return all_sent and self._landed.is_set() and self._broken is None

    def _offered(self, begin: float) -> int:
        """Arrivals of this worker that were due by now; users of closed loops are served as they ask."""
        due = bisect_right(self._schedule.times, monotonic() - begin)
        asked = self._progress.planned - self._planned_first
        return len(range(self._assignment.worker, due, self._assignment.workers)) + asked

    def _send(self, arrival: Arrival, intended_at: float) -> None:
        prompt = self._prompts.of(arrival)
        now = monotonic()
        self._vitals.sent(now - intended_at)
        self._progress.note_sent(arrival.stage)
        self.meters.note_sent(arrival.stage, prompt.task)
        self._landed.clear()
        if arrival.id >= FIRST_CLOSED_ID:
            self._progress.planned += 1
        if self._client is not None:
            self._client.send(Exchange(arrival, prompt, intended_at, now))

    def _ended(self, exchange: Exchange) -> None:
        self._progress.note_done(exchange)
        self.meters.note_ended(exchange)
        self._vitals.client_exhausted |= exchange.client_exhausted
        record = exchange.record(self._clock, self._assignment.worker, self._inspection.look(exchange))
        try:
            self._spool.append(format_record(record))
        except OSError as error:
            self._break(f"records could not be written: {error}")
        if self._conductor is not None:
            self._conductor.ended(exchange)
        if self._client is not None and self._client.in_flight == 0:
            self._landed.set()

    async def _drain(self) -> None:
        """Lets requests in flight end by themselves; a stopped worker waits a bounded time."""
        landing = asyncio.ensure_future(self._landed.wait())
        await self._unless_stopped(landing)
        if not landing.done():
            note(f"stopped: waiting up to {DRAIN_SECONDS:g} s for requests in flight")
            await asyncio.wait({landing}, timeout=DRAIN_SECONDS)
        landing.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self._client is not None:
                self._client.close_idle(monotonic())

    def _sum_up(self, start: int) -> Summary:
        summary = Summary(
            worker=self._assignment.worker,
            incarnation=self._assignment.incarnation or STANDALONE,
            planned=self._progress.planned + (0 if self._conductor is None else self._conductor.cut),
            sent=self._done_before + self._progress.sent,
            skipped=0 if self._conductor is None else self._conductor.skipped,
            records=self._done_before + self._progress.succeeded + self._progress.failed,
            start=start,
            end=self._clock.instant(monotonic()),
            signs=self._vitals.stop(),
            client_exhausted=self._vitals.client_exhausted,
            bound_milliseconds=self._assignment.profile.lateness_bound_milliseconds,
            knees=[] if self._conductor is None else [climb_document(c, self._clock) for c in self._conductor.climbs],
            checks=self._inspection.tally.rows(with_rates=self._assignment.workers == 1),
        )
        self._progress.show_once("\n")
        return summary

    async def _report(self, summary: bytes) -> bool:
        if self._reporter is None:
            return True
        self._reporter.stop_following()
        try:
            async with asyncio.timeout(LAST_REPORT_SECONDS if self._stopped.is_set() else None):
                if self._following is not None:
                    await self._following
                await self._reporter.finish(self._spool, summary)
        except (GaveUp, TimeoutError) as error:
            note(f"{error or 'no time left to report'}; the records are in {self._spool.path}")
            return False
        return True

    def _break(self, reason: str) -> None:
        if self._broken is None:
            self._broken = reason
            note(reason)
        self.stop()

    async def _unless_stopped(self, work: "asyncio.Future[Any]") -> None:
        stopped = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._stopped.wait()
        except TimeoutError:
            return

    def _exit_code(self, *, carried_out: bool, fell_behind: bool) -> ExitCode:
        """A receiver was told in the summary; an exit code beside it would only make a Job start the worker again."""
        if not carried_out:
            return ExitCode.NOT_CARRIED_OUT
        return ExitCode.FELL_BEHIND if fell_behind and self._reporter is None else ExitCode.CARRIED_OUT


def _words(context: dict[str, Any]) -> str:
    error = context.get("exception")
    return f"{context.get('message')}: {error!r}" if error else str(context.get("message"))

"""One worker's life: wait for the common start, send its share, record every end, report, sum up."""

import asyncio
from bisect import bisect_right

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import format_record
from elastometer_loadgen.drive.conversations import Conversations, left_before, planned_requests
from elastometer_loadgen.drive.stage_runner import Conductor
from elastometer_loadgen.drive.timers import Alarms
from elastometer_loadgen.drive.users import FIRST_CLOSED_ID
from elastometer_loadgen.gauges.inspection import Inspection
from elastometer_loadgen.gauges.meters import Meters
from elastometer_loadgen.gauges.progress import Lines, Progress
from elastometer_loadgen.gauges.vitals import Vitals
from elastometer_loadgen.journal.journal import Journal, JournalError
from elastometer_loadgen.journal.knee_record import climb_document
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.plan.prompts import Prompt, PromptSource
from elastometer_loadgen.plan.schedule import Arrival, compute_schedule
from elastometer_loadgen.reporting.reporter import GaveUp, Reporter
from elastometer_loadgen.results.summary import Summary, finished_before
from elastometer_loadgen.wire.client import Client, Limits
from elastometer_loadgen.wire.exchange import Exchange
from elastometer_loadgen.worker.assignment import Assignment
from elastometer_loadgen.worker.membership import LEAD_SECONDS, Membership, unless
from elastometer_loadgen.worker.process import ExitCode, fault_in, prepare_process
from elastometer_loadgen.worker.resumption import may_begin

STANDALONE = "standalone"
# A stopped pod has 30 s by default: so long for answers under way; the last report has as long, and a reserve is left.
DRAIN_SECONDS = 10.0


class Worker:
    """Carries out one assignment; every request ends in one line of the spool."""

    def __init__(self, assignment: Assignment, spool: Spool, reporter: Reporter | None = None) -> None:
        self._assignment = assignment
        self._spool = spool
        self._clock = Clock()
        self._prompts = PromptSource(assignment.profile, assignment.model)
        self._schedule = compute_schedule(assignment.profile)
        self._vitals = Vitals(assignment.profile.lateness_bound_milliseconds)
        self._inspection = Inspection(assignment.profile.fingerprints, spool.tally, Lines().say)
        self._journal = Journal(assignment.out, assignment.incarnation, self._clock)
        self._stopped = asyncio.Event()
        self._membership = Membership(assignment, spool, reporter, self._stopped)
        self._unwritten: list[bytes] = []
        self._landed = asyncio.Event()
        self._landed.set()
        self._conductor: Conductor | None = None
        self._broken: str | None = None
        self._client: Client | None = None
        self._alarms = Alarms(asyncio.get_running_loop())
        self._conversations = Conversations(assignment.profile.seed, self._prompts, self._send_turn, self._alarms)
        self._before = left_before(spool.conversations, self._prompts.turns)
        self._place = (assignment.worker, assignment.workers)
        self._progress = Progress(planned_requests(self._schedule, self._prompts, self._place, spool))
        self._asked = 0
        self.meters = Meters()
        self._done_before = len(spool.ids)

    def stop(self) -> None:
        """Ends the sending; what is in flight gets a little time."""
        self._stopped.set()

    async def run(self) -> ExitCode:
        """Returns when everything is recorded and reported, or cannot be."""
        try:
            return await self._live()
        finally:
            self._alarms.close()

    async def _live(self) -> ExitCode:
        # What goes wrong in a callback has no caller: without this the run would wait for it for ever.
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self._break(fault_in(context)))
        try:
            start = await self._membership.start_instant(self._clock, self._journal.start)
        except GaveUp as error:
            note(str(error))
            return ExitCode.NOT_CARRIED_OUT
        if start is None:
            note("stopped before the start")
            return ExitCode.NOT_CARRIED_OUT
        past = finished_before(self._assignment.out, self._assignment.incarnation)
        if past is not None:
            note("all was sent before the restart; only the report is made again")
            return self._exit_code(carried_out=await self._membership.report(past.data), fell_behind=past.fell_behind)
        profile, spool, journal = self._assignment.profile, self._spool, self._journal
        if not may_begin(profile, spool, journal, self._before, start=start, clock=self._clock):
            return ExitCode.NOT_CARRIED_OUT
        prepare_process()
        begin = self._clock.monotonic_of(start)
        await self._sleep(begin - monotonic() - LEAD_SECONDS / 2)
        conductor = self._conductor = Conductor(
            profile, self._schedule, self._place, spool.ids, self._send,
            turns=self._prompts.turns, journal=journal, alarms=self._alarms,
        )  # fmt: skip
        complete = await self._carry_out(conductor, start, begin)
        journal.close()
        summary = self._sum_up(conductor, start)
        reported = await self._membership.report(summary.save(self._assignment.out))
        return self._exit_code(carried_out=complete and reported, fell_behind=summary.fell_behind)

    async def _carry_out(self, conductor: Conductor, start: int, begin: float) -> bool:
        """Sends and drains; True when every arrival that was still to come was sent and has its record."""
        profile, route = self._assignment.profile, self._assignment.route(run_id=f"{start // 1000:x}")
        limits = Limits(profile.timeout_seconds, profile.idle_timeout_seconds)
        client = self._client = Client(route, limits, self._ended)
        chores = [asyncio.ensure_future(task) for task in (self._progress.show(), self._sweep())]
        self._membership.follow()
        self._vitals.start(lambda: client.open_sockets)
        self.meters.offered, self.meters.in_flight = lambda: self._offered(conductor), lambda: client.in_flight
        self.meters.late = lambda: self._vitals.late
        conducting = asyncio.ensure_future(conductor.run(begin, self._membership.there_at))
        await unless(self._stopped, conducting)
        conductor.stop()
        all_sent = await self._conducted(conducting)
        await self._drain()
        for chore in chores:
            chore.cancel()
        client.close()
        self._write()
        return all_sent and self._landed.is_set() and not self._conversations.cut and self._broken is None

    async def _conducted(self, conducting: "asyncio.Future[bool]") -> bool:
        await asyncio.wait({conducting})
        error = conducting.exception()
        if error is not None:
            self._break(str(error) if isinstance(error, JournalError) else f"the load broke off: {error!r}")
        return error is None and conducting.result()

    def _offered(self, conductor: Conductor) -> int:
        """Arrivals of this worker that were due by now; users of closed loops are served as they ask."""
        due = bisect_right(self._schedule.times, monotonic() - conductor.begin)
        return len(range(self._assignment.worker, due, self._assignment.workers)) + self._asked

    def _send(self, arrival: Arrival, intended_at: float) -> None:
        prompt = self._prompts.of(arrival)
        if arrival.id >= FIRST_CLOSED_ID:
            self._asked += 1
            self._progress.planned += 1 + len(prompt.further)
        self._transmit(arrival, prompt, intended_at)

    def _send_turn(self, arrival: Arrival, prompt: Prompt, intended_at: float) -> None:
        self._asked += 1
        if self._conductor is not None:
            self._conductor.sending(arrival, intended_at)
        self._transmit(arrival, prompt, intended_at)

    def _transmit(self, arrival: Arrival, prompt: Prompt, intended_at: float) -> None:
        now = monotonic()
        self._vitals.sent(now - intended_at)
        self._progress.note_sent(arrival.stage)
        self.meters.note_sent(arrival.stage, prompt.task)
        self._landed.clear()
        if self._client is not None:
            self._client.send(Exchange(arrival, prompt, intended_at, now))

    def _ended(self, exchange: Exchange) -> None:
        self._progress.note_done(exchange)
        self.meters.note_ended(exchange)
        self._vitals.client_exhausted |= exchange.client_exhausted
        record = exchange.record(self._clock, self._assignment.worker, self._inspection.look(exchange))
        if not self._unwritten:
            # Requests that end in one turn of the loop are written together: a write costs as much as a record.
            asyncio.get_running_loop().call_soon(self._write)
        self._unwritten.append(format_record(record))
        goes_on = self._conversations.ended(exchange)
        if self._conductor is not None:
            self._conductor.ended(exchange, goes_on=goes_on)
        self._note_landing()

    def _write(self) -> None:
        if not self._unwritten:
            return
        lines = b"".join(self._unwritten)
        self._unwritten.clear()
        try:
            self._spool.append(lines)
        except OSError as error:
            self._break(f"records could not be written: {error}")

    def _note_landing(self) -> None:
        if self._client is not None and self._client.in_flight == self._conversations.waiting == 0:
            self._landed.set()

    async def _drain(self) -> None:
        """Lets requests in flight end by themselves; a stopped worker waits a bounded time."""
        landing = asyncio.ensure_future(self._landed.wait())
        await unless(self._stopped, landing)
        if not landing.done():
            self._conversations.stop()
            self._note_landing()
        if not self._landed.is_set():
            note(f"stopped: waiting up to {DRAIN_SECONDS:g} s for requests in flight")
            await asyncio.wait({landing}, timeout=DRAIN_SECONDS)
        landing.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self._client is not None:
                self._client.close_idle(monotonic())

    def _sum_up(self, conductor: Conductor, start: int) -> Summary:
        summary = Summary(
            worker=self._assignment.worker,
            incarnation=self._assignment.incarnation or STANDALONE,
            planned=self._progress.planned + conductor.missed + conductor.cut,
            sent=self._done_before + self._progress.sent,
            skipped=self._before.skipped_turns + conductor.skipped + conductor.missed,
            unsent_turns=self._before.unsent_turns + self._conversations.unsent_turns,
            capped_users=conductor.capped_users,
            records=self._spool.records,
            start=start,
            end=self._clock.instant(monotonic()),
            signs=self._vitals.stop(),
            client_exhausted=self._vitals.client_exhausted,
            bound_milliseconds=self._assignment.profile.lateness_bound_milliseconds,
            knees=[climb_document(climb, self._clock) for climb in conductor.climbs],
            checks=self._inspection.tally.rows(with_rates=self._assignment.workers == 1),
            interruptions=self._journal.interruptions,
        )
        self._progress.show_once("\n")
        return summary

    def _break(self, reason: str) -> None:
        if self._broken is None:
            self._broken = reason
            note(reason)
        self.stop()

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
        return ExitCode.FELL_BEHIND if fell_behind and self._membership.is_alone else ExitCode.CARRIED_OUT
